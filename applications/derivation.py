"""What follows from the facts, as SQL: ``expected`` beside ``actual``, for grants and for availability.

Each is the beginning of a statement of :mod:`applications.readmodel`. A parameter that is null means all.
"""

GRANTS = """
expected AS (
    SELECT agreed.contract_id, agreed.role_id, piece.during
    FROM (
        SELECT t.contract_id, t.role_id, range_agg(t.during) AS during
        FROM applications_contractterm t
        JOIN applications_contract c ON c.id = t.contract_id AND c.state = 'accepted'
        WHERE NOT isempty(t.during) AND (%(contracts)s::uuid[] IS NULL OR t.contract_id = ANY(%(contracts)s))
        GROUP BY t.contract_id, t.role_id
    ) agreed
    LEFT JOIN (
        SELECT contract_id, range_agg(during) AS during FROM applications_contractpause
        WHERE NOT isempty(during) AND (%(contracts)s::uuid[] IS NULL OR contract_id = ANY(%(contracts)s))
        GROUP BY contract_id
    ) paused ON paused.contract_id = agreed.contract_id
    CROSS JOIN LATERAL unnest(agreed.during - coalesce(paused.during, '{}')) AS piece(during)
), actual AS (
    SELECT id, contract_id, role_id, during FROM applications_contractgrant
    WHERE %(contracts)s::uuid[] IS NULL OR contract_id = ANY(%(contracts)s)
)
"""

# An access grant counts while its provider holds the same role as owner, or by provision with onward access.
AVAILABILITY = """
wanted AS MATERIALIZED (
    SELECT id FROM applications_applicationrole WHERE application_id = ANY(%(applications)s::text[])
), own AS MATERIALIZED (
    -- By contract: the planner would rather look through all grants of an application that thousands have.
    -- That is also why roles are compared so that no index serves.
    SELECT contract_id, role_id, during FROM applications_contractgrant
    WHERE contract_id = ANY(ARRAY(
            SELECT id FROM applications_contract
            WHERE state = 'accepted' AND consumer_id = ANY(%(tenants)s::uuid[])))
        AND (%(applications)s::text[] IS NULL OR (role_id = ANY(ARRAY(SELECT id FROM wanted))) IS TRUE)
), reach AS MATERIALIZED (
    -- The tenants asked about, and those from whom they have access to it: what these hold decides, too.
    SELECT ARRAY(
        SELECT unnest(%(tenants)s::uuid[]) UNION SELECT u.provider_id FROM applications_contract u
        WHERE u.type = 'access' AND u.id = ANY(ARRAY(SELECT contract_id FROM own))
    ) AS ids
), theirs AS MATERIALIZED (
    SELECT contract_id, role_id, during FROM own
    UNION
    SELECT contract_id, role_id, during FROM applications_contractgrant
    WHERE contract_id = ANY(ARRAY(
            SELECT id FROM applications_contract
            WHERE state = 'accepted' AND type = 'provision' AND consumer_id = ANY(ARRAY(
                SELECT unnest(ids) FROM reach EXCEPT SELECT unnest(%(tenants)s::uuid[])))))
        AND (%(applications)s::text[] IS NULL OR (role_id = ANY(ARRAY(SELECT id FROM wanted))) IS TRUE)
), app AS MATERIALIZED (
    SELECT a.id, a.owner_id, tstzmultirange(a.during)
        - coalesce((SELECT range_agg(s.during) FROM applications_applicationsuspension s
                    WHERE s.application_id = a.id), '{}')
        - coalesce((SELECT range_agg(s.during) FROM tenants_tenantsuspension s
                    WHERE s.tenant_id = a.owner_id), '{}') AS alive
    FROM applications_application a
    WHERE a.id <> 'iam-portal' AND (%(applications)s::text[] IS NULL OR a.id = ANY(%(applications)s))
), stopped AS MATERIALIZED (
    SELECT tenant_id, range_agg(during) AS during FROM tenants_tenantsuspension
    WHERE %(tenants)s::uuid[] IS NULL OR tenant_id = ANY((SELECT ids FROM reach)::uuid[])
    GROUP BY tenant_id
), held AS MATERIALIZED (
    SELECT g.contract_id, c.type, c.provider_id, c.consumer_id, c.onward_access, r.application_id, r.key,
        range_agg(g.during * r.during) AS during
    FROM (
        SELECT * FROM theirs WHERE %(tenants)s::uuid[] IS NOT NULL
        UNION ALL
        SELECT contract_id, role_id, during FROM applications_contractgrant WHERE %(tenants)s::uuid[] IS NULL
    ) g
    JOIN applications_contract c ON c.id = g.contract_id
    JOIN applications_applicationrole r ON r.id = g.role_id
    JOIN app ON app.id = r.application_id
    GROUP BY g.contract_id, c.type, c.provider_id, c.consumer_id, c.onward_access, r.application_id, r.key
), onward AS MATERIALIZED (
    SELECT consumer_id, application_id, key, range_agg(during) AS during
    FROM held WHERE type = 'provision' AND onward_access GROUP BY consumer_id, application_id, key
), way AS (
    SELECT owner_id AS tenant_id, id AS application_id, 'owned' AS relation, NULL::uuid AS contract_id,
        owner_id AS scope_tenant_id, alive AS during
    FROM app
    UNION ALL
    SELECT consumer_id, application_id, 'provision', contract_id, consumer_id, range_agg(during)
    FROM held WHERE type = 'provision' GROUP BY consumer_id, application_id, contract_id
    UNION ALL
    SELECT h.consumer_id, h.application_id, 'access', h.contract_id, h.provider_id,
        range_agg(h.during * CASE WHEN app.owner_id = h.provider_id THEN '{(,)}'::tstzmultirange
            ELSE coalesce(o.during, '{}') END - coalesce(s.during, '{}'))
    FROM held h JOIN app ON app.id = h.application_id
    LEFT JOIN onward o
        ON o.consumer_id = h.provider_id AND o.application_id = h.application_id AND o.key = h.key
    LEFT JOIN stopped s ON s.tenant_id = h.provider_id
    WHERE h.type = 'access'
    GROUP BY h.consumer_id, h.application_id, h.contract_id, h.provider_id
), expected AS (
    SELECT w.tenant_id, w.application_id, w.relation, w.contract_id, w.scope_tenant_id, piece.during
    FROM way w JOIN app ON app.id = w.application_id
    LEFT JOIN stopped s ON s.tenant_id = w.tenant_id
    CROSS JOIN LATERAL unnest(w.during * app.alive - coalesce(s.during, '{}')) AS piece(during)
    WHERE %(tenants)s::uuid[] IS NULL OR w.tenant_id = ANY(%(tenants)s)
), actual AS (
    SELECT id, tenant_id, application_id, relation, contract_id, scope_tenant_id, during
    FROM applications_availability
    WHERE (%(applications)s::text[] IS NULL OR application_id = ANY(%(applications)s))
        AND (%(tenants)s::uuid[] IS NULL OR tenant_id = ANY(%(tenants)s))
)
"""
