"""What a directory needs to keep people and groups here (SCIM 2.0): its tokens, and its names for them."""

import uuid

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q

from tenants.models.groups import Group
from tenants.models.spanned import Spanned
from tenants.models.tenants import Tenant
from tenants.models.users import User


class ScimToken(models.Model):
    """Opens the SCIM doors of one tenant: machine-made, kept as a keyed digest, its value shown once.

    It may do what its maker may at the moment, and nothing when he is gone.
    """

    class Welcome(models.TextChoices):
        INVITATION = "invitation", "a link by mail that sets a password"
        NONE = "none", "nothing: they sign in by an identity provider"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="scim_tokens")
    made_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    note = models.CharField(max_length=200)
    welcome = models.CharField(max_length=12, choices=Welcome)
    digest = models.CharField(max_length=64, unique=True)
    pepper = models.PositiveIntegerField()
    hint = models.CharField(max_length=8)
    during = DateTimeRangeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = Spanned.as_manager()

    def __str__(self) -> str:
        return f"{self.note} (…{self.hint})"


class ExternalId(models.Model):
    """What a directory calls a person or a group of ours (RFC 7643 §3.1). It names one, for good."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.OneToOneField(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="external"
    )
    group = models.OneToOneField(
        Group, null=True, blank=True, on_delete=models.CASCADE, related_name="external"
    )
    value = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None) ^ Q(group=None),
                name="externalid_of_one",
                violation_error_message="It names a person or a group.",
            ),
            models.UniqueConstraint(
                fields=["tenant", "value"],
                condition=Q(group=None),
                name="externalid_user_once",
                violation_error_message="This externalId names somebody else.",
            ),
            models.UniqueConstraint(
                fields=["tenant", "value"],
                condition=Q(user=None),
                name="externalid_group_once",
                violation_error_message="This externalId names another group.",
            ),
        ]

    def __str__(self) -> str:
        return self.value
