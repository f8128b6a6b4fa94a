"""Requests to the authorization endpoint that a client has left here beforehand (RFC 9126)."""

from django.db import models

from applications.models import Client
from tenants.models import Tenant


class PushedRequest(models.Model):
    """What was asked for, under the digest of its name: opened once, answered once."""

    digest = models.CharField(primary_key=True, max_length=64)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    query = models.TextField()  # urlencoded and sealed; no credential of the client is in it
    expires_at = models.DateTimeField()  # to be opened until then
    opened_at = models.DateTimeField(null=True, blank=True)  # by a browser, which may have to sign in first
    answered_at = models.DateTimeField(null=True, blank=True)  # to the client, with a code or an error

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="pushedrequest_by_end")]

    def __str__(self) -> str:
        return f"request of {self.client_id}"
