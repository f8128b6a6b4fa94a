"""Whose lines of a review are not the same at two moments: one statement over what is assigned."""

# As in ``keys``, with two columns more: what holds at the ``one`` moment, and what at the ``two``. Looked at
# are those alone whose own lines may not be the same, by what was given, by a group that came to other lines,
# by a membership, by a life, and whoever has a line that allows something else at the other moment; or those
# with a text in their names.
WAYS = """slot AS MATERIALIZED (
    SELECT * FROM unnest(
        %(roles)s::uuid[], %(contracts)s::uuid[], %(lines)s::int[], %(ones)s::bool[], %(twos)s::bool[]
    ) AS slot(role_id, contract_id, line, one, two)
), given AS MATERIALIZED (
    SELECT slot.line, a.user_id, a.group_id,
        slot.one AND a.during @> %(at1)s AS one, slot.two AND a.during @> %(at2)s AS two
    FROM slot CROSS JOIN LATERAL (
        SELECT user_id, group_id, during FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND application_role_id = slot.role_id AND application_id IS NULL
            AND contract_id IS NOT DISTINCT FROM slot.contract_id
            AND (during @> %(at1)s OR during @> %(at2)s)
        UNION ALL
        SELECT user_id, group_id, during FROM accesscontrol_assignment
        WHERE tenant_id = %(tenant)s AND tenant_role_id = slot.role_id AND application_id IS NULL
            AND (during @> %(at1)s OR during @> %(at2)s)
        OFFSET 0
    ) a
), reached(line, group_id, one, two) AS (
    SELECT given.line, given.group_id, given.one AND g.during @> %(at1)s, given.two AND g.during @> %(at2)s
    FROM given CROSS JOIN LATERAL (SELECT during FROM tenants_group WHERE id = given.group_id OFFSET 0) g
    WHERE given.group_id IS NOT NULL
    UNION
    SELECT r.line, below.group_id, r.one AND below.during @> %(at1)s, r.two AND below.during @> %(at2)s
    FROM reached r CROSS JOIN LATERAL (
        SELECT group_id, during FROM tenants_groupplacement
        WHERE parent_id = r.group_id AND tenant_id = %(tenant)s OFFSET 0
    ) below
    WHERE (r.one AND below.during @> %(at1)s) OR (r.two AND below.during @> %(at2)s)
), way AS MATERIALIZED (
    SELECT line, group_id, bool_or(one) AS one, bool_or(two) AS two FROM reached GROUP BY line, group_id
)"""
# What holds at both ends holds in between, too: one look leaves out all that has not changed.
_BOTH = "tstzrange(least(%(at1)s, %(at2)s), greatest(%(at1)s, %(at2)s), '[]')"
_CHANGED = f"NOT during @> {_BOTH} AND (during @> %(at1)s) <> (during @> %(at2)s)"
_TURNED = f"""turned AS MATERIALIZED (
    SELECT user_id FROM given WHERE user_id IS NOT NULL AND one <> two
    UNION {{besides}}
    SELECT m.user_id FROM (SELECT DISTINCT group_id FROM way WHERE one <> two) came CROSS JOIN LATERAL (
        SELECT user_id FROM tenants_membership
        WHERE group_id = ANY(ARRAY(SELECT came.group_id)) AND tenant_id = %(tenant)s
            AND (during @> %(at1)s OR during @> %(at2)s) OFFSET 0
    ) m
    UNION
    SELECT user_id FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND {_CHANGED} AND (group_id IN (SELECT group_id FROM way)) IS TRUE
    UNION
    SELECT lived.user_id FROM (
        SELECT user_id FROM tenants_useractivity WHERE tenant_id = %(tenant)s AND {_CHANGED} OFFSET 0
    ) lived
    WHERE (lived.user_id IN (SELECT user_id FROM given)) IS TRUE OR (
        SELECT true FROM tenants_membership
        WHERE user_id = ANY(ARRAY(SELECT lived.user_id)) AND tenant_id = %(tenant)s
            AND (group_id IN (SELECT group_id FROM way)) IS TRUE
        LIMIT 1
    ) IS TRUE
)"""
# Who has a line that allows something else has it at both moments, or his own lines are not the same.
_OTHERWISE = """
    SELECT user_id FROM given WHERE user_id IS NOT NULL AND line = ANY(%(changed)s)
    UNION
    SELECT user_id FROM tenants_membership
    WHERE tenant_id = %(tenant)s AND during @> %(at1)s
        AND (group_id IN (SELECT group_id FROM way WHERE line = ANY(%(changed)s))) IS TRUE
    UNION
"""
TURNED = _TURNED.format(besides="")
TURNED_OR_OTHERWISE = _TURNED.format(besides=_OTHERWISE)
PEOPLE = """person AS MATERIALIZED (
    SELECT line, user_id, bool_or(one) AS one, bool_or(two) AS two FROM (
        SELECT line, user_id, one, two FROM given WHERE {given}
        UNION ALL
        SELECT way.line, m.user_id, way.one AND m.during @> %(at1)s, way.two AND m.during @> %(at2)s
        FROM way JOIN tenants_membership m ON m.group_id = way.group_id
        WHERE m.tenant_id = %(tenant)s {member}
    ) every GROUP BY line, user_id
), held AS MATERIALIZED (
    SELECT line, user_id,
        one AND (user_id IN (
            SELECT user_id FROM tenants_useractivity WHERE tenant_id = %(tenant)s AND during @> %(at1)s {life}
        )) IS TRUE AS one,
        two AND (user_id IN (
            SELECT user_id FROM tenants_useractivity WHERE tenant_id = %(tenant)s AND during @> %(at2)s {life}
        )) IS TRUE AS two
    FROM person
)"""
KEPT = """kept AS MATERIALIZED (
    SELECT line, user_id FROM held
    WHERE line = ANY(CASE WHEN one AND two THEN %(changed)s::int[] WHEN one THEN %(lost)s::int[]
        WHEN two THEN %(gained)s::int[] ELSE ARRAY[]::int[] END)
)"""
_OF = {
    "given": "(user_id IN ({who})) IS TRUE",
    "member": "AND (m.user_id IN ({who})) IS TRUE",
    "life": "AND (user_id IN ({who})) IS TRUE",
}
OF_TURNED = {place: text.format(who="SELECT user_id FROM turned") for place, text in _OF.items()}
OF_NAMED = {place: text.format(who="SELECT id FROM named") for place, text in _OF.items()}
# Of those who turned the nearest to the edge, for the rows, and a few of all, for the number. They are looked
# up one by one: of a few that is less than a look at all memberships and lives.
NEAREST = """near AS MATERIALIZED (
    SELECT first, id FROM named WHERE (id IN (SELECT user_id FROM turned)) IS TRUE {from_edge}
    ORDER BY {order} LIMIT %(near)s
), few AS MATERIALIZED (
    SELECT user_id FROM turned LIMIT %(few)s
), who AS MATERIALIZED (
    SELECT id FROM near UNION SELECT user_id FROM few
), life AS MATERIALIZED (
    SELECT who.id AS user_id, a.during @> %(at1)s AS one, a.during @> %(at2)s AS two
    FROM who CROSS JOIN LATERAL (
        SELECT during FROM tenants_useractivity
        WHERE user_id = ANY(ARRAY(SELECT who.id)) AND tenant_id = %(tenant)s OFFSET 0
    ) a
), person AS MATERIALIZED (
    SELECT line, user_id, bool_or(one) AS one, bool_or(two) AS two FROM (
        SELECT line, user_id, one, two FROM given WHERE (user_id IN (SELECT id FROM who)) IS TRUE
        UNION ALL
        SELECT way.line, m.user_id, way.one AND m.during @> %(at1)s, way.two AND m.during @> %(at2)s
        FROM (
            SELECT m.* FROM who CROSS JOIN LATERAL (
                SELECT user_id, group_id, during FROM tenants_membership
                WHERE user_id = ANY(ARRAY(SELECT who.id)) AND tenant_id = %(tenant)s OFFSET 0
            ) m OFFSET 0
        ) m JOIN way ON way.group_id = m.group_id
    ) every GROUP BY line, user_id
), held AS MATERIALIZED (
    SELECT line, user_id, one AND (user_id IN (SELECT user_id FROM life WHERE one)) IS TRUE AS one,
        two AND (user_id IN (SELECT user_id FROM life WHERE two)) IS TRUE AS two
    FROM person
)"""
FOUND = """
SELECT counted.turned, counted.near, counted.number, part.first, part.id, part.line
FROM (
    SELECT (SELECT count(*) FROM turned) AS turned, (SELECT count(*) FROM near) AS near, (
        SELECT count(*) FROM kept WHERE (user_id IN (SELECT user_id FROM few)) IS TRUE
    ) AS number
) counted
LEFT JOIN LATERAL (
    SELECT near.first, near.id, kept.line FROM near JOIN kept ON kept.user_id = near.id
    WHERE true {beyond} ORDER BY first {way}, id {way}, line {way} LIMIT %(limit)s
) part ON true
"""
