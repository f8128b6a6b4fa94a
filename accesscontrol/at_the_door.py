"""What every door asks: who the caller is at the portal itself. All of it in one statement.

The statements are those of :mod:`accesscontrol.facts`, :mod:`accesscontrol.books` and
:mod:`applications.facts`, put together: one after the other they took a third of a small answer's time, most
of it on the way. Each row says of which question it is, and has room for the columns of all.

What the portal declares of itself, its roles and what they hold, changes when it is upgraded. A process keeps
it with the version (docs/adr/0007-confirmed-cache.md) that was read in the same snapshot, and believes it
only where the statement that reads all else reads that version again. Where it reads another one, nothing of
it counts: all is asked anew, in one statement. What may be kept, :func:`accesscontrol.kept.may_keep` says.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db import connection

from accesscontrol import kept
from accesscontrol.books import DECLARED, bound
from accesscontrol.decide import PermissionFact, PrincipalFacts, RoleBook
from accesscontrol.facts import ALWAYS, ASSIGNMENTS, REACH, Principal, of_rows, reaching
from applications.availability import ApplicationFact, SharingFacts
from applications.facts import APPLICATIONS, TENANTS, application_of, built_in
from applications.models.applications import PORTAL_ID

# The columns of a row, whatever it says.
_ROOM = {
    **{f"text{number}": "text" for number in range(1, 9)},
    "flag": "boolean",
    **dict.fromkeys(("during", "held"), "tstzrange"),
    **dict.fromkeys(("list1", "list2", "list3"), "text[]"),
    **dict.fromkeys(("spans1", "spans2"), "tstzrange[]"),
}
# Where each column of each question stands in it, in the order of that question.
_PLACES = {
    "version": "text1 text2 flag",
    "application": "text1 text2 text3 during spans1 list1 list2 spans2",
    "tenant": "text1 text2 spans1 list1",
    "declared": "text1 flag text2 text3 during held list1 list2 list3",
    "made": "text1 flag text2 text3 during held list1 list2 list3",
    "reach": "text1 text2 during",
    "assignment": "text1 text2 during text3 text4 text5 text6 text7 text8",
}
_PICKED = {part: itemgetter(*map(list(_ROOM).index, places.split())) for part, places in _PLACES.items()}
# Under these keys all that the portal declares leaves its traces: itself, its roles, what they hold.
_KEYS = [kept.number_of(PORTAL_ID), kept.LOST_NUMBER]
_VERSION = f"""SELECT coalesce(bit_xor(nonce), 0), count(*), {kept.OWN}
    FROM accesscontrol_factchange WHERE key = ANY(%(keys)s::bigint[])"""
_HELD = "id, group_id, during, by_name, contract_id, application_id, key, made, made_name"
# Of the tenant's own roles those that the caller holds, by their keys; for who holds none nothing is read.
_MADE = """
SELECT %(tenant)s::text, s.owner_tenant_id IS NOT NULL, s.application_id, r.key, p.during, p.during,
    ARRAY[s.type], ARRAY[s.key], ARRAY[p.privilege]
FROM (
    SELECT id, application_id, type, key, owner_tenant_id FROM applications_resource
    WHERE application_id = %(portal)s AND (owner_tenant_id IS NULL OR owner_tenant_id = %(tenant)s)
        AND EXISTS (SELECT FROM assigned WHERE made IS NOT NULL) OFFSET 0
) s
CROSS JOIN LATERAL (
    SELECT role_id, during, privilege FROM accesscontrol_tenantrolepermission
    WHERE tenant_id = %(tenant)s AND resource_id = s.id AND NOT isempty(during) OFFSET 0
) p
CROSS JOIN LATERAL (
    SELECT key FROM accesscontrol_tenantrole
    WHERE id = p.role_id AND key IN (SELECT made FROM assigned) OFFSET 0
) r
"""
_PORTAL_AND_HERE = """ARRAY(SELECT %(tenant)s::uuid UNION
    SELECT owner_id FROM applications_application WHERE id = ANY(%(applications)s))"""


def _in_room(part: str, statement: str) -> str:
    """The question as rows of that kind."""
    places = _PLACES[part].split()
    columns = (f"{name if name in places else 'NULL'}::{kind}" for name, kind in _ROOM.items())
    return f"SELECT '{part}', {', '.join(columns)} FROM ({statement}) AS {part} ({', '.join(places)})"


def _statement(*, person: bool, known: bool) -> str:
    """``known``: what the portal declares is at hand, if the version says so."""
    groups = "ARRAY(SELECT id FROM reaching WHERE id IS NOT NULL)" if person else "'{}'::uuid[]"
    # What own roles hold stands in the books: to look it up for each of them again takes long.
    rows = ASSIGNMENTS.format(groups=groups, made="NULL")
    before = f"assigned({_HELD}, nothing) AS MATERIALIZED ({rows})"
    tenants = "ARRAY[%(tenant)s, %(owner)s]::uuid[]" if known else _PORTAL_AND_HERE
    parts = [
        _in_room("version", _VERSION),
        _in_room("tenant", TENANTS.format(tenants=tenants)),
        _in_room("assignment", f"SELECT {_HELD} FROM assigned"),
        _in_room("made", _MADE),
    ]
    if not (person and known):
        parts.append(_in_room("application", APPLICATIONS.format(applications="%(asked)s")))
    if not known:
        parts.append(_in_room("declared", DECLARED))
    if person:
        before = f"reaching(id, name, during) AS MATERIALIZED ({REACH}), {before}"
        parts.append(_in_room("reach", "SELECT id, name, during FROM reaching"))
    return f"WITH {before} {' UNION ALL '.join(parts)}"


_STATEMENTS = {
    (person, known): _statement(person=person, known=known)
    for person in (False, True)
    for known in (False, True)
}
_Parts = Mapping[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class _Portal:
    """What the portal declares of itself, with the version of the snapshot in which it was read."""

    version: tuple[Any, ...]  # all nonces in one XOR, and how many there are
    application: ApplicationFact
    roles: Mapping[str, tuple[PermissionFact, ...]]


class _Kept:
    """By this process: one whole at a time, which is put in the place of another and never changed."""

    portal: _Portal | None = None


_kept = _Kept()


def forget() -> None:
    """As a process that has just begun. For tests."""
    _kept.portal = None


@dataclass(frozen=True, slots=True)
class Door:
    """The facts by which the portal's own roles of a principal are decided.

    Of the tenant's own roles ``book`` has those that the principal holds. ``caller``: of a service that is
    the tenant's own, as far as it goes without contracts. One that others own is there by them.
    """

    sharing: SharingFacts
    book: RoleBook
    principal: PrincipalFacts
    caller: SharingFacts | None = None


def facts(who: Principal) -> Door | None:
    """Of the portal, in the tenant's scope. One query, and another where the portal has changed meanwhile.

    None before the portal is installed.
    """
    portal = _kept.portal  # looked at once: another thread may put another in its place
    parts = _asked(who, portal)
    if portal is None or parts["version"][0][:2] != portal.version:
        parts = parts if portal is None else _asked(who, None)
        portal = _learned(parts)
    return None if portal is None else _door(who, portal, parts)


def _asked(who: Principal, portal: _Portal | None) -> _Parts:
    known, caller = portal is not None, who.application_id
    values = {
        "keys": _KEYS,
        "portal": PORTAL_ID,
        "owner": portal.application.owner_id if portal is not None else None,
        "tenant": who.tenant_id,
        "user": who.user_id,
        "application": caller,
        "applications": [PORTAL_ID],
        "asked": [*([] if known else [PORTAL_ID]), *([caller] if caller not in (None, PORTAL_ID) else [])],
    }
    parts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENTS[who.user_id is not None, known], values)
        for part, *columns in cursor.fetchall():
            parts[part].append(_PICKED[part](columns))
    return parts


def _learned(parts: _Parts) -> _Portal | None:
    """What the portal declares, of the answer to the whole question; kept from now on."""
    own = next((row for row in parts["application"] if row[0] == PORTAL_ID), None)
    if own is None:
        return None
    roles = bound(parts["declared"], [PORTAL_ID], [""])[PORTAL_ID, ""].application
    ((*version, own_alone),) = parts["version"]
    portal = _Portal(tuple(version), application_of(own), roles)
    if kept.may_keep(traces=int(version[1]), own=own_alone):
        _kept.portal = portal
    return portal


def _door(who: Principal, portal: _Portal, parts: _Parts) -> Door:
    tenant = str(who.tenant_id)
    others = [application_of(row) for row in parts["application"] if row[0] != PORTAL_ID]
    sharing = built_in([portal.application, *others], parts["tenant"])
    made = bound(parts["made"], [PORTAL_ID], [tenant])[PORTAL_ID, tenant]
    book = RoleBook(portal.roles, made.tenant, made.own)
    active, reach = reaching(parts["reach"]) if who.user_id is not None else (ALWAYS, {})
    of_portal = book.tenant.keys() | book.own.keys()
    rows = [(*row, [PORTAL_ID] if row[7] in of_portal else []) for row in parts["assignment"]]
    held = of_rows(who, active, reach, rows, application_ids=[PORTAL_ID])
    caller = sharing.get(who.application_id or "")
    own = caller if caller is not None and caller.application.owner_id == tenant else None
    return Door(sharing[PORTAL_ID], book, held[PORTAL_ID], own)
