"""The partners of a tenant in the network: those that are drawn, and one page of all of them, by name.

There may be thousands: the database counts what lies between, and tells the few that are shown.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Case, F, Q, When

from applications.views._network import Node, Question, is_provided, known, nodes, wanted
from applications.views._standing import agreed_then
from tenants.actions import partnerships
from tenants.models import Tenant

# Pauses are asked for all contracts at once; IS TRUE keeps the index of pauses by contract and time out of
# it, which is slow for many. The lower case of names is ordered as bytes, like any key.
_PARTNERS = """
WITH mine(partner, provided, type, there, id) AS MATERIALIZED ({contracts}),
paused AS MATERIALIZED (
    SELECT contract_id FROM applications_contractpause
    WHERE contract_id = ANY(ARRAY(SELECT id FROM mine WHERE there = 'in_force'))
        AND (during @> %s::timestamptz) IS TRUE
), stood AS (
    SELECT partner, provided, type, id,
        CASE WHEN there = 'in_force' AND id IN (SELECT contract_id FROM paused) THEN 'paused' ELSE there END
        AS there
    FROM mine
), edge AS MATERIALIZED (
    SELECT partner, provided, type, there, count(*) AS number, min(id::text) AS one
    FROM stood WHERE there = ANY(%s) GROUP BY partner, provided, type, there
), link(partner, id) AS MATERIALIZED ({partnerships}),
total AS (SELECT partner, sum(number) AS number FROM edge GROUP BY partner),
node AS MATERIALIZED (
    SELECT t.id, t.name, lower(t.name) COLLATE "C" AS folded, coalesce(total.number, 0) AS number,
        link.id AS link
    FROM total FULL JOIN link ON link.partner = total.partner
    JOIN tenants_tenant t ON t.id = coalesce(total.partner, link.partner)
    WHERE total.number IS NOT NULL OR %s
), drawn AS MATERIALIZED (
    SELECT id FROM node ORDER BY number DESC, folded, id LIMIT %s
), listed AS MATERIALIZED (
    SELECT id FROM node {beyond} ORDER BY folded {way}, id {way} LIMIT %s
)
SELECT node.id::text, node.name, node.folded, node.link, edge.provided, edge.type, edge.there, edge.number,
    edge.one, node.id IN (SELECT id FROM drawn), node.id IN (SELECT id FROM listed),
    (SELECT count(*) FROM node)
FROM node LEFT JOIN edge ON edge.partner = node.id
WHERE node.id IN (SELECT id FROM drawn UNION ALL SELECT id FROM listed)
ORDER BY node.folded, node.id
"""


class Partners:
    """Each partner with what lies between. ``linked``: the reader may see partnerships.

    ``alone``: those without any contract are partners, too. ``find`` is asked once for a page; then there are
    ``count`` and, of those with the most contracts, the ``busiest``, both of all.
    """

    def __init__(self, asked: Question, *, alone: bool, linked: bool, most: int) -> None:
        self.asked, self.alone, self.linked, self.most = asked, alone and linked, linked, most
        self.count = 0
        self.busiest: list[Node] = []
        self.rows: Sequence[Node] = ()
        self.first: tuple[str, ...] = ()
        self.last: tuple[str, ...] = ()
        self.more = False

    def find(self, edge: tuple[str, ...] | None, backwards: bool, size: int) -> "Partners":
        """The page beyond a key, by name. One statement."""
        found = self._found(edge, backwards, size)
        links = {row[0]: row[3] for row in found if row[3] is not None}
        self.count = found[0][11] if found else 0
        self.busiest = nodes((_edge(row) for row in found if row[9]), links)
        listed = nodes((_edge(row) for row in found if row[10]), links)
        keys = {row[0]: (row[2], row[0]) for row in found}
        self.more = len(listed) > size
        self.rows = listed[-size:] if backwards else listed[:size]
        if self.rows:
            self.first, self.last = keys[self.rows[0].key], keys[self.rows[-1].key]
        return self

    def _found(self, edge: tuple[str, ...] | None, backwards: bool, size: int) -> list[tuple[Any, ...]]:
        mine, mine_values = _contracts(self.asked)
        links, link_values = _partnerships(self.asked, linked=self.linked)
        sign, way = ("<", "DESC") if backwards else (">", "ASC")
        beyond = f'WHERE (folded, id) {sign} (%s COLLATE "C", %s::uuid)' if edge else ""
        statement = _PARTNERS.format(contracts=mine, partnerships=links, beyond=beyond, way=way)
        values: Iterable[Any] = (
            *mine_values,
            *(self.asked.at, list(wanted(self.asked))),
            *link_values,
            *(self.alone, self.most, *(edge or ()), size + 1),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, list(values))
            return list(cursor.fetchall())


def _edge(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (row[0], row[1], *row[4:9])


def _contracts(asked: Question) -> tuple[str, tuple[Any, ...]]:
    if not asked.types:  # wanted are those of a type that this reader may not read
        return "SELECT NULL::uuid, NULL::boolean, NULL, NULL, NULL::uuid WHERE FALSE", ()
    rows = (
        known(asked)
        .order_by()
        .annotate(
            partner=_other(asked.tenant, "consumer_id", "provider_id"),
            provided=is_provided(asked.tenant),
            there=agreed_then(asked.at),
        )
    )
    statement, values = rows.values_list("partner", "provided", "type", "there", "id").query.sql_with_params()
    return statement, values


def _partnerships(asked: Question, *, linked: bool) -> tuple[str, tuple[Any, ...]]:
    """Partner and partnership, of those that were confirmed at the moment; of several the last."""
    if not linked:
        return "SELECT NULL::uuid, NULL::uuid WHERE FALSE", ()
    rows = partnerships.of(asked.tenant).filter(confirmed_at__lte=asked.at)
    rows = rows.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=asked.at))
    rows = rows.annotate(partner=_side(asked.tenant, "invitee_id", "inviter_id"))
    if asked.q:
        rows = rows.annotate(called=_side(asked.tenant, "invitee__name", "inviter__name"))
        rows = rows.filter(called__icontains=asked.q)
    rows = rows.order_by("partner", "-confirmed_at", "pk").distinct("partner")
    statement, values = rows.values_list("partner", "pk").query.sql_with_params()
    return statement, values


def _side(tenant: Tenant, invitee: str, inviter: str) -> Case:
    return Case(When(inviter=tenant, then=F(invitee)), default=F(inviter))


def _other(tenant: Tenant, consumer: str, provider: str) -> Case:
    return Case(When(provider=tenant, then=F(consumer)), default=F(provider))
