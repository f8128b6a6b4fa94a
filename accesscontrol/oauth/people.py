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

from accesscontrol import facts as load
from accesscontrol.decide import HeldRole, RoleBook, SignInFacts, may_sign_in
from accesscontrol.models import Authorization, RevokedToken
from accesscontrol.oauth.claims import audience_of, narrowed_roles
from accesscontrol.oauth.decision import only
from applications import facts as sharing_facts
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
    if claims["tid"] != str(tenant.id) or (sid := _uuid(claims.get("sid"))) is None:
        return None
    with tenant_scope(tenant.id):
        rows = Authorization.objects.living(tenant=tenant, at=at).filter(
            ~Exists(RevokedToken.objects.of(claims)), pk=sid
        )
        row = rows.select_related("user", "client").first()
        if row is None or not _said_of(row, claims):
            return None
        return of(row, tenant=tenant, keys=narrowed_roles(claims, row.client.application_id), at=at)


def of(
    authorization: Authorization, *, tenant: Tenant, keys: frozenset[str], at: datetime
) -> SignedIn | None:
    """The same for a living row: its person is active and the application is available to him.

    ``keys``: the roles to which it was narrowed; when none of those is left, nothing is.
    """
    facts = facts_of(authorization, tenant=tenant)
    answer = may_sign_in(facts, at=at) if facts is not None else None
    if answer is None or not answer:
        return None
    roles = only(answer.roles, keys) if keys else answer.roles
    return SignedIn(authorization, roles) if roles or not keys else None


def facts_of(authorization: Authorization, *, tenant: Tenant) -> SignInFacts | None:
    """What ``may_sign_in`` asks. Runs in the tenant's scope."""
    tenant_id, application_id = str(tenant.id), authorization.client.application_id
    sharing = sharing_facts.of_application(application_id, tenant_id=tenant_id)
    if sharing is None:
        return None
    who = load.Principal(tenant_id, user_id=authorization.user_id)
    person = load.principal(who, application_ids=[application_id])[application_id]
    made = any(assignment.tenant_role is not None for assignment in person.assignments)
    # Permissions decide only where a role of the tenant's own making is held.
    book = load.books([application_id], tenant_id=tenant_id)[application_id] if made else RoleBook()
    return SignInFacts(tenant_id, sharing, book, person)


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
