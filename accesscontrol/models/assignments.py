"""A role given to a principal in a tenant, for a span."""

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import RangeEndsWith, RangeStartsWith
from django.db import models
from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, Coalesce

from accesscontrol.models.roles import TenantRole
from applications.models import Application, ApplicationRole, Contract
from tenants.models import Group, Spanned, Tenant, User


def _first_of(*columns: str) -> Coalesce:
    return Coalesce(*(Cast(column, TextField()) for column in columns), Value(""), output_field=TextField())


def _exactly_one(*columns: str) -> Q:
    choices = Q()
    for column in columns:
        choices |= Q(**{f"{other}__isnull": other != column for other in columns})
    return choices


class Assignment(models.Model):
    """Counts only while the role is granted to the tenant.

    ``contract`` is set when the role is held through an access contract; its scope is the provider.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="assignments")
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="assignments", null=True, blank=True
    )
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, related_name="assignments", null=True, blank=True
    )
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="held_assignments", null=True, blank=True
    )
    application_role = models.ForeignKey(
        ApplicationRole, on_delete=models.PROTECT, related_name="assignments", null=True, blank=True
    )
    tenant_role = models.ForeignKey(
        TenantRole, on_delete=models.PROTECT, related_name="assignments", null=True, blank=True
    )
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="assignments", null=True, blank=True
    )
    during = DateTimeRangeField()
    created_at = models.DateTimeField()
    by_name = models.CharField(max_length=200)
    ended_by = models.CharField(max_length=200, blank=True)  # set when an act, not the plan, ended it
    told_at = models.DateTimeField(null=True, blank=True)  # the last planned moment that the job has told

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=_exactly_one("user", "group", "application"),
                name="assignment_one_principal",
                violation_error_message="Name exactly one of user, group and application.",
            ),
            models.CheckConstraint(
                condition=_exactly_one("application_role", "tenant_role"),
                name="assignment_one_role",
                violation_error_message="Name exactly one role.",
            ),
            models.CheckConstraint(
                condition=Q(contract__isnull=True) | Q(tenant_role__isnull=True),
                name="assignment_contract_application_role",
                violation_error_message="A contract carries application roles only.",
            ),
            ExclusionConstraint(
                name="assignment_no_overlap",
                expressions=[
                    ("tenant", RangeOperators.EQUAL),
                    (_first_of("user", "group", "application"), RangeOperators.EQUAL),
                    (_first_of("application_role", "tenant_role"), RangeOperators.EQUAL),
                    (_first_of("contract"), RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
                violation_error_message="This role is assigned for this time already.",
            ),
        ]
        indexes = [
            models.Index(RangeStartsWith("during"), name="assignment_by_start"),
            models.Index(RangeEndsWith("during"), name="assignment_by_end"),
            # The list of all, the latest first.
            models.Index(fields=["tenant", "created_at", "id"], name="assignment_by_age"),
            # Who holds a role here: of what is shared, the role alone names the holders of all tenants.
            models.Index(
                fields=["tenant", "application_role", "created_at", "id"],
                condition=Q(application_role__isnull=False),
                name="assignment_by_role",
            ),
            # The same with all that a review asks of thousands: their rows lie far apart.
            models.Index(
                fields=["tenant", "application_role"],
                include=["user", "group", "contract", "during"],
                condition=Q(application_role__isnull=False, application__isnull=True),
                name="assignment_reviewed",
            ),
            # What groups and services hold: few rows among those of thousands of people.
            models.Index(
                fields=["tenant", "application_role", "tenant_role"],
                condition=Q(user__isnull=True),
                name="assignment_of_no_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_role_id or self.tenant_role_id} in {self.tenant_id}"
