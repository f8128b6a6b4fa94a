"""Second factors of people, and what a sign-in leaves between its two steps. Secrets: digests, or sealed."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.models.tenants import Tenant
from tenants.models.users import User


class AuthenticatorApp(models.Model):
    """An app that shows one-time codes (RFC 6238).

    ``last_step`` is the time step of the last code that was taken: that code and all before it are used up.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="apps")
    name = models.CharField(max_length=60)
    secret_sealed = models.TextField()
    last_step = models.BigIntegerField()
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name


class Passkey(models.Model):
    """A credential of WebAuthn that asks its owner before each use (user verification).

    ``credential_id`` is in base64url. ``discoverable``: it can be found without a user name. ``synced``: its
    key may leave the device, for others of the same person. A ``sign_count`` of 0 is none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=60)
    credential_id = models.CharField(max_length=1400)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField()
    transports = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    discoverable = models.BooleanField()
    synced = models.BooleanField()
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "credential_id"],
                name="passkey_once",
                violation_error_message="This passkey is known already.",
            ),
        ]
        ordering: ClassVar[list[str]] = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name


class RecoveryCode(models.Model):
    """A code on paper, for when all else is lost: good once."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class SignInStep(models.Model):
    """Whose password was right, and who still has to prove or to set up a second factor.

    No session: nothing but the pages of that step knows it. Only the digest of its cookie is kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "expires_at"], name="signinstep_by_end")]

    def __str__(self) -> str:
        return f"step of {self.user_id}"


class ProofFailure(models.Model):
    """A refused code, or a refused password of somebody who is signed in: counted against guessing."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    source_address = models.CharField(max_length=64, blank=True)  # the network, as attempts count it
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["user", "at"], name="prooffailure_counted")]

    def __str__(self) -> str:
        return f"refused at {self.at}"


class SpentChallenge(models.Model):
    """A challenge that was answered, until it would be too old anyway. The same answer is none again."""

    digest = models.CharField(primary_key=True, max_length=64)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "expires_at"], name="spentchallenge_by_end")]

    def __str__(self) -> str:
        return f"spent until {self.expires_at}"
