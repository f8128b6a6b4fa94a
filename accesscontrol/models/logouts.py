"""What applications have yet to be told: a sign-in is over (OpenID Connect Back-Channel Logout)."""

from django.db import models

from applications.models import Client
from tenants.models import Tenant


class LogoutNotice(models.Model):
    """One sign-in that ended, for its client; gone once it was told, or given up."""

    sid = models.UUIDField(primary_key=True)  # the sign-in's id: however it ends, it is told once
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    user_id = models.UUIDField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="logoutnotice_by_time")]

    def __str__(self) -> str:
        return str(self.sid)
