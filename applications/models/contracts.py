"""Contracts: the agreement, its agreed terms, its pauses, and the grants that follow from both."""

import uuid

from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.fields.ranges import RangeEndsWith, RangeStartsWith
from django.db import models
from django.db.models import F, Q

from applications.models.resources import ApplicationRole
from tenants.models import Spanned, Tenant
from tenants.models.spanned import no_overlap


class ContractType(models.TextChoices):
    """Provision: the consumer runs the application for itself. Access: it works on the provider's data."""

    PROVISION = "provision", "provision"
    ACCESS = "access", "access"


class ContractState(models.TextChoices):
    """What the two sides have agreed. Ended, paused and scheduled are computed from spans, not stored."""

    DRAFT = "draft", "draft"
    PROPOSED = "proposed", "proposed"
    ACCEPTED = "accepted", "accepted"
    DECLINED = "declined", "declined"
    WITHDRAWN = "withdrawn", "withdrawn"
    LAPSED = "lapsed", "lapsed"


_DATES = ("starts_at", "answer_by", "created_at", "proposed_at", "answered_at")


class Contract(models.Model):
    """Provider → consumer, of a type, for application roles, for a span of time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="contracts_provided")
    consumer = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="contracts_received")
    type = models.CharField(max_length=10, choices=ContractType)
    note = models.CharField(max_length=1000, blank=True)
    onward_access = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ContractState, default=ContractState.DRAFT)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    answer_by = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    proposed_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True)  # set when an act, not the plan, ended it
    ended_by_tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    revision = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(provider=F("consumer")),
                name="contract_two_tenants",
                violation_error_message="A contract is between two organizations.",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True)
                | Q(starts_at__isnull=True)
                | Q(ends_at__gte=F("starts_at")),
                name="contract_ends_after_start",
                violation_error_message="The end lies before the start.",
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(answered_at__isnull=False, starts_at__isnull=False),
                name="contract_accepted_has_dates",
                violation_error_message="An accepted contract has a start.",
            ),
            models.CheckConstraint(
                condition=Q(type="provision") | Q(onward_access=False),
                name="contract_onward_only_provision",
                violation_error_message="Only a provision contract can allow onward access.",
            ),
        ]
        indexes = [
            # Of each side, with all that is counted of a tenant's contracts: thousands lie on as many pages.
            models.Index(
                fields=["provider", "state", "type", "ends_at", "id"],
                include=["consumer", *_DATES],
                name="contract_provided",
            ),
            models.Index(
                fields=["consumer", "state", "type", "ends_at", "id"],
                include=["provider", *_DATES],
                name="contract_received",
            ),
            # Lists and the search: the newest of each side, with what is looked for.
            models.Index(
                fields=["provider", "created_at", "id"],
                include=["consumer", "type"],
                name="contract_provided_newest",
            ),
            models.Index(
                fields=["consumer", "created_at", "id"],
                include=["provider", "type", "proposed_at"],
                name="contract_received_newest",
            ),
            models.Index(fields=["provider"], condition=Q(note__gt=""), name="contract_provided_noted"),
            models.Index(fields=["consumer"], condition=Q(note__gt=""), name="contract_received_noted"),
            # The job looks for what begins, ends or lapses now, each second.
            models.Index(fields=["starts_at"], condition=Q(state="accepted"), name="contract_by_start"),
            models.Index(
                fields=["ends_at"], condition=Q(state__in=["accepted", "proposed"]), name="contract_by_end"
            ),
            models.Index(fields=["answer_by"], condition=Q(state="proposed"), name="contract_unanswered"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} → {self.consumer_id} ({self.type})"


class ContractTerm(models.Model):
    """A role and its agreed span. ``confirmed_at``: the role's permissions that count through access.

    ``removed_at``: the role leaves the contract then, by an amendment or because its application has it no
    more, whatever becomes of the contract's end. Without it the term runs to that end, and moves with it.
    """

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="terms")
    role = models.ForeignKey(ApplicationRole, on_delete=models.PROTECT, related_name="terms")
    during = DateTimeRangeField()
    confirmed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap("contractterm_no_overlap", ["contract", "role"], "The role is agreed for this time.")
        ]
        # With all that is asked of them: the planner would take the constraint's own index, which is slow.
        indexes = [
            models.Index(
                fields=["contract"], include=["role", "during", "confirmed_at"], name="contractterm_of"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contract_id}: {self.role_id} {self.during}"


class ContractPause(models.Model):
    """A span in which an accepted contract does not count. Open while it runs; may be planned."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="pauses")
    during = DateTimeRangeField()
    note = models.CharField(max_length=500, blank=True)
    by_name = models.CharField(max_length=200)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap("contractpause_no_overlap", ["contract"], "The contract is paused in this time.")
        ]
        indexes = [
            models.Index(fields=["contract"], include=["during"], name="contractpause_of"),  # as of terms
            models.Index(RangeStartsWith("during"), name="contractpause_by_start"),
            models.Index(RangeEndsWith("during"), name="contractpause_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} paused {self.during}"


class ContractGrant(models.Model):
    """Terms minus pauses of an accepted contract. Written by ``readmodel.rebuild_grants`` only."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="grants")
    role = models.ForeignKey(ApplicationRole, on_delete=models.PROTECT, related_name="grants")
    during = DateTimeRangeField()

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap("contractgrant_no_overlap", ["contract", "role"], "Grants of a role cannot overlap.")
        ]
        indexes = [
            models.Index(fields=["contract"], include=["role", "during"], name="contractgrant_of")  # as above
        ]

    def __str__(self) -> str:
        return f"{self.contract_id}: {self.role_id} {self.during}"
