"""Shape of a report."""

from typing import Any

from rest_framework import serializers as rest


class ReportOut(rest.Serializer[Any]):
    """All of it. The members of the items are the columns of the report; moments are RFC 3339."""

    report = rest.CharField()
    at = rest.DateTimeField()
    days = rest.IntegerField(required=False)
    items = rest.ListField(child=rest.DictField())
