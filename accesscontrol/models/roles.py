"""Roles that a tenant makes for itself from permissions that are available there."""

import uuid

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q

from applications.models import Resource
from applications.models.resources import PRIVILEGES, ROLE_KEY_PATTERN
from tenants.models import Spanned, Tenant
from tenants.models.spanned import no_overlap, still_open


class TenantRole(models.Model):
    """A named set of permissions over applications available in one tenant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="roles")
    key = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    during = DateTimeRangeField()
    revision = models.PositiveIntegerField(default=1)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "key"],
                condition=still_open(),
                name="tenantrole_once",
                violation_error_message="There is a role of this key already.",
            ),
            models.CheckConstraint(
                condition=Q(key__regex=ROLE_KEY_PATTERN),
                name="tenantrole_key_grammar",
                violation_error_message="A role key has 1 to 64 of a-z 0-9 . _ -.",
            ),
        ]
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name


class TenantRolePermission(models.Model):
    """One privilege on one resource. Counts only while a role granted to the tenant contains it."""

    tenant = models.ForeignKey(  # found by the index below, which begins with it
        Tenant, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    role = models.ForeignKey(TenantRole, on_delete=models.CASCADE, related_name="permissions")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="+")
    privilege = models.CharField(max_length=10, choices=PRIVILEGES)
    during = DateTimeRangeField()

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap(
                "tenantrolepermission_no_overlap",
                ["role", "resource", "privilege"],
                "The role holds this already.",
            )
        ]
        indexes = [models.Index(fields=["tenant", "resource"], name="tenantrolepermission_named")]

    def __str__(self) -> str:
        return f"{self.role_id}: {self.privilege} {self.resource_id}"
