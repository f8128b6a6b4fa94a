"""The sound rows of clients' credentials, and of people's sign-ins to applications."""

from functools import cached_property
from typing import Any

from accesscontrol import models as may
from applications import models as sharing
from tenants.models import (
    IdentityLink,
    IdentityMapper,
    IdentityProvider,
    Passkey,
    ProviderArrival,
    RecoveryCode,
    SignInStep,
    Tenant,
    User,
    since,
)
from tests.support.factories import NOW

ALWAYS = since(NOW)


class RowsOfSigningIn:
    """What proves a client, and what people's sign-ins leave behind."""

    tenant: Tenant
    user: User
    client: sharing.Client

    @cached_property
    def passkey(self) -> Passkey:
        about = {"credential_id": "c", "public_key": b"k", "discoverable": True, "synced": False}
        return Passkey.objects.create(**self._own, name="key", sign_count=0, created_at=NOW, **about)

    @cached_property
    def recovery_code(self) -> RecoveryCode:
        return RecoveryCode.objects.create(**self._own, digest="d", created_at=NOW)

    @cached_property
    def sign_in_step(self) -> SignInStep:
        return SignInStep.objects.create(**self._own, digest="d", created_at=NOW, expires_at=NOW)

    @cached_property
    def identity_provider(self) -> IdentityProvider:
        about = {"key": "corp", "name": "Corp", "issuer": "https://corp.example", "client_id": "c"}
        return IdentityProvider.objects.create(
            tenant=self.tenant, secret_sealed="s", is_default=True, created_at=NOW, **about
        )

    @cached_property
    def identity_link(self) -> IdentityLink:
        return IdentityLink.objects.create(
            **self._own, provider=self.identity_provider, subject="s", created_at=NOW
        )

    @cached_property
    def identity_mapper(self) -> IdentityMapper:
        about = {
            "kind": "email",
            "when": "first",
            "template": "{email}",
            "maker_id": "x",
            "maker_kind": "user",
        }
        return IdentityMapper.objects.create(
            tenant=self.tenant, provider=self.identity_provider, created_at=NOW, **about
        )

    @cached_property
    def provider_arrival(self) -> ProviderArrival:
        return ProviderArrival.objects.create(
            tenant=self.tenant,
            provider=self.identity_provider,
            step=self.sign_in_step,
            digest="d",
            sealed="s",
            created_at=NOW,
            expires_at=NOW,
        )

    @property
    def _own(self) -> dict[str, Any]:
        return {"tenant": self.tenant, "user": self.user}

    @cached_property
    def client_key(self) -> sharing.ClientKey:
        return sharing.ClientKey.objects.create(client=self.client, kid="k", public_jwk={}, during=ALWAYS)

    @cached_property
    def certificate(self) -> sharing.ClientCertificate:
        return sharing.ClientCertificate.objects.create(client=self.client, thumbprint="t", during=ALWAYS)

    @cached_property
    def trusted_issuer(self) -> sharing.TrustedIssuer:
        return sharing.TrustedIssuer.objects.create(
            client=self.client, issuer="https://issuer.example", subject="job", jwks={}, during=ALWAYS
        )

    @cached_property
    def used_assertion(self) -> sharing.UsedAssertion:
        return sharing.UsedAssertion.objects.create(client=self.client, digest="d", expires_at=NOW)

    @cached_property
    def signing_key_columns(self) -> dict[str, Any]:
        """Before those that the installation signs with, so that it stands in nobody's way."""
        long_ago = NOW.replace(year=2000)
        moments = {"created_at": long_ago, "active_from": long_ago, "retired_at": NOW.replace(year=2001)}
        return {"algorithm": "ES256", "public_jwk": {}, **moments}

    @cached_property
    def signing_key(self) -> may.SigningKey:
        return may.SigningKey.objects.create(kid="first", **self.signing_key_columns)

    @cached_property
    def authorization(self) -> may.Authorization:
        moments = {"authenticated_at": NOW, "created_at": NOW, "used_at": NOW}
        return may.Authorization.objects.create(
            tenant=self.tenant, user=self.user, client=self.client, **moments
        )

    @cached_property
    def revoked_token(self) -> may.RevokedToken:
        return may.RevokedToken.objects.create(tenant=self.tenant, jti="j", expires_at=NOW)
