"""The mutual relation of two tenants that a contract needs."""

import uuid

from django.db import models
from django.db.models import F, Q

from tenants.models.tenants import Tenant

_ASKED = ("state", "expires_at", "confirmed_at", "ended_at")


class PartnershipState(models.TextChoices):
    """Life of a partnership; ``expired`` is computed from ``expires_at``."""

    INVITED = "invited", "invited"
    REDEEMED = "redeemed", "redeemed"
    CONFIRMED = "confirmed", "confirmed"
    DECLINED = "declined", "declined"
    ENDED = "ended", "ended"


class Partnership(models.Model):
    """Invited by one tenant through a single-use link, redeemed by the other, confirmed by the first."""

    State = PartnershipState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    inviter = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="partnerships_invited")
    invitee = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, related_name="partnerships_joined", null=True, blank=True
    )
    # By address, not by row: naming an organization must not tell the inviter whether it is there.
    expected_slug = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=12, choices=PartnershipState, default=PartnershipState.INVITED)
    note = models.CharField(max_length=500, blank=True)
    token_digest = models.CharField(max_length=64, unique=True)
    invited_at = models.DateTimeField()
    invited_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True, blank=True)
    redeemed_by = models.CharField(max_length=200, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(invitee__isnull=True) | ~Q(invitee=F("inviter")),
                name="partnership_two_tenants",
                violation_error_message="An organization cannot be its own partner.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["invited", "declined", "ended"]) | Q(invitee__isnull=False),
                name="partnership_has_invitee",
                violation_error_message="The invited organization is not known yet.",
            ),
            models.UniqueConstraint(
                models.functions.Least("inviter", "invitee"),
                models.functions.Greatest("inviter", "invitee"),
                condition=Q(state__in=["redeemed", "confirmed"]),
                name="partnership_one_per_pair",
                violation_error_message="These organizations are partners already.",
            ),
        ]
        indexes = [
            # Of each side, with all that is counted of a tenant's partners: thousands lie on as many pages.
            models.Index(
                fields=["inviter", "invited_at", "id"],
                include=["invitee", *_ASKED],
                name="partnership_invited",
            ),
            models.Index(
                fields=["invitee", "invited_at", "id"],
                include=["inviter", *_ASKED],
                name="partnership_joined",
            ),
            models.Index(
                fields=["inviter"],
                condition=Q(note__gt="") | Q(expected_slug__gt=""),
                name="partnership_worded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.inviter_id} ~ {self.invitee_id} ({self.state})"


class AutoAccept(models.Model):
    """A side's standing yes to proposals of one contract type by this partner."""

    partnership = models.ForeignKey(Partnership, on_delete=models.CASCADE, related_name="auto_accepts")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    contract_type = models.CharField(
        max_length=10, choices=[("provision", "provision"), ("access", "access")]
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partnership", "tenant", "contract_type"],
                name="autoaccept_once",
                violation_error_message="This is switched on already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} accepts {self.contract_type}"
