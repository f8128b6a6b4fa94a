"""The services of a tenant that hold something of one application: found by what is assigned, in its scope.

Who calls there by what another tenant gave is that tenant's affair, and not looked for.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from accesscontrol.books import books_of_held
from accesscontrol.decide import CallFacts
from accesscontrol.holdings import (
    Call,
    assigned,
    call_facts,
    held_roles,
    owners_of,
    rows_of,
)
from accesscontrol.review.people import AS_IN_BOOK
from accesscontrol.review.whole import called, is_ours
from applications import facts as sharing_facts
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
    *, tenant_id: str, application_id: str, since: datetime, made: Collection[str]
) -> Sequence[tuple[str, CallFacts]]:
    """Each call with the caller's name. At most so many statements, whatever there is.

    ``made``: the keys of the tenant's own roles that hold something of the application.

    Crosses tenants: by an access contract the tenant's service works in its provider's, and the answer asks
    what else it holds there. Told is only what the tenant itself gave.
    """
    with cross_tenant():
        calls = _calls(tenant_id, application_id, since, made)
    names = called(call[0] for call in calls)
    return [
        (names[caller], facts)
        for (caller, _target, place), facts in sorted(calls.items())
        if is_ours(facts, place, tenant_id)
    ]


def _calls(
    tenant_id: str, application_id: str, since: datetime, made: Collection[str]
) -> Mapping[Call, CallFacts]:
    asked = {"application": application_id, "applications": [application_id], "made": sorted(made)}
    given = rows_of(_GIVEN, tenant=tenant_id, when=since, **asked)
    if not given:
        return {}
    owners = owners_of({row[4] for row in given})
    calls: set[Call] = {(row[4], application_id, row[8] or tenant_id) for row in given}
    places = {tenant_id, *(place for _caller, _target, place in calls)}
    rows = rows_of(
        _THERE, tenants=sorted(places), callers=sorted(owners), application=application_id, when=since
    )
    tenants = {*places, *owners.values()}
    sharing = sharing_facts.sharing({application_id, *owners}, tenant_ids=tenants)
    declared, made = held_roles(rows)
    shelves = books_of_held({application_id}, tenant_ids=places, made=made, declared=declared)
    return call_facts(calls, rows, owners, sharing, shelves)
