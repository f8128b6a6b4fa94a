"""What every door asks: who the caller is at the portal itself. All of it in one statement.

The statements are those of :mod:`accesscontrol.facts`, :mod:`accesscontrol.books` and
:mod:`applications.facts`, put together: one after the other they took a third of a small answer's time, most
of it on the way. Each row says of which question it is, and has room for the columns of all.
"""

from collections import defaultdict
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db import connection

from accesscontrol.books import OF_ONE, bound
from accesscontrol.decide import PrincipalFacts, RoleBook
from accesscontrol.facts import ALWAYS, ASSIGNMENTS, REACH, Principal, of_rows, reaching
from applications.availability import SharingFacts
from applications.facts import APPLICATIONS, TENANTS, built_in
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
    "application": "text1 text2 text3 during spans1 list1 list2 spans2",
    "tenant": "text1 text2 spans1 list1",
    "book": "text1 flag text2 text3 during held list1 list2 list3",
    "reach": "text1 text2 during",
    "assignment": "text1 text2 during text3 text4 text5 text6 text7 text8",
}
_PICKED = {part: itemgetter(*map(list(_ROOM).index, places.split())) for part, places in _PLACES.items()}
_PORTAL_AND_HERE = """ARRAY(SELECT %(tenant)s::uuid UNION
    SELECT owner_id FROM applications_application WHERE id = ANY(%(applications)s))"""


def _in_room(part: str, statement: str) -> str:
    """The question as rows of that kind."""
    places = _PLACES[part].split()
    columns = (f"{name if name in places else 'NULL'}::{kind}" for name, kind in _ROOM.items())
    return f"SELECT '{part}', {', '.join(columns)} FROM ({statement}) AS {part} ({', '.join(places)})"


def _held(groups: str) -> str:
    """What own roles hold stands in the books: to look it up for each of them again takes long."""
    columns = "id, group_id, during, by_name, contract_id, application_id, key, made, made_name"
    rows = ASSIGNMENTS.format(groups=groups, made="NULL")
    return _in_room("assignment", f"SELECT {columns} FROM ({rows}) AS held ({columns}, nothing)")


_EVERYBODY = (
    _in_room("application", APPLICATIONS.format(applications="%(known)s")),
    _in_room("tenant", TENANTS.format(tenants=_PORTAL_AND_HERE)),
    _in_room("book", OF_ONE),
)
_OF_SERVICE = " UNION ALL ".join((*_EVERYBODY, _held("'{}'::uuid[]")))
_ABOVE = "ARRAY(SELECT id FROM reaching WHERE id IS NOT NULL)"
_OF_PERSON = f"WITH reaching(id, name, during) AS MATERIALIZED ({REACH}) " + " UNION ALL ".join(
    (
        *_EVERYBODY,
        _in_room("reach", "SELECT id, name, during FROM reaching"),
        _held(_ABOVE),
    )
)


@dataclass(frozen=True, slots=True)
class Door:
    """The facts by which the portal's own roles of a principal are decided.

    ``caller``: of a service that is the tenant's own, as far as it goes without contracts. One that others
    own is there by them.
    """

    sharing: SharingFacts
    book: RoleBook
    principal: PrincipalFacts
    caller: SharingFacts | None = None


def facts(who: Principal) -> Door | None:
    """Of the portal, in the tenant's scope. One query; None before the portal is installed."""
    tenant = str(who.tenant_id)
    values = {
        "tenant": who.tenant_id,
        "user": who.user_id,
        "application": who.application_id,
        "applications": [PORTAL_ID],
        "known": [PORTAL_ID, *([who.application_id] if who.application_id is not None else [])],
    }
    parts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_OF_PERSON if who.user_id is not None else _OF_SERVICE, values)
        for part, *columns in cursor.fetchall():
            parts[part].append(_PICKED[part](columns))
    sharing = built_in(parts["application"], parts["tenant"])
    if PORTAL_ID not in sharing:
        return None
    book = bound(parts["book"], [PORTAL_ID], [tenant])[PORTAL_ID, tenant]
    active, reach = reaching(parts["reach"]) if who.user_id is not None else (ALWAYS, {})
    of_portal = book.tenant.keys() | book.own.keys()
    rows = [(*row, [PORTAL_ID] if row[7] in of_portal else []) for row in parts["assignment"]]
    held = of_rows(who, active, reach, rows, application_ids=[PORTAL_ID])
    caller = sharing.get(who.application_id or "")
    own = caller if caller is not None and caller.application.owner_id == tenant else None
    return Door(sharing[PORTAL_ID], book, held[PORTAL_ID], own)
