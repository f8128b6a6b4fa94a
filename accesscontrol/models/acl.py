"""The revision of an application's ACL, and what is known of its entries."""

from django.db import models

from applications.models import Application
from tenants.models import Tenant


class AclRevision(models.Model):
    """Rises whenever the content that an application may read of its ACL has changed."""

    application = models.OneToOneField(
        Application, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    revision = models.BigIntegerField(default=1)
    digest = models.CharField(max_length=64, blank=True)
    risen_at = models.DateTimeField(null=True, blank=True)
    # The first revision that deltas lead on from: removals before it are kept no longer.
    kept_from = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.application_id} {self.revision}"


class AclEntry(models.Model):
    """At which revision what the ACL says of one resource in one tenant last moved.

    A removed one stays, without a digest, until no delta has to tell of it.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, blank=True)
    revision = models.BigIntegerField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "tenant", "type", "key"],
                name="aclentry_once",
                violation_error_message="This entry is known already.",
            )
        ]
        indexes = [
            models.Index(fields=["application", "revision"], name="aclentry_by_revision"),
            models.Index(
                fields=["removed_at"],
                condition=models.Q(removed_at__isnull=False),
                name="aclentry_removed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.tenant_id} {self.type}/{self.key} {self.revision}"
