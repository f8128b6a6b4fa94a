"""The append-only record. The database refuses UPDATE and DELETE; the table is partitioned by month."""

import uuid

from django.db import models
from django.db.models import Q

from tenants.models.tenants import Tenant


class HistoryEvent(models.Model):
    """One change as one tenant sees it. A change across tenants has a row for each side.

    ``before`` and ``after`` hold no personal field: those stand in :class:`HistoryPerson`, and enter the
    chain through ``person_digest`` only, so that a person can be erased without breaking it.
    """

    id = models.BigAutoField(primary_key=True)
    # Its name outside: numbers would tell how much happens in all organizations together.
    reference = models.UUIDField(default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    at = models.DateTimeField()
    action = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=80)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=120)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    request_id = models.CharField(max_length=64)
    person_digest = models.CharField(max_length=64)

    class Meta:
        managed = False  # partitioned: made by SQL in the first migration
        db_table = "tenants_historyevent"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_kind} {self.subject_id}"


class HistoryPerson(models.Model):
    """The personal fields beside a history row: names as they were, and the address. Erasable."""

    event_id = models.BigIntegerField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, related_name="+")
    salt = models.CharField(max_length=32)
    actor_name = models.CharField(max_length=200)
    subject_name = models.CharField(max_length=200)
    source_address = models.CharField(max_length=64)
    # The history row itself cannot be changed; here stands whether the chain has taken it.
    chained = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["tenant", "event_id"],
                condition=Q(chained=False),
                name="historyperson_unchained",
            )
        ]

    def __str__(self) -> str:
        return f"person of {self.event_id}"


class HistoryLink(models.Model):
    """A link of the tenant's hash chain, laid after commit by the sequencer."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    position = models.BigIntegerField()
    event_id = models.BigIntegerField(unique=True)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "position"],
                name="historylink_position_once",
                violation_error_message="This position of the chain is taken.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.position}"


class HistoryAnchor(models.Model):
    """What stands for the rows of a month that retention has dropped: their links are still there.

    ``spans`` are the positions of the dropped rows, ``[[first, last], …]``; ``digest`` is that of the last
    link among them, ``links_digest`` goes over all of them. ``seal`` is made with a key of the environment,
    so that whoever can write the database alone cannot excuse rows that he takes away.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    month = models.DateField()
    made_at = models.DateTimeField()
    count = models.BigIntegerField()
    spans = models.JSONField()
    position = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    links_digest = models.CharField(max_length=64)
    seal = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "position"],
                name="historyanchor_position_once",
                violation_error_message="The chain is anchored at this position already.",
            ),
            models.CheckConstraint(
                condition=Q(count__gt=0),
                name="historyanchor_of_rows",
                violation_error_message="An anchor stands for rows that were dropped.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.month} up to {self.position}"


class HistoryCheck(models.Model):
    """The last walk over a tenant's chain: up to where it held, and what was found there.

    Sealed as anchors are: a chain that somebody lays anew with other rows no longer has this digest here.
    """

    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, primary_key=True, related_name="+")
    checked_at = models.DateTimeField()
    position = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    why = models.CharField(max_length=80, blank=True)  # empty: it held
    broken_at = models.BigIntegerField(null=True)
    seal = models.TextField()

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.position}"
