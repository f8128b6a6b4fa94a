"""Shapes of a tenant's configuration, its plan and its application."""

from typing import Any

from rest_framework import serializers as rest

from accesscontrol.configuration.shape import USUAL
from accesscontrol.serializers.roles import PRIVILEGES
from applications.models import ContractType
from applications.serializers.manifest import ManifestIn
from applications.serializers.shared import RoleRef, Switch, Text
from tenants.models import IdentityMapper
from tenants.rest import StrictSerializer
from tenants.serializers.impact import ImpactOut

MOST = 20_000  # of a section; the size of a body is limited before


class ConfiguredApplication(StrictSerializer):
    """An own application. ``~.`` stands for the organization's own prefix. Without a manifest, it stays."""

    applicationId = Text(64)
    name = Text(120)
    displayName = Text(120)
    description = Text(1000, required=False, allow_blank=True, default="")
    homeUrl = rest.URLField(max_length=500, required=False, allow_blank=True, default="")
    manifest = ManifestIn(required=False)


class ConfiguredContract(StrictSerializer):
    """What the organization provides to a partner, named by its short name or id."""

    consumer = Text(64)
    type = rest.ChoiceField(choices=ContractType.choices)
    roles: rest.ListSerializer[Any] = rest.ListSerializer(child=RoleRef(), min_length=1, max_length=500)
    startsAt = rest.DateTimeField(required=False, allow_null=True, default=None)
    endsAt = rest.DateTimeField(required=False, allow_null=True, default=None)
    onwardAccess = Switch(required=False, default=False)
    note = Text(1000, required=False, allow_blank=True, default="")


class ConfiguredMembership(StrictSerializer):
    """Somebody who is a member from a moment on, until another, or both."""

    user = Text(150)

    def get_fields(self) -> dict[str, Any]:
        """``from`` is a word of the language, so it cannot be written as an attribute."""
        fields = super().get_fields()
        fields["from"] = rest.DateTimeField(required=False, allow_null=True, default=None)
        fields["until"] = rest.DateTimeField(required=False, allow_null=True, default=None)
        return fields


class ConfiguredGroup(StrictSerializer):
    """A group in its place, with its own members by user name. ``memberships``: those for a time."""

    name = Text(120)
    description = Text(500, required=False, allow_blank=True, default="")
    parent = Text(120, required=False, allow_null=True, default=None)  # type: ignore[assignment]
    members = rest.ListField(child=Text(150), required=False, default=list, max_length=MOST)
    memberships: rest.ListSerializer[Any] = rest.ListSerializer(
        child=ConfiguredMembership(), required=False, default=list, max_length=MOST
    )


class ConfiguredPermission(StrictSerializer):
    """Privileges on a resource."""

    applicationId = Text(64)
    resourceType = Text(200)
    resourceId = Text(200)
    privileges = rest.ListField(child=rest.ChoiceField(choices=PRIVILEGES), min_length=1, max_length=5)


class ConfiguredRole(StrictSerializer):
    """A role of the organization's making."""

    key = Text(64)
    name = Text(120)
    description = Text(500, required=False, allow_blank=True, default="")
    permissions: rest.ListSerializer[Any] = rest.ListSerializer(
        child=ConfiguredPermission(), required=False, default=list, max_length=2000
    )


class ConfiguredPrincipal(StrictSerializer):
    """Exactly one: a user name, the name of a group, the id of an application."""

    user = Text(150, required=False)
    group = Text(120, required=False)
    application = Text(64, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One is named."""
        if len(attrs) != 1:
            raise rest.ValidationError("Name exactly one of user, group and application.")
        return attrs


class ConfiguredRoleRef(StrictSerializer):
    """A role of an application, or without one a role of the organization."""

    applicationId = Text(64, required=False)
    key = Text(64)


class ConfiguredAssignment(StrictSerializer):
    """A role of a principal. ``provider``: it is held through an access contract of that partner."""

    principal = ConfiguredPrincipal()
    role = ConfiguredRoleRef()
    provider = Text(64, required=False, allow_null=True, default=None)
    contractId = rest.UUIDField(required=False, allow_null=True, default=None)

    def get_fields(self) -> dict[str, Any]:
        """``from`` is a word of the language, so it cannot be written as an attribute."""
        fields = super().get_fields()
        fields["from"] = rest.DateTimeField(required=False, allow_null=True, default=None)
        fields["until"] = rest.DateTimeField(required=False, allow_null=True, default=None)
        return fields


class ConfiguredMapping(StrictSerializer):
    """What an identity provider's word moves: into a group by claim and value, or a name by a template.

    ``provider``: its key. It is not made by a document.
    """

    provider = Text(40)
    kind = rest.ChoiceField(choices=IdentityMapper.Kind.choices)
    when = rest.ChoiceField(choices=IdentityMapper.When.choices, required=False, default=USUAL)
    claim = Text(200, required=False, allow_blank=True, default="")
    value = Text(500, required=False, allow_blank=True, default="")
    group = Text(120, required=False, allow_null=True, default=None)  # type: ignore[assignment]
    template = Text(200, required=False, allow_blank=True, default="")


def _section(item: rest.Serializer[Any], most: int = MOST) -> Any:
    return rest.ListSerializer(child=item, required=False, max_length=most)


class ConfigurationDocument(StrictSerializer):
    """A section that is left out is not touched; one that is there is complete."""

    version = rest.ChoiceField(choices=[1])
    applications = _section(ConfiguredApplication())
    contracts = _section(ConfiguredContract(), 2000)
    groups = _section(ConfiguredGroup())
    roles = _section(ConfiguredRole())
    assignments = _section(ConfiguredAssignment())
    mappings = _section(ConfiguredMapping())


class StepOut(rest.Serializer[Any]):
    """One act. ``permission`` is what its own door asks for."""

    verb = rest.ChoiceField(choices=["add", "change", "remove"])
    section = rest.CharField()
    name = rest.CharField()
    pointer = rest.CharField(help_text="Its place in the document; of what is removed, its section")
    permissions = rest.ListField(child=rest.CharField())
    final = rest.BooleanField(help_text="It cannot be taken back, and needs `prune`")
    diff = rest.ListField(child=rest.CharField())


class SummaryOut(rest.Serializer[Any]):
    """How many steps of each kind."""

    add = rest.IntegerField()
    change = rest.IntegerField()
    remove = rest.IntegerField()


class ObjectionOut(rest.Serializer[Any]):
    """Why a step cannot be done."""

    pointer = rest.CharField()
    code = rest.CharField()
    detail = rest.CharField()


class ConfigurationImpact(ImpactOut):
    """Who and what loses something by all steps together; an impact without a revision of its own."""

    action = None  # type: ignore[assignment]
    at = None  # type: ignore[assignment]
    revision = None  # type: ignore[assignment]


class PlanOut(rest.Serializer[Any]):
    """What applying the document would do. ``impact`` is null where nothing is changed or removed."""

    revision = rest.CharField()
    summary = SummaryOut()
    steps = StepOut(many=True)
    objections = ObjectionOut(many=True)
    impact = ConfigurationImpact(allow_null=True)
