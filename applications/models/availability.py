"""The read model: which application is available in which tenant, by which relation, when."""

from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.fields.ranges import RangeEndsWith, RangeStartsWith
from django.db import models
from django.db.models import Q

from applications.models.applications import Application
from applications.models.contracts import Contract
from tenants.models import Spanned, Tenant


class Relation(models.TextChoices):
    """By which right an application is available; strongest first."""

    OWNED = "owned", "owned"
    PROVISION = "provision", "provision"
    ACCESS = "access", "access"


class Availability(models.Model):
    """One span of one reason. Rows include the past and the planned future.

    ``scope_tenant`` is the tenant whose data the relation covers: under access the provider.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="availability")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="availability")
    relation = models.CharField(max_length=10, choices=Relation)
    contract = models.ForeignKey(
        Contract, on_delete=models.CASCADE, related_name="availability", null=True, blank=True
    )
    scope_tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    during = DateTimeRangeField()

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(relation="owned", contract__isnull=True)
                | (~Q(relation="owned") & Q(contract__isnull=False)),
                name="availability_contract_of_relation",
                violation_error_message="Shared applications name their contract, owned ones do not.",
            )
        ]
        indexes = [
            models.Index(
                fields=["tenant", "application", "relation", "contract", "during"],
                name="availability_by_pair",
            ),
            # Whom an application serves, and when, without their rows.
            models.Index(fields=["application", "tenant"], include=["during"], name="availability_served"),
            models.Index(RangeStartsWith("during"), name="availability_by_start"),
            models.Index(RangeEndsWith("during"), name="availability_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} in {self.tenant_id} by {self.relation} {self.during}"


class Announced(models.Model):
    """What was last told about a pair, and up to which moment its boundaries have been told."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+")
    available = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "application"],
                name="announced_once",
                violation_error_message="This pair is there already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_id} in {self.tenant_id}: {self.available}"


class Watermark(models.Model):
    """How far a job has come: boundaries before ``at``, or events up to ``position``, are dealt with."""

    name = models.CharField(primary_key=True, max_length=40)
    at = models.DateTimeField()
    position = models.BigIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} {self.at}"
