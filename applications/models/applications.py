"""Applications, their suspension, and the accounts under which they act."""

import uuid

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from tenants.models import Spanned, Tenant
from tenants.models.spanned import no_overlap, still_open

ID_PATTERN = r"^[a-z0-9][a-z0-9._-]{2,63}$"
PORTAL_ID = "iam-portal"


class Application(models.Model):
    """Something that serves tenants. Its id is its confidential client id and its audience; never freed."""

    id = models.CharField(primary_key=True, max_length=64)
    owner = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="applications")
    name = models.CharField(max_length=120)
    display_name = models.CharField(max_length=120)
    description = models.CharField(max_length=1000, blank=True)
    home_url = models.URLField(max_length=500, blank=True)
    during = DateTimeRangeField()  # registered … retired
    revision = models.PositiveIntegerField(default=1)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(id__regex=ID_PATTERN) & ~Q(id__endswith="-frontend"),
                name="application_id_grammar",
                violation_error_message="Use 3 to 64 of a-z 0-9 . _ -, not ending in -frontend.",
            ),
            models.UniqueConstraint(
                "owner",
                Lower("name"),
                condition=still_open(),
                name="application_name_once",
                violation_error_message="There is an application of this name already.",
            ),
            models.UniqueConstraint(
                "owner",
                Lower("display_name"),
                condition=still_open(),
                name="application_display_name_once",
                violation_error_message="There is an application of this display name already.",
            ),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return self.display_name or self.name

    @property
    def is_portal(self) -> bool:
        """Whether this is the portal itself: builtin, never contracted, retired or suspended."""
        return self.id == PORTAL_ID


class ApplicationSuspension(models.Model):
    """A span in which an application is suspended by its owner: available nowhere."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="suspensions")
    during = DateTimeRangeField()
    reason = models.CharField(max_length=500, blank=True)
    by_name = models.CharField(max_length=200)

    objects = Spanned.as_manager()

    class Meta:
        constraints = [
            no_overlap(
                "applicationsuspension_no_overlap", ["application"], "This application is suspended already."
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.during}"


class ServiceAccount(models.Model):
    """The ``sub`` of an application's service tokens in one tenant. Made at first need, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="service_accounts")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "tenant"],
                name="serviceaccount_once",
                violation_error_message="This service account is there already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_id} in {self.tenant_id}"
