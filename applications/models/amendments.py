"""Amendments: what one side wants changed of an accepted contract, and what became of it."""

import uuid

from django.db import models
from django.db.models import Q

from applications.models.contracts import Contract
from applications.models.resources import ApplicationRole
from tenants.models import Tenant


class AmendmentState(models.TextChoices):
    """Narrowing is accepted with its act; widening waits for the other side."""

    PROPOSED = "proposed", "proposed"
    ACCEPTED = "accepted", "accepted"
    DECLINED = "declined", "declined"
    WITHDRAWN = "withdrawn", "withdrawn"
    LAPSED = "lapsed", "lapsed"
    CANCELLED = "cancelled", "cancelled"  # the contract was ended before an answer


class Amendment(models.Model):
    """A change of roles or of the end of an accepted contract, as a whole.

    ``widens``: something in it needs the other side's yes, so all of it waits. ``takes_effect_at`` is the
    planned moment; ``None`` is the moment of the act or of the answer. ``moves_end``: ``ends_at`` is meant
    (``None`` then is an open end); ``former_ends_at`` is what it replaces.
    """

    State = AmendmentState

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="amendments")
    proposed_by_tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=AmendmentState)
    widens = models.BooleanField()
    takes_effect_at = models.DateTimeField(null=True, blank=True)
    moves_end = models.BooleanField(default=False)
    former_ends_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    answer_by = models.DateTimeField(null=True, blank=True)
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=200)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=200, blank=True)
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="proposed") | Q(answered_at__isnull=False),
                name="amendment_answered",
                violation_error_message="An answered amendment has the moment of its answer.",
            ),
            models.CheckConstraint(
                condition=~Q(state="proposed") | Q(widens=True),
                name="amendment_narrowing_never_waits",
                violation_error_message="Narrowing takes effect with its act.",
            ),
            models.CheckConstraint(
                condition=Q(moves_end=True) | Q(ends_at__isnull=True, former_ends_at__isnull=True),
                name="amendment_end_only_when_moved",
                violation_error_message="An end stands only in an amendment that moves it.",
            ),
            models.UniqueConstraint(
                fields=["contract"],
                condition=Q(state="proposed"),
                name="amendment_one_open",
                violation_error_message="One amendment of the contract waits for its answer already.",
            ),
        ]
        indexes = [
            models.Index(fields=["contract", "proposed_at"], name="amendment_by_contract"),
            models.Index(fields=["answer_by"], condition=Q(state="proposed"), name="amendment_unanswered"),
            models.Index(
                fields=["takes_effect_at"], condition=Q(state="accepted"), name="amendment_by_effect"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id}: {self.state}"


class AmendmentRole(models.Model):
    """A role that an amendment adds or removes."""

    class Verb(models.TextChoices):
        ADD = "add", "add"
        REMOVE = "remove", "remove"

    amendment = models.ForeignKey(Amendment, on_delete=models.CASCADE, related_name="roles")
    role = models.ForeignKey(ApplicationRole, on_delete=models.PROTECT, related_name="+")
    verb = models.CharField(max_length=6, choices=Verb)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["amendment", "role"],
                name="amendmentrole_once",
                violation_error_message="A role is added or removed once.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.role_id}"
