"""Tokens by which a directory keeps people and groups of a tenant: made by a person, shown once, revoked.

A token may do at each moment what its maker may at that moment, at the SCIM doors of this tenant and nowhere
else. So nobody gains by one what he did not hold, and what he took along ends with his own rights.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from applications import hashers
from iam_portal.decision import rfc3339
from iam_portal.errors import DomainError, Forbidden, Invalid, Kind, NotFound
from iam_portal.gate import Actor, Permission, gate
from iam_portal.sentences import said
from tenants import policies
from tenants.history import record
from tenants.models import ScimToken, Tenant, User, since
from tenants.models.spanned import clipped

MOST = 10  # living at once
LONGEST_LIFE = timedelta(days=3 * 366)
SELDOM = timedelta(minutes=1)
PREFIX = "iamscim_"  # found by whoever looks for secrets in what was published
NEEDED = tuple(
    Permission.parse(f"{resource}:{privilege}")
    for resource in ("Users", "Groups")
    for privilege in ("read", "add", "modify", "delete")
)
_NOTE = """
UPDATE tenants_scimtoken SET last_used_at = %(at)s WHERE id = (
    SELECT id FROM tenants_scimtoken
    WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at <= %(before)s) FOR UPDATE SKIP LOCKED
)
"""


class PersonNeeded(DomainError):
    """A token may do what the person may who made it: a service has none, and needs none."""

    code = "person_needed"
    kind = Kind.FORBIDDEN


class TooManyTokens(DomainError):
    """One has to be revoked first."""

    code = "too_many_scim_tokens"


def address(tenant_id: UUID) -> str:
    """What a directory is told: all its addresses begin with it."""
    return f"{settings.PORTAL_BASE_URL}/iam/scim/v2/tenants/{tenant_id}"


def make(
    *, tenant: Tenant, note: str, welcome: str, by: Actor, at: datetime, expires_at: datetime
) -> tuple[ScimToken, str]:
    """A token and its value, which is shown once. Its maker holds what it will be used for."""
    if not at < expires_at <= at + LONGEST_LIFE:
        text = said("It ends in the future, at most %(days)s days from now.", {"days": LONGEST_LIFE.days})
        raise Invalid(text, errors=[{"pointer": "/expiresAt", "code": "moment_past", "detail": text}])
    with transaction.atomic():
        policies.hold(tenant)
        maker = _maker(tenant, by)
        _require_all(tenant, by, at)
        if tenant.scim_tokens.not_over(at).count() >= MOST:
            raise TooManyTokens(said("At most %(most)s at once. Revoke one first.", {"most": MOST}))
        value, sealed = hashers.make()
        value = PREFIX + value
        row = ScimToken(
            tenant=tenant,
            made_by=maker,
            note=note.strip(),
            welcome=welcome,
            digest=hashers.digest(value, sealed.pepper),
            pepper=sealed.pepper,
            hint=sealed.hint,
            during=since(at, expires_at),
        )
        row.full_clean()
        row.save(force_insert=True)
        after = {"hint": row.hint, "expiresAt": rfc3339(expires_at)}
        _record("scim_token.added", row, by=by, at=at, after=after)
    return row, value


def revoke(*, tenant: Tenant, token_id: UUID, by: Actor, at: datetime) -> None:
    """It opens nothing any more."""
    with transaction.atomic():
        rows = tenant.scim_tokens.not_over(at).filter(id=token_id)
        row = rows.select_for_update(of=("self",)).first()
        if row is None:
            raise NotFound
        tenant.scim_tokens.filter(id=row.id).update(during=clipped(at))
        _record("scim_token.revoked", row, by=by, at=at, before={"hint": row.hint})


def revoke_all(*, user: User, by: Actor, at: datetime) -> None:
    """All that he made: a return begins without them, and so does who may have lost them with his phone."""
    rows = ScimToken.objects.not_over(at).filter(tenant=user.tenant_id, made_by=user)
    for row in list(rows.select_for_update(of=("self",)).order_by("id")):
        ScimToken.objects.filter(id=row.id).update(during=clipped(at))
        _record("scim_token.revoked", row, by=by, at=at, before={"hint": row.hint})


def resolve(*, tenant_id: UUID, value: str, at: datetime) -> ScimToken | None:
    """The living token of this tenant with its maker, who is here; None alike for everything else.

    Inside the tenant's scope, so that a token of another tenant is not even compared.
    """
    if not value.startswith(PREFIX) or len(value) > 200:
        return None
    digests = [hashers.digest(value, number) for number in hashers.peppers()]
    found = ScimToken.objects.at(at).filter(tenant=tenant_id, digest__in=digests)
    row: ScimToken | None = found.select_related("made_by").first()
    here = policies.present(tenant_id=tenant_id, at=at)
    if row is None or not here.filter(pk=row.made_by_id).exists():
        return None
    _note_use(row, at)
    return row


def _note_use(row: ScimToken, at: datetime) -> None:
    """At most once a minute; never waits for another request, never fails this one."""
    if row.last_used_at is not None and at - row.last_used_at < SELDOM:
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_NOTE, {"at": at, "id": row.id, "before": at - SELDOM})
    except DatabaseError:
        return


def _maker(tenant: Tenant, by: Actor) -> User:
    found = policies.held_user(tenant=tenant, user_id=by.id) if by.kind == "user" else None
    if found is None:
        raise PersonNeeded("A person makes it: a service comes with a token of its own.")
    return found


def _require_all(tenant: Tenant, by: Actor, at: datetime) -> None:
    answer = gate().answers(actor=by, tenant_id=tenant.id, at=at)
    reasons = [reason for permission in NEEDED if not (no := answer(permission)) for reason in no.reasons]
    if reasons:
        raise Forbidden("A token for what you may not do yourself cannot be made.", reasons=tuple(reasons))


def _record(
    action: str,
    row: ScimToken,
    *,
    by: Actor,
    at: datetime,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    record(
        action=action,
        tenants=[row.tenant_id],
        by=by,
        at=at,
        subject=("scim_token", row.id, row.note),
        before=before,
        after=after,
    )
