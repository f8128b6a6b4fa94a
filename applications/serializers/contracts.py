"""Shapes of contracts."""

from typing import Any

from rest_framework import serializers as rest

from applications.models import ContractType
from applications.serializers.shared import RoleRef, Text
from tenants.rest import StrictSerializer


class ContractIn(StrictSerializer):
    """A contract to draft."""

    consumerTenantId = rest.UUIDField()
    type = rest.ChoiceField(choices=ContractType.choices)
    roles = RoleRef(many=True)
    startsAt = rest.DateTimeField(required=False, allow_null=True, default=None)
    endsAt = rest.DateTimeField(required=False, allow_null=True, default=None)
    answerBy = rest.DateTimeField(required=False, allow_null=True, default=None)
    onwardAccess = rest.BooleanField(required=False, default=False)
    note = Text(1000, required=False, allow_blank=True, default="")


class ContractPatch(StrictSerializer):
    """What can be changed of a draft. What is left out stays."""

    roles = RoleRef(many=True, required=False)
    startsAt = rest.DateTimeField(required=False, allow_null=True)
    endsAt = rest.DateTimeField(required=False, allow_null=True)
    answerBy = rest.DateTimeField(required=False, allow_null=True)
    onwardAccess = rest.BooleanField(required=False)
    note = Text(1000, required=False, allow_blank=True)


class TickIn(StrictSerializer):
    """A required role to give with an acceptance: the shared application, and what it requires."""

    applicationId = Text(64)
    requires = RoleRef()


class ActIn(StrictSerializer):
    """An act on a contract: when (only where it can be planned), until when (pause), and a note.

    ``requiredRoles`` (accept): what applications of the contract require and shall have at once.
    """

    requiredRoles = TickIn(many=True, required=False, default=list, max_length=200)  # type: ignore[call-arg]

    at = rest.DateTimeField(required=False, allow_null=True, default=None)
    until = rest.DateTimeField(required=False, allow_null=True, default=None)
    note = Text(500, required=False, allow_blank=True, default="")


class PartyOut(rest.Serializer[Any]):
    """A side of a contract."""

    tenantId = rest.UUIDField()
    name = rest.CharField()


class SpanOut(rest.Serializer[Any]):
    """A span."""

    pauseId = rest.IntegerField(required=False)
    startsAt = rest.DateTimeField(allow_null=True)
    endsAt = rest.DateTimeField(allow_null=True)


class TermOut(rest.Serializer[Any]):
    """A role of the contract and its agreed span."""

    applicationId = rest.CharField()
    role = rest.CharField()
    name = rest.CharField()
    startsAt = rest.DateTimeField(allow_null=True)
    endsAt = rest.DateTimeField(allow_null=True)


class AmendmentsOut(rest.Serializer[Any]):
    """How many amendments of the contract wait for an answer."""

    open = rest.IntegerField()


class ContractOut(rest.Serializer[Any]):
    """A contract as one of its sides sees it."""

    contractId = rest.UUIDField()
    type = rest.ChoiceField(choices=ContractType.choices)
    provider = PartyOut()
    consumer = PartyOut()
    state = rest.CharField(help_text="draft, proposed, accepted, declined, withdrawn, lapsed or ended")
    inForce = rest.BooleanField()
    startsAt = rest.DateTimeField(allow_null=True)
    endsAt = rest.DateTimeField(allow_null=True)
    answerBy = rest.DateTimeField(allow_null=True)
    pauses = SpanOut(many=True)
    roles = TermOut(many=True)
    onwardAccess = rest.BooleanField()
    note = rest.CharField()
    amendments = AmendmentsOut()
    rolesToConfirm = rest.IntegerField(
        allow_null=True,
        help_text="Roles that gained permissions which its provider has not confirmed; null for the consumer"
        " and for what is not an accepted access contract",
    )
    revision = rest.CharField()


class ContractPage(rest.Serializer[Any]):
    """A page of contracts."""

    items = ContractOut(many=True)
    next = rest.CharField(allow_null=True)
