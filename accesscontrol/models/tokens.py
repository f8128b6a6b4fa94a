"""What people's sign-ins to applications leave behind. Only digests of codes and tokens are kept.

Access tokens have no row (service tokens never, people's neither): introspection decides anew. The toolkit
asks for four swapped models; it gets these, and reads and writes none of them.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from applications.models import Client
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant, User, UserSession

MADE_OF = "exchanged_from"  # the claim: ``jti`` of each token that it was exchanged from, the last one first


class Authorizations(models.QuerySet["Authorization"]):
    """Queries over sign-ins to applications."""

    def living(self, *, tenant: Tenant, at: datetime) -> "Authorizations":
        """Those of the tenant that give tokens at the moment: the one place that says which do.

        Not ended, used within its idle limit; an online one only while its session is not ended and not past
        its end. That session may idle: a refresh is a use of the sign-in, not of the console.
        """
        online, offline = idle_since(tenant, at)
        return self.used_since(tenant=tenant.pk, at=at, online=online, offline=offline)

    def used_since(
        self, *, tenant: uuid.UUID, at: datetime, online: datetime, offline: datetime
    ) -> "Authorizations":
        """The same, of those used after :func:`idle_since`."""
        with_session = Q(
            session__isnull=False, session__ended_at=None, session__expires_at__gt=at, used_at__gt=online
        )
        without = Q(session=None, used_at__gt=offline)
        return self.filter(with_session | without, tenant=tenant, ended_at=None)


def idle_since(tenant: Tenant, at: datetime) -> tuple[datetime, datetime]:
    """Who did not use an online, or an offline, sign-in after these moments gets no token by it."""
    idle = (lifetime(tenant, each) for each in (Lifetime.REFRESH_IDLE, Lifetime.OFFLINE_IDLE))
    online, offline = (at - each for each in idle)
    return online, offline


class Authorization(models.Model):
    """A person signed in to one client: the family of what came out of one code (RFC 9700 §4.14.2).

    An online one rests on the browser's session and falls with it; an offline one (``offline_access``) has no
    session, an idle limit and no end. Its id is the ``sid`` of the access tokens that it gave.
    """

    class Ended(models.TextChoices):
        REVOKED = "revoked", "revoked by the client"
        WITHDRAWN = "withdrawn", "withdrawn by the person"
        REUSED = "reused", "a code or a refresh token was used twice"
        DEACTIVATED = "deactivated", "the person was deactivated"
        PASSWORD = "password", "the password was set anew"
        PROVIDER = "provider", "the identity provider it began by vouches for the person no more"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="authorizations")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(
        UserSession, null=True, blank=True, on_delete=models.CASCADE, related_name="authorizations"
    )
    scope = models.TextField(blank=True)
    nonce = models.CharField(max_length=255, blank=True)
    authenticated_at = models.DateTimeField()
    methods = ArrayField(models.CharField(max_length=8), default=list, blank=True)  # amr (RFC 8176)
    # Of the key that a public client's refresh tokens are bound to (RFC 9449 §5); empty for none.
    key_thumbprint = models.CharField(max_length=43, blank=True, default="", db_default="")
    # By which identity provider an offline one began. An online one ends with its session, which knows it.
    # No foreign key: a provider that is deleted has ended it, and it stays to be read.
    by_provider = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=12, blank=True, choices=Ended)

    objects = Authorizations.as_manager()

    @property
    def is_offline(self) -> bool:
        """Whether it outlives the browser's session."""
        return self.session_id is None

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_because="")
                | (Q(ended_at__isnull=False) & ~Q(ended_because="")),
                name="authorization_end_has_cause",
                violation_error_message="An ended sign-in says why it ended.",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "user"], name="authorization_of_user"),
            models.Index(fields=["used_at"], name="authorization_by_use"),
            models.Index(
                fields=["tenant", "by_provider"],
                condition=Q(by_provider__isnull=False, ended_at=None),
                name="authorization_by_provider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.client_id}"


class AuthorizationCode(models.Model):
    """An authorization code (RFC 6749 §4.1.2): single-use, kept past its use so that a second one is seen."""

    digest = models.CharField(primary_key=True, max_length=64)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(UserSession, on_delete=models.CASCADE, related_name="+")
    redirect_uri = models.TextField()
    # Whether the request named it: only then the token request must repeat it (RFC 6749 §4.1.3).
    redirect_uri_named = models.BooleanField()
    scope = models.TextField(blank=True)
    nonce = models.CharField(max_length=255, blank=True)
    code_challenge = models.CharField(max_length=128, blank=True)  # S256; empty without PKCE
    key_thumbprint = models.CharField(max_length=43, blank=True, default="", db_default="")  # RFC 9449 §10
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    authorization = models.ForeignKey(
        Authorization, null=True, blank=True, on_delete=models.CASCADE, related_name="codes"
    )

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="authorizationcode_by_end")]

    def __str__(self) -> str:
        return f"code for {self.client_id}"


class RefreshToken(models.Model):
    """One turn of a family; ``used_at`` when it was exchanged for the next one."""

    digest = models.CharField(primary_key=True, max_length=64)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="refresh_tokens")
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="refreshtoken_by_age")]

    def __str__(self) -> str:
        return f"refresh token of {self.authorization_id}"


class RevokedTokens(models.QuerySet["RevokedToken"]):
    """Queries over the deny list."""

    def of(self, claims: Mapping[str, Any]) -> "RevokedTokens":
        """The row of this access token, or of one that it was exchanged from. Runs in the tenant's scope."""
        return self.filter(tenant_id=claims["tid"], jti__in=[claims["jti"], *claims.get(MADE_OF, ())])


class RevokedToken(models.Model):
    """An access token that was revoked before its end (RFC 7009): introspection and our doors refuse it."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")
    jti = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    objects = RevokedTokens.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "jti"],
                name="revokedtoken_once",
                violation_error_message="This token is revoked already.",
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="revokedtoken_by_end")]

    def __str__(self) -> str:
        return self.jti
