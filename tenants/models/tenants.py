"""Tenants and their suspension."""

import re
import uuid

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models.spanned import Spanned, no_overlap

SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$"
PASSWORD_LENGTHS = (12, 64)  # between these a tenant chooses how many characters are the fewest


def slug_fits(slug: str) -> bool:
    """Whether it may stand in an address."""
    return re.fullmatch(SLUG_PATTERN, slug) is not None


class Kept(models.TextChoices):
    """What history says of a person who was deleted."""

    NAME = "name", _("the name")
    PSEUDONYM = "pseudonym", _("a pseudonym")


class Tenant(models.Model):
    """An isolated organization. Never deleted, so that id and slug are never used again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    is_platform = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    revision = models.PositiveIntegerField(default=1)
    # Life times in seconds; without one the default of the settings counts.
    access_token_seconds = models.PositiveIntegerField(null=True, blank=True)
    refresh_idle_seconds = models.PositiveIntegerField(null=True, blank=True)
    offline_idle_seconds = models.PositiveIntegerField(null=True, blank=True)
    session_idle_seconds = models.PositiveIntegerField(null=True, blank=True)
    session_seconds = models.PositiveIntegerField(null=True, blank=True)
    proof_seconds = models.PositiveIntegerField(null=True, blank=True)
    # Who holds one of these signs in with a second factor: "<application id>/<key>", "/<key>" of its own
    # roles, or "*": everybody.
    second_factor_roles = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    # At least so many characters; without a choice the least that there may be.
    password_length = models.PositiveSmallIntegerField(null=True, blank=True)
    # A name that was erased does not come back: without a choice nothing is.
    history_keeps = models.CharField(max_length=10, choices=Kept, default=Kept.NAME)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_platform"],
                condition=Q(is_platform=True),
                name="tenant_one_platform",
                violation_error_message="There is a platform organization already.",
            ),
            models.CheckConstraint(
                condition=Q(slug__regex=SLUG_PATTERN),
                name="tenant_slug_grammar",
                violation_error_message="Use lower-case letters, digits and hyphens, at most 40.",
            ),
            models.CheckConstraint(
                condition=~Q(name=""), name="tenant_has_name", violation_error_message="A name is needed."
            ),
            models.CheckConstraint(
                condition=Q(password_length=None) | Q(password_length__range=PASSWORD_LENGTHS),
                name="tenant_password_length",
                violation_error_message="Passwords of this length are not asked for.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TenantSuspension(models.Model):
    """A span in which a tenant is suspended: nothing is available in it, nothing of it elsewhere."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="suspensions")
    during = DateTimeRangeField()
    reason = models.CharField(max_length=500, blank=True)
    by_name = models.CharField(max_length=200)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap("tenantsuspension_no_overlap", ["tenant"], "This organization is suspended already.")
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.during}"
