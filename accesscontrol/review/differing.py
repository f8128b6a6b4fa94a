"""Whose lines of a review are not the same at two moments: one statement over what is assigned."""

# As in ``keys``, with two columns more: what holds at the ``one`` moment, and what at the ``two``. Looked at
# are those alone whose own lines may not be the same, by what was given, by a group that came to other lines,
# by a membership, by a life; or those with a text in their names; or everybody, where a line allows something
# else at the other moment.
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
TURNED = """turned AS MATERIALIZED (
    SELECT user_id FROM given WHERE user_id IS NOT NULL AND one <> two
    UNION ALL
    SELECT user_id FROM tenants_membership WHERE tenant_id = %(tenant)s AND (
        ((during @> %(at1)s OR during @> %(at2)s) AND group_id IN (SELECT group_id FROM way WHERE one <> two))
        OR ((during @> %(at1)s) <> (during @> %(at2)s) AND group_id IN (SELECT group_id FROM way))
    ) IS TRUE
    UNION ALL
    SELECT user_id FROM tenants_useractivity
    WHERE tenant_id = %(tenant)s AND (during @> %(at1)s) <> (during @> %(at2)s)
)"""
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
), kept AS MATERIALIZED (
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
OF_ANYBODY = {"given": "user_id IS NOT NULL", "member": "", "life": ""}
