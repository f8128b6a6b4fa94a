"""Identity providers of an organization: made, changed, taken away.

Whoever changes how a provider proves itself could come in as everybody who is linked to it: so he must be
able to give what they hold (``may grant``).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from iam_portal import sealing
from iam_portal.errors import Invalid, NotFound
from iam_portal.gate import Actor, Permission, require
from tenants import policies
from tenants.actions import came_by
from tenants.history import record
from tenants.models import IdentityProvider, Tenant
from tenants.signals import provider_trusting

# What may be chosen, and its name on the wire and in history.
FIELDS = {
    "name": "name",
    "client_id": "clientId",
    "scopes": "scopes",
    "enabled": "enabled",
    "position": "position",
    "is_default": "default",
    "makes_people": "makesPeople",
    "trusts_email": "trustsEmail",
    "trusts_second_factor": "trustsSecondFactor",
    "second_factor_acr": "secondFactorAcr",
}
# With these, what the provider says counts for more, or somebody else says it.
TRUSTING = frozenset({"client_id", "secret", "enabled", "makes_people", "trusts_email"}) | {
    "trusts_second_factor",
    "second_factor_acr",
}
ADMITTING = Permission.parse("Users:add")  # of the doors by which people are made
MOST = 20  # providers of one organization
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,100}")  # RFC 6749 §3.3
Chosen = Mapping[str, Any]  # of FIELDS


class ProviderRefused(Invalid):
    """An issuer, a scope or a secret that is none; every objection is listed."""

    code = "identity_provider_refused"


def of(tenant: Tenant, key: str) -> IdentityProvider:
    """The provider of this tenant, or NotFound."""
    found: IdentityProvider | None = tenant.identity_providers.filter(key=key).first()
    if found is None:
        raise NotFound
    return found


def create(
    *, tenant: Tenant, key: str, issuer: str, secret: str, chosen: Chosen, by: Actor, at: datetime
) -> IdentityProvider:
    """A provider to which nobody is linked yet. Its issuer and key stay for good."""
    _require_sound(issuer=issuer, secret=secret, chosen=chosen)
    with transaction.atomic():
        policies.hold(tenant)
        _require_admitting(tenant, chosen, by=by, at=at)
        if tenant.identity_providers.count() >= MOST:
            raise ProviderRefused("This organization has as many identity providers as it can have.")
        row = IdentityProvider(tenant=tenant, key=key, issuer=issuer, created_at=at)
        row.secret_sealed = sealing.seal(secret)
        _set(row, {"name": key, **chosen})
        row.full_clean(exclude=["scopes"])
        row.save(force_insert=True)
        _record("identity_provider.created", row, by, at, after={"issuer": issuer, **_told(row, FIELDS)})
    return row


def change(
    *,
    tenant: Tenant,
    key: str,
    chosen: Chosen,
    by: Actor,
    at: datetime,
    secret: str = "",
    revision: int | None = None,
) -> IdentityProvider:
    """What is left out stays; an empty secret, too. Switched off, whom it let in is out at once."""
    _require_sound(secret=secret or "x", chosen=chosen)
    with transaction.atomic():
        policies.hold(tenant)
        row = _locked(tenant, key)
        policies.require_revision(row, revision)
        moved = [name for name, value in chosen.items() if value != getattr(row, name)]
        before = _told(row, moved)
        if not moved and not secret:
            return row
        _require_admitting(tenant, {name: chosen[name] for name in moved}, by=by, at=at)
        if TRUSTING & {*moved, *(["secret"] if secret else [])}:
            provider_trusting.send(sender=IdentityProvider, actor=by, tenant=tenant, provider=row, at=at)
        if secret:
            row.secret_sealed = sealing.seal(secret)
        _set(row, chosen)
        row.revision += 1
        row.full_clean(exclude=["scopes"])
        row.save()
        if not row.enabled:
            came_by.part(row, by=by, at=at)
        after = {**_told(row, moved), "revision": f"r-{row.revision}"}
        told = {**after, **({"secret": "another"} if secret else {})}
        _record("identity_provider.changed", row, by, at, before=before, after=told)
    return row


def delete(*, tenant: Tenant, key: str, by: Actor, at: datetime, revision: int | None = None) -> None:
    """With its links and mappers. Whom it let in is out; people and memberships stay as they are."""
    with transaction.atomic():
        policies.hold(tenant)
        row = _locked(tenant, key)
        policies.require_revision(row, revision)
        came_by.part(row, by=by, at=at)
        before = {"issuer": row.issuer, "linked": row.links.count(), **_told(row, FIELDS)}
        _record("identity_provider.deleted", row, by, at, before=before)
        # Whom its mappers are just putting in is waited for: what is seen to hang on them goes along.
        list(row.mappers.order_by("id").select_for_update().values_list("id"))
        row.delete()


def _require_admitting(tenant: Tenant, chosen: Chosen, *, by: Actor, at: datetime) -> None:
    """Whose provider makes people makes them himself."""
    if chosen.get("makes_people"):
        require(actor=by, tenant_id=tenant.id, permission=ADMITTING, at=at)


def _locked(tenant: Tenant, key: str) -> IdentityProvider:
    row: IdentityProvider | None
    row = tenant.identity_providers.select_for_update(no_key=True).filter(key=key).first()
    if row is None:
        raise NotFound
    return row


def _set(row: IdentityProvider, chosen: Chosen) -> None:
    for name in FIELDS:
        setattr(row, name, chosen.get(name, getattr(row, name)))
    if row.is_default:
        others = IdentityProvider.objects.filter(tenant_id=row.tenant_id, is_default=True).exclude(pk=row.pk)
        others.update(is_default=False)


def _told(row: IdentityProvider, names: Iterable[str]) -> dict[str, Any]:
    return {FIELDS[name]: getattr(row, name) for name in names}


def _require_sound(*, secret: str, chosen: Chosen, issuer: str | None = None) -> None:
    objections = []
    if issuer is not None and not _is_issuer(issuer):
        text = "An issuer is an address that begins with https, without query and fragment."
        objections.append({"pointer": "/issuer", "code": "issuer_grammar", "detail": text})
    if not secret or len(secret) > 1_000 or not secret.isascii() or not secret.isprintable():
        text = "A secret has one line of printable characters."
        objections.append({"pointer": "/clientSecret", "code": "secret_grammar", "detail": text})
    scopes = chosen.get("scopes", [])
    if len(scopes) > 20 or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        text = "At most 20 scopes, each without spaces."
        objections.append({"pointer": "/scopes", "code": "scope_grammar", "detail": text})
    if objections:
        raise ProviderRefused("This provider is not taken. Nothing was changed.", errors=objections)


def _is_issuer(text: str) -> bool:
    """By what it looks like (OpenID Connect Discovery §3); where it leads is looked at when it is asked."""
    if len(text) > 500 or not text.isascii() or not text.isprintable() or set(text) & set(" \\?#@"):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _record(
    action: str,
    row: IdentityProvider,
    by: Actor,
    at: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    subject = ("identity_provider", row.id, row.name)
    record(action=action, tenants=[row.tenant_id], by=by, at=at, subject=subject, before=before, after=after)
