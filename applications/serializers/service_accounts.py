"""Shape of a technical account."""

from typing import Any

from rest_framework import serializers as rest


class ServiceAccountOut(rest.Serializer[Any]):
    """An application as it acts in one tenant."""

    serviceAccountId = rest.UUIDField()
    applicationId = rest.CharField()
    tenantId = rest.UUIDField()
