"""The partners of a tenant in the network: those that are drawn, and one page of all of them, by name.

There may be thousands: the database counts what lies between, and tells the few that are shown.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from applications.views import _sides_sql as sides
from applications.views._network import Node, Question, nodes, wanted

# Pauses are asked for many contracts at once; IS TRUE keeps the index of pauses by contract and time out of
# it, which is slow for many. The lower case of names is ordered as bytes, like any key.
_PARTNERS = """
WITH mine AS MATERIALIZED ({contracts}),
{before}total AS MATERIALIZED (
    SELECT partner, count(*) FILTER (WHERE counts) AS number FROM (
        SELECT partner, TRUE AS counts FROM {counted} WHERE there = ANY(%(wanted)s)
        UNION ALL
        SELECT partner, FALSE FROM ({partnerships}) AS confirmed WHERE %(alone)s
    ) AS met GROUP BY partner
), node AS MATERIALIZED (
    SELECT t.id, t.name, lower(t.name) COLLATE "C" AS folded, total.number
    FROM total JOIN tenants_tenant t ON t.id = total.partner
), drawn AS MATERIALIZED (
    SELECT id FROM node ORDER BY number DESC, folded, id LIMIT %(most)s
), listed AS MATERIALIZED (
    SELECT id FROM node {beyond} ORDER BY folded {way}, id {way} LIMIT %(size)s
), shown AS MATERIALIZED (
    SELECT id FROM drawn UNION SELECT id FROM listed
), link AS MATERIALIZED (
    SELECT DISTINCT ON (partner) partner, id FROM ({partnerships}) AS confirmed
    WHERE %(linked)s AND partner IN (SELECT id FROM shown) ORDER BY partner, confirmed_at DESC, id
), {after}edge AS MATERIALIZED (
    SELECT partner, provided, type, there, count(*) AS number, min(id::text) AS one
    FROM stood WHERE there = ANY(%(wanted)s) AND partner IN (SELECT id FROM shown)
    GROUP BY partner, provided, type, there
)
SELECT node.id::text, node.name, node.folded, link.id, edge.provided, edge.type, edge.there, edge.number,
    edge.one, node.id IN (SELECT id FROM drawn), node.id IN (SELECT id FROM listed),
    (SELECT count(*) FROM node)
FROM node LEFT JOIN link ON link.partner = node.id LEFT JOIN edge ON edge.partner = node.id
WHERE node.id IN (SELECT id FROM shown)
ORDER BY node.folded, node.id
"""
_STOOD = """paused AS MATERIALIZED (
    SELECT contract_id FROM applications_contractpause
    WHERE contract_id = ANY(ARRAY(SELECT id FROM mine WHERE there = 'in_force' AND {narrow}))
        AND (during @> %(at)s::timestamptz) IS TRUE
), stood AS MATERIALIZED (
    SELECT partner, provided, type, id,
        CASE WHEN there = 'in_force' AND id IN (SELECT contract_id FROM paused) THEN 'paused' ELSE there END
        AS there
    FROM mine WHERE {narrow}
), """


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
        values: dict[str, Any] = {
            "tenant": self.asked.tenant.id,
            "types": list(self.asked.types),
            "at": self.asked.at,
            "application": self.asked.application_id,
            "within": f"%{connection.ops.prep_for_like_query(self.asked.q)}%",
            "wanted": list(wanted(self.asked)),
            "linked": self.linked,
            "alone": self.alone,
            "most": self.most,
            "size": size + 1,
        }
        called = bool(self.asked.q)
        sign, way = ("<", "DESC") if backwards else (">", "ASC")
        if edge:
            values |= {"folded": edge[0], "id": edge[1]}
        # What is paused counts like what is in force, unless one of the two is asked for: then it has to be
        # known of everybody's contracts, else of those that are shown.
        alike = ("in_force" in values["wanted"]) == ("paused" in values["wanted"])
        shown = "partner IN (SELECT id FROM shown)"
        statement = _PARTNERS.format(
            contracts=sides.contracts(since=True, called=called, carrying=bool(self.asked.application_id)),
            partnerships=sides.partnerships(called=called),
            before="" if alike else _STOOD.format(narrow="TRUE"),
            counted="mine" if alike else "stood",
            after=_STOOD.format(narrow=shown) if alike else "",
            beyond=f'WHERE (folded, id) {sign} (%(folded)s COLLATE "C", %(id)s::uuid)' if edge else "",
            way=way,
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())


def _edge(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (row[0], row[1], *row[4:9])
