"""Shape of an impact: what an act takes away, from whom."""

from typing import Any

from rest_framework import serializers as rest

from tenants.serializers.partnerships import PartnerOut


class ImpactPair(rest.Serializer[Any]):
    """An application that becomes unavailable in an organization, or loses roles there."""

    applicationId = rest.CharField()
    applicationName = rest.CharField()
    tenantId = rest.UUIDField()
    tenantName = rest.CharField()
    becomes = rest.ChoiceField(choices=["unavailable", "narrowed"])
    roles = rest.ListField(child=rest.CharField())
    at = rest.DateTimeField()


class ImpactUser(rest.Serializer[Any]):
    """A person of one's own organization, with the role URNs that are lost, or hold less.

    ``lastUsedAt``: when his sign-in to one of the applications last gave a token, if that is still known.
    """

    userId = rest.UUIDField()
    name = rest.CharField()
    roles = rest.ListField(child=rest.CharField())
    lastUsedAt = rest.DateTimeField(allow_null=True)


class ImpactUsers(rest.Serializer[Any]):
    """All are counted; named are those of one's own organization."""

    count = rest.IntegerField()
    items = ImpactUser(many=True)


class ImpactService(rest.Serializer[Any]):
    """A call that is lost, or loses roles: ``applicationId`` calls ``calls`` in the tenant."""

    applicationId = rest.CharField()
    name = rest.CharField()
    tenantId = rest.UUIDField()
    calls = rest.CharField()
    callsName = rest.CharField()
    at = rest.DateTimeField()
    lastUsedAt = rest.DateTimeField(allow_null=True)


class ImpactServices(rest.Serializer[Any]):
    """All are counted; named are calls in one's own organization, and those of one's own applications."""

    count = rest.IntegerField()
    items = ImpactService(many=True)


class ImpactContract(rest.Serializer[Any]):
    """A contract that ends, is withdrawn, is paused, narrows, or stops counting (``falls``)."""

    contractId = rest.UUIDField()
    effect = rest.ChoiceField(choices=["ends", "withdrawn", "pauses", "narrows", "falls"])
    type = rest.CharField()
    provider = PartnerOut()
    consumer = PartnerOut()
    applications = rest.ListField(child=rest.CharField())


class ImpactContracts(rest.Serializer[Any]):
    """All are counted; named are those that the organization may know of."""

    count = rest.IntegerField()
    items = ImpactContract(many=True)


class ImpactCount(rest.Serializer[Any]):
    """How many, of one's own people."""

    count = rest.IntegerField()


class ImpactOut(rest.Serializer[Any]):
    """What the act would take away. ``revision`` goes into ``If-Match`` of the act."""

    action = rest.CharField()
    at = rest.DateTimeField()
    revision = rest.CharField()
    pairs = ImpactPair(many=True, help_text="those that one may know of; all are counted")
    pairCount = rest.IntegerField()
    contracts = ImpactContracts()
    users = ImpactUsers()
    services = ImpactServices()
    sessions = ImpactCount()
    refreshTokens = ImpactCount()


class ImpactApplication(rest.Serializer[Any]):
    """An application by its name."""

    applicationId = rest.CharField()
    name = rest.CharField()


class ImpactApplications(rest.Serializer[Any]):
    """Counted, and named."""

    count = rest.IntegerField()
    items = ImpactApplication(many=True)


class PeopleImpactOut(ImpactOut):
    """What an act on a person or a group would take away.

    ``withoutPeople``: applications in which nobody of the organization would hold a role any more. Who may
    not read roles (*Roles:read*) gets the counts alone, of these and of ``users``.
    """

    withoutPeople = ImpactApplications()


class GroupImpactOut(PeopleImpactOut):
    """``mappers``: rules of identity providers that put people into the group, and end with it."""

    mappers = ImpactCount()
