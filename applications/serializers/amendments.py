"""Shapes of amendments."""

from typing import Any

from rest_framework import serializers as rest

from applications.serializers.contracts import PartyOut
from applications.serializers.shared import RoleRef, Text
from tenants.rest import StrictSerializer


class AmendmentIn(StrictSerializer):
    """What is to change. ``endsAt`` null: no end any more; left out: the end stays."""

    addRoles = rest.ListField(child=RoleRef(), required=False, default=list, max_length=200)
    removeRoles = rest.ListField(child=RoleRef(), required=False, default=list, max_length=200)
    endsAt = rest.DateTimeField(required=False, allow_null=True)
    at = rest.DateTimeField(
        required=False, allow_null=True, default=None, help_text="When the roles change; null: at once"
    )
    answerBy = rest.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Only where the other side has to answer"
    )
    note = Text(500, required=False, allow_blank=True, default="")


class AnswerIn(StrictSerializer):
    """What is said with an answer."""

    note = Text(500, required=False, allow_blank=True, default="")


class DiffRoleOut(rest.Serializer[Any]):
    """A role that comes or goes."""

    applicationId = rest.CharField()
    role = rest.CharField()
    name = rest.CharField()


class MovedOut(rest.Serializer[Any]):
    """The end before and after; null is no end."""

    before = rest.DateTimeField(allow_null=True)
    after = rest.DateTimeField(allow_null=True)


class DiffOut(rest.Serializer[Any]):
    """What changes."""

    added = DiffRoleOut(many=True)
    removed = DiffRoleOut(many=True)
    endsAt = MovedOut(allow_null=True)


class AmendmentOut(rest.Serializer[Any]):
    """An amendment as both sides see it."""

    amendmentId = rest.UUIDField()
    contractId = rest.UUIDField()
    kind = rest.ChoiceField(choices=["narrowing", "widening"])
    state = rest.CharField(help_text="proposed, accepted, declined, withdrawn, lapsed or cancelled")
    proposedBy = PartyOut()
    proposedAt = rest.DateTimeField()
    answeredAt = rest.DateTimeField(allow_null=True)
    takesEffectAt = rest.DateTimeField(allow_null=True)
    diff = DiffOut()
    note = rest.CharField()
    answerBy = rest.DateTimeField(allow_null=True)
    revision = rest.CharField()


class AmendmentPage(rest.Serializer[Any]):
    """A page of amendments."""

    items = AmendmentOut(many=True)
    next = rest.CharField(allow_null=True)
