"""What somebody had typed when the page had to ask first who he is."""

from django.db import models

from tenants.models.tenants import Tenant
from tenants.models.users import User


class KeptInput(models.Model):
    """The fields of one form that was not taken, sealed, for its own person and its own address."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    sealed = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="keptinput_by_end")]

    def __str__(self) -> str:
        return f"input kept until {self.expires_at}"
