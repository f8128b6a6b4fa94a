"""The revision of an application's ACL."""

from django.db import models

from applications.models import Application


class AclRevision(models.Model):
    """Rises whenever the content that an application may read of its ACL has changed."""

    application = models.OneToOneField(
        Application, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    revision = models.BigIntegerField(default=1)
    digest = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.application_id} {self.revision}"
