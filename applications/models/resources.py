"""What an application protects, and its named sets of permissions."""

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Coalesce

from applications.models.applications import Application
from iam_portal.gate import Privilege
from tenants.models import Spanned, Tenant
from tenants.models.spanned import no_overlap, still_open

PRIVILEGES = [(privilege.value, privilege.value) for privilege in Privilege]
ROLE_KEY_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class Placed(Spanned):
    """Queries over resources, with the place of each."""

    def placed(self, at: datetime) -> "Placed":
        """Those that are there at the moment, as they stood and with what they offered then."""
        return self.filter(during__contains=at, places__during__contains=at)._with_place()

    def standing(self) -> "Placed":
        """Those that have no end, as they stand: also for a request that began before they did."""
        unended = {"places__during__endswith__isnull": True, "places__during__isempty": False}
        return self.filter(still_open()).filter(**unended)._with_place()

    def _with_place(self) -> "Placed":
        return self.annotate(privileges=F("places__privileges"), parent_id=F("places__parent"))


class Resource(models.Model):
    """A thing that an application protects. Static ones (no owner tenant) exist in every tenant it serves.

    ``parent_id`` and ``privileges`` are its place at the moment that was asked about; without one it is not
    there for any question.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(  # found by the index of addresses, which begins with it
        Application, on_delete=models.PROTECT, related_name="resources", db_index=False
    )
    type = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=500, blank=True)
    icon = models.CharField(max_length=60, blank=True)
    owner_tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    during = DateTimeRangeField()
    revision = models.PositiveIntegerField(default=1)
    privileges: list[str]
    parent_id: uuid.UUID | None

    objects = Placed.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "type", "key", "owner_tenant"],
                condition=still_open(),
                nulls_distinct=False,
                name="resource_once",
                violation_error_message="This resource is declared already.",
            ),
            models.CheckConstraint(
                condition=Q(type__startswith="urn:"),
                name="resource_type_urn",
                violation_error_message="A resource type is a URN.",
            ),
        ]
        # At any moment: the constraint's own index knows only what has no end.
        # By owner: one tenant's own, and the static ones, beside those of thousands.
        indexes = [
            models.Index(fields=["application", "type", "key"], name="resource_address"),
            models.Index(fields=["application", "owner_tenant"], name="resource_by_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.type}/{self.key}"


class ResourcePlace(models.Model):
    """What contains a resource and what can be done with it, for a span. At the moment of a change one ends
    and another begins: who asks about the past is told of the place of then.

    A trigger keeps ``parent`` in the same application, static or of the same tenant, and without loops.
    """

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="places")
    owner_tenant = models.ForeignKey(  # the resource's own, said again for the wall
        Tenant, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    parent = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    privileges = ArrayField(models.CharField(max_length=10, choices=PRIVILEGES))
    during = DateTimeRangeField()

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap("resourceplace_no_overlap", ["resource"], "This resource has a place already."),
            models.CheckConstraint(
                condition=~Q(parent=F("resource")),
                name="resourceplace_not_itself",
                violation_error_message="A resource cannot contain itself.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_id} in {self.parent_id}"


class ApplicationRole(models.Model):
    """A named set of (resource, privileges), declared by the application. What a contract carries."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="roles")
    key = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    # The role that it took the place of: who names that one by its key means this one.
    supersedes = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="successors", null=True, blank=True
    )
    during = DateTimeRangeField()

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "key"],
                condition=still_open(),
                name="applicationrole_once",
                violation_error_message="This role is declared already.",
            ),
            models.CheckConstraint(
                condition=Q(key__regex=ROLE_KEY_PATTERN),
                name="applicationrole_key_grammar",
                violation_error_message="A role key has 1 to 64 of a-z 0-9 . _ -.",
            ),
        ]
        ordering = ["application_id", "key"]

    def __str__(self) -> str:
        return self.name


def _held() -> Case:
    """``during``, begun at ``held_since`` where it is set. An empty span stays empty."""
    start = Coalesce("held_since", Func("during", function="lower"), output_field=models.DateTimeField())
    end = Func("during", function="upper")
    whole = Func(start, end, Value("[)"), function="tstzrange", output_field=DateTimeRangeField())
    return Case(When(during__isempty=True, then="during"), default=whole, output_field=DateTimeRangeField())


class RolePermission(models.Model):
    """One privilege on one static resource, as part of a role, for a span.

    ``held_since``: since when the role held it under former ids, where a manifest gave new ones. ``held`` is
    the span with that time: what a provider confirmed stays confirmed under another name.
    """

    role = models.ForeignKey(ApplicationRole, on_delete=models.CASCADE, related_name="permissions")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+")
    privilege = models.CharField(max_length=10, choices=PRIVILEGES)
    during = DateTimeRangeField()
    held_since = models.DateTimeField(null=True, blank=True)
    held = models.GeneratedField(expression=_held(), output_field=DateTimeRangeField(), db_persist=True)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap(
                "rolepermission_no_overlap", ["role", "resource", "privilege"], "The role holds this already."
            )
        ]

    def __str__(self) -> str:
        return f"{self.role_id}: {self.privilege} {self.resource_id}"


class RequiredRole(models.Model):
    """A role of another application that this one wants to call with.

    Kept as it was written, not as a reference: a declaration must not tell which applications exist.
    """

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="required_roles")
    wanted_application = models.CharField(max_length=64)
    wanted_role = models.CharField(max_length=64)
    during = DateTimeRangeField()

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap(
                "requiredrole_no_overlap",
                ["application", "wanted_application", "wanted_role"],
                "This role is required already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_id} requires {self.wanted_application}/{self.wanted_role}"
