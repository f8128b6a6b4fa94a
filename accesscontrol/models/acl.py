"""The revision of an application's ACL, and what is known of its entries."""

from django.db import models

from applications.models import Application
from tenants.models import Tenant


class AclRevision(models.Model):
    """Rises whenever the content that an application may read of its ACL has changed.

    While no mark lies beside it, its entries are what the facts say from ``built_at`` to before ``until``.
    """

    application = models.OneToOneField(
        Application, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    revision = models.BigIntegerField(default=1)
    risen_at = models.DateTimeField(null=True, blank=True)
    built_at = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)  # when a span begins or ends by plan; none: never
    # The first revision that deltas lead on from: removals before it are kept no longer.
    kept_from = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.application_id} {self.revision}"


class AclMark(models.Model):
    """Something that an application's ACL rests on was changed: in one tenant, or (none) in any of them.

    Written by triggers in the transaction of the change, and only added, so that no writer waits for another.
    Who brings the entries up to date takes away the marks that he sees, before he looks at the facts.
    """

    application_id = models.CharField(max_length=64)
    tenant_id = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["application_id"], name="aclmark_by_application")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.tenant_id}"


class AclEntry(models.Model):
    """What the ACL says of one resource in one tenant, and at which revision that last moved.

    A removed one stays until no delta has to tell of it. ``body`` is the wire form: a line
    for each of the entries, of a removed one its address.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    body = models.TextField()
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
