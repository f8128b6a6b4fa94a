"""A person behind a token: may he still be signed in to that client, and what does he hold there now.

The one question for introspection, userinfo and every door that takes a user's token. Service tokens are
:mod:`accesscontrol.oauth.decision`'s; neither passes as the other, because only a user's has a ``sid``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists

from accesscontrol.decide import HeldRole, may_sign_in
from accesscontrol.models import Authorization, RevokedToken
from accesscontrol.oauth import sign_in_decision
from accesscontrol.oauth.claims import ACTOR, audience_of, roles_named
from iam_portal.walls import tenant_scope
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A living sign-in that the person may still have, with the roles that count now (maybe none)."""

    authorization: Authorization
    roles: tuple[HeldRole, ...]

    def urns(self) -> list[str]:
        """Sorted, without repeats."""
        return sorted({role.urn for role in self.roles})


def standing(claims: Mapping[str, Any], *, tenant: Tenant, at: datetime) -> SignedIn | None:
    """Whose access token this is: of a living sign-in in this tenant, not revoked; ``None`` otherwise.

    The claims must say of person, client and audience what the row says: it is the row that is believed.
    """
    if claims["tid"] != str(tenant.id) or ACTOR in claims:
        return None
    with tenant_scope(tenant.id):
        row = _living(claims, tenant, at)
        if row is None or not _said_of(row, claims):
            return None
        return of(row, scope=str(claims.get("scope", "")), at=at)


def signed_in(claims: Mapping[str, Any], *, tenant: Tenant, at: datetime) -> SignedIn | None:
    """The sign-in that an exchanged token goes back to, whichever client it is at. In the tenant's scope."""
    row = _living(claims, tenant, at)
    if row is None or claims["sub"] != str(row.user_id):
        return None
    return of(row, scope="", at=at)


def of(authorization: Authorization, *, scope: str, at: datetime) -> SignedIn | None:
    """The same for a living row: its person is active, and the application available to him.

    ``scope`` may narrow the roles. Runs in the tenant's scope.
    """
    application_id = authorization.client.application_id
    facts = sign_in_decision.facts_of(
        user_id=authorization.user_id, application_id=application_id, tenant_id=authorization.tenant_id
    )
    answer = may_sign_in(facts, at=at) if facts is not None else None
    if answer is None or not answer:
        return None
    keys = roles_named(scope.split(" "), application_id)
    return SignedIn(authorization, sign_in_decision.narrowed(answer.roles, keys))


def _living(claims: Mapping[str, Any], tenant: Tenant, at: datetime) -> Authorization | None:
    if (sid := _uuid(claims.get("sid"))) is None:
        return None
    rows = Authorization.objects.living(tenant=tenant, at=at).filter(
        ~Exists(RevokedToken.objects.of(claims)), pk=sid
    )
    return rows.select_related("user", "client").first()


def _said_of(row: Authorization, claims: Mapping[str, Any]) -> bool:
    return (
        claims["sub"] == str(row.user_id)
        and claims["client_id"] == row.client.client_id
        and audience_of(claims) == [row.client.application_id]
    )


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
