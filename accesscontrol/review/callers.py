"""The services of a tenant that hold something of one application: found by what is assigned, in its scope.

Who calls there by what another tenant gave is that tenant's affair, and not looked for.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from accesscontrol.books import books_of_held
from accesscontrol.decide import CallFacts, RoleBook
from accesscontrol.holdings import (
    Call,
    assigned,
    call_facts,
    held_roles,
    rows_of,
)
from accesscontrol.review.people import AS_IN_BOOK
from accesscontrol.review.whole import is_ours
from applications import facts as sharing_facts
from applications.models import Application
from iam_portal.walls import cross_tenant

# Asked of the rows that are no person's: the index of what is given to applications has everybody's.
_GIVEN = assigned(
    "a.tenant_id = %(tenant)s AND a.user_id IS NULL AND (a.application_id > '') IS TRUE",
    targets="= %(application)s",
    touched=AS_IN_BOOK,
)
# Under an access contract the provider may have given the same service something of its own, too.
_THERE = assigned(
    "a.tenant_id = ANY(%(tenants)s::uuid[]) AND a.application_id = ANY(%(callers)s)",
    targets="= %(application)s",
)


def services(
    *, tenant_id: str, application_id: str, since: datetime, book: RoleBook
) -> Sequence[tuple[str, CallFacts]]:
    """Each call with the caller's name. At most so many statements, whatever there is. In the tenant's scope.

    ``book``: the tenant's, of the application.
    """
    made = sorted({*book.tenant, *book.own})
    asked = {"application": application_id, "applications": [application_id], "made": made, "when": since}
    given = rows_of(_GIVEN, tenant=tenant_id, **asked)
    if not given:
        return []
    applications = _applications({row[4] for row in given})
    owners = {caller: owner for caller, (owner, _name) in applications.items()}
    calls: set[Call] = {(row[4], application_id, row[8] or tenant_id) for row in given}
    places = {tenant_id, *(place for _caller, _target, place in calls), *owners.values()}
    if places == {tenant_id}:
        sharing = sharing_facts.sharing({application_id, *owners}, tenant_ids=[tenant_id])
        shelves = {(application_id, tenant_id): book}
        found = call_facts(calls, given, owners, sharing, shelves)
    else:
        found = _elsewhere(calls, owners, tenant_id, asked)
    return [
        (applications[caller][1], facts)
        for (caller, _target, place), facts in sorted(found.items())
        if is_ours(facts, place, tenant_id)
    ]


def _applications(ids: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Owner and name."""
    rows = Application.objects.filter(id__in=ids).values_list("id", "owner_id", "display_name")
    return {pk: (str(owner), name) for pk, owner, name in rows}


def _elsewhere(
    calls: set[Call], owners: Mapping[str, str], tenant_id: str, asked: Mapping[str, Any]
) -> dict[Call, CallFacts]:
    """Crosses tenants: by an access contract the tenant's service works in its provider's, and the answer
    asks what else it holds there; another tenant's works here. Told is only what the tenant itself gave.
    """
    application_id = asked["application"]
    places = {tenant_id, *(place for _caller, _target, place in calls)}
    with cross_tenant():
        rows = rows_of(
            _THERE,
            tenants=sorted(places),
            callers=sorted(owners),
            application=application_id,
            when=asked["when"],
        )
        sharing = sharing_facts.sharing({application_id, *owners}, tenant_ids={*places, *owners.values()})
        declared, made = held_roles(rows)
        shelves = books_of_held({application_id}, tenant_ids=places, made=made, declared=declared)
    return call_facts(calls, rows, owners, sharing, shelves)
