"""An identity provider and what it leaves: rows past every action, in the scope of their tenant."""

import json
from datetime import datetime, timedelta
from typing import Any

from iam_portal import sealing
from tenants import hashers
from tenants.models import (
    IdentityLink,
    IdentityMapper,
    IdentityProvider,
    MappedMembership,
    Membership,
    ProviderArrival,
    ProviderSession,
    Tenant,
    User,
    UserSession,
)

ISSUER = "https://login.corp.example"


def make_provider(tenant: Tenant, key: str = "corp", *, at: datetime, **columns: Any) -> IdentityProvider:
    """One that is on."""
    about = {"name": "Corp login", "issuer": ISSUER, "client_id": "portal", "enabled": True, **columns}
    secret = sealing.seal("s3cret")
    return IdentityProvider.objects.create(
        tenant=tenant, key=key, secret_sealed=secret, created_at=at, **about
    )


def make_mapper(provider: IdentityProvider, by: User, *, at: datetime, **columns: Any) -> IdentityMapper:
    """Made by this person."""
    about = {"kind": "email", "when": "every", "template": "{email}", **columns}
    return IdentityMapper.objects.create(
        tenant=provider.tenant,
        provider=provider,
        maker_kind="user",
        maker_id=str(by.id),
        created_at=at,
        **about,
    )


def arrive(provider: IdentityProvider, *, at: datetime, **claims: Any) -> str:
    """Somebody unknown who came from it: the value of his cookie."""
    token = hashers.fresh()
    told = {"subject": "new-1", "claims": claims, "methods": [], "authenticated_at": None, "leaving": {}}
    ProviderArrival.objects.create(
        tenant=provider.tenant,
        provider=provider,
        digest=hashers.digest(token),
        sealed=sealing.seal(json.dumps(told)),
        created_at=at,
        expires_at=at + timedelta(minutes=15),
    )
    return token


def come_from(user: User, *, at: datetime) -> IdentityProvider:
    """A row in each table: of who has a session and is in a group."""
    own: dict[str, Any] = {"tenant": user.tenant}
    provider = make_provider(user.tenant, at=at)
    IdentityLink.objects.create(**own, provider=provider, user=user, subject="sub-1", created_at=at)
    arrive(provider, at=at)
    session = UserSession.objects.filter(user=user)[0]
    ProviderSession.objects.create(
        **own, session=session, provider=provider, leaving_sealed=sealing.seal("{}")
    )
    membership = Membership.objects.filter(user=user)[0]
    about = {"kind": "group", "group": membership.group, "claim": "groups", "value": "g", "template": ""}
    mapper = make_mapper(provider, user, at=at, **about)
    MappedMembership.objects.create(**own, membership=membership, mapper=mapper)
    return provider
