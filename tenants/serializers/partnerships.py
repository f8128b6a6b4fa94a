"""Shapes of partnerships."""

from typing import Any

from rest_framework import serializers as rest

from tenants.models.tenants import SLUG_PATTERN
from tenants.rest import StrictSerializer


class InvitationIn(StrictSerializer):
    """An invitation. The expected organization, when named, is confirmed as soon as it redeems."""

    expectedSlug = rest.RegexField(SLUG_PATTERN, max_length=40, required=False)
    note = rest.CharField(max_length=500, required=False, allow_blank=True, default="")


class RedeemIn(StrictSerializer):
    """The value of an invitation's link."""

    token = rest.CharField(max_length=200)


class AutoAcceptIn(StrictSerializer):
    """Exactly these contract types are accepted without being looked at."""

    types = rest.ListField(child=rest.ChoiceField(choices=["provision", "access"]), max_length=2)


class PartnerOut(rest.Serializer[Any]):
    """A side."""

    tenantId = rest.UUIDField()
    name = rest.CharField()


class PartnershipOut(rest.Serializer[Any]):
    """A partnership as one of its sides sees it."""

    partnershipId = rest.UUIDField()
    state = rest.CharField(help_text="invited, redeemed, confirmed, declined, expired or ended")
    inviter = PartnerOut()
    invitee = PartnerOut(allow_null=True)
    invitedAt = rest.DateTimeField()
    expiresAt = rest.DateTimeField()
    confirmedAt = rest.DateTimeField(allow_null=True)
    endedAt = rest.DateTimeField(allow_null=True)
    autoAccept = rest.ListField(child=rest.CharField(), help_text="contract types that this side accepts")
    revision = rest.CharField()


class InvitationMade(PartnershipOut):
    """The only reply that carries the value of the link."""

    token = rest.CharField()
    link = rest.URLField()


class InvitationShown(rest.Serializer[Any]):
    """What whoever holds the link may know before he takes it."""

    inviter = PartnerOut()
    invitedBy = rest.CharField()
    invitedAt = rest.DateTimeField()
    expiresAt = rest.DateTimeField()
    note = rest.CharField()


class PartnershipPage(rest.Serializer[Any]):
    """A page of partnerships."""

    items = PartnershipOut(many=True)
    next = rest.CharField(allow_null=True)
