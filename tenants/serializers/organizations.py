"""Shapes of organizations."""

from typing import Any

from rest_framework import serializers as rest

from tenants.models.tenants import SLUG_PATTERN
from tenants.rest import StrictSerializer


class SuspensionIn(StrictSerializer):
    """Why it is suspended; kept in its record and in the operator's. From now on, and until it is resumed,
    where no moments are given."""

    reason = rest.CharField(max_length=500, required=False, allow_blank=True, default="")
    startsAt = rest.DateTimeField(required=False, allow_null=True, default=None)
    endsAt = rest.DateTimeField(required=False, allow_null=True, default=None)


class AdministratorIn(StrictSerializer):
    """Its first administrator; the user name is the e-mail address where none is given."""

    displayName = rest.CharField(max_length=150)
    email = rest.EmailField(max_length=254)
    username = rest.CharField(max_length=150, required=False)


class OrganizationIn(StrictSerializer):
    """A new organization. The slug stands in its addresses, and is never used again."""

    name = rest.CharField(max_length=120)
    slug = rest.RegexField(SLUG_PATTERN, max_length=40)
    administrator = AdministratorIn()


class OrganizationPatch(StrictSerializer):
    """What is left out stays."""

    name = rest.CharField(max_length=120, required=False)


class MailboxIn(StrictSerializer):
    """Another mailbox, where the first address was wrong."""

    email = rest.EmailField(max_length=254, required=False)


class SuspensionOut(rest.Serializer[Any]):
    """The one that runs, or the one that is planned."""

    startsAt = rest.DateTimeField()
    endsAt = rest.DateTimeField(allow_null=True)
    reason = rest.CharField()


class OrganizationOut(rest.Serializer[Any]):
    """An organization of the installation."""

    tenantId = rest.UUIDField()
    slug = rest.CharField()
    name = rest.CharField()
    suspended = rest.BooleanField()
    suspension = SuspensionOut(allow_null=True)
    createdAt = rest.DateTimeField()
    revision = rest.CharField()


class OrganizationPage(rest.Serializer[Any]):
    """A page of organizations."""

    items = OrganizationOut(many=True)
    next = rest.CharField(allow_null=True)
