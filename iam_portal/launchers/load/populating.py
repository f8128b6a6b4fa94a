"""The statements that fill a world: one for each table, everything from ordinals and hashes of them.

``%(world)s`` sets worlds in one database apart. Ids are digests of it and an ordinal, and what looks like
chance is a hash with ``%(seed)s``: the same world is the same rows on every machine. Its people are in
:mod:`iam_portal.launchers.load.peopling`, which reads the table ``sharing`` that is left here.
"""

from applications import derivation


def tenant(ordinal: str) -> str:
    """The id of a tenant."""
    return f"md5(%(world)s || '/tenant/' || ({ordinal}))::uuid"


def owner(application: str) -> str:
    """The ordinal of the tenant that owns the application of this ordinal."""
    return f"(1 + (({application}) - 1) %% %(owners)s)"


def application(ordinal: str) -> str:
    """The id of an application: below the slug of its owner."""
    return f"(%(world)s || '-' || {owner(ordinal)} || '.app' || ({ordinal}))"


def role(ordinal: str, key: str) -> str:
    """The id of a role of the application of this ordinal."""
    return f"md5(%(world)s || '/role/' || ({ordinal}) || '/' || {key})::uuid"


def resource(ordinal: str, place: str) -> str:
    """The id of a static resource."""
    return f"md5(%(world)s || '/resource/' || ({ordinal}) || '/' || {place})::uuid"


def contract(ordinal: str) -> str:
    """The id of a contract."""
    return f"md5(%(world)s || '/contract/' || ({ordinal}))::uuid"


def chance(ordinal: str, of_what: str) -> str:
    """A number from 0 up to 1, the same for the same ordinal."""
    return f"(abs(hashtextextended('{of_what}' || ({ordinal}), %(seed)s) %% 1000003) / 1000003.0)"


_OPEN = "tstzrange(%(born)s, NULL, '[)')"

TENANTS = f"""
INSERT INTO tenants_tenant
    (id, slug, name, is_platform, created_at, revision, history_keeps, second_factor_roles)
SELECT {tenant("n")}, %(world)s || '-' || n, 'Organization ' || n, false, %(born)s, 1, 'name', '{{}}'
FROM generate_series(1, %(tenants)s) n
"""
# Some were suspended once, a few are.
TENANT_SUSPENSIONS = f"""
INSERT INTO tenants_tenantsuspension (tenant_id, during, reason, by_name)
SELECT {tenant("n")}, tstzrange(%(at)s - interval '100 days',
    CASE WHEN n %% 194 <> 0 THEN %(at)s::timestamptz - interval '90 days' END, '[)'), '', 'Operator'
FROM generate_series(1, %(tenants)s) n WHERE n %% 97 = 0 AND n > %(owners)s
"""
APPLICATIONS = f"""
INSERT INTO applications_application
    (id, owner_id, name, display_name, description, home_url, during, revision)
SELECT {application("n")}, {tenant(owner("n"))}, 'app' || n, 'Application ' || n, '', '', {_OPEN}, 1
FROM generate_series(1, %(applications)s) n
"""
ROLES = f"""
INSERT INTO applications_applicationrole (id, application_id, key, name, description, during)
SELECT {role("n", "key")}, {application("n")}, key, key, '', {_OPEN}
FROM generate_series(1, %(applications)s) n, unnest(ARRAY['viewer', 'editor', 'operator']) key
"""
RESOURCES = f"""
INSERT INTO applications_resource
    (id, application_id, type, key, name, description, icon, during, revision)
SELECT {resource("n", "place")}, {application("n")}, 'urn:bench', 'r' || place, 'Resource ' || place, '', '',
    {_OPEN}, 1
FROM generate_series(1, %(applications)s) n, generate_series(1, 6) place
"""
PLACES = f"""
INSERT INTO applications_resourceplace (resource_id, privileges, during)
SELECT {resource("n", "place")}, ARRAY['read', 'modify', 'execute'], {_OPEN}
FROM generate_series(1, %(applications)s) n, generate_series(1, 6) place
"""
PERMISSIONS = f"""
INSERT INTO applications_rolepermission (role_id, resource_id, privilege, during)
SELECT {role("n", "key")}, {resource("n", "place")}, privilege, {_OPEN}
FROM generate_series(1, %(applications)s) n, generate_series(1, 6) place,
    (VALUES ('viewer', 'read'), ('editor', 'read'), ('editor', 'modify'), ('operator', 'execute'))
        AS held(key, privilege)
"""
# Skewed as markets are: a few applications that nearly everybody has, a few organizations that have nearly
# every application, and the rest spread so that some applications have ten times as many as others.
PROVISION = f"""
CREATE TEMPORARY TABLE sharing AS
SELECT row_number() OVER (ORDER BY kind, n)::int AS n, kind, {owner("a")} AS provider, a AS app,
    CASE WHEN consumer = {owner("a")} THEN 1 + consumer %% %(tenants)s ELSE consumer END AS consumer,
    'provision'::text AS type, false AS onward, NULL::text AS state,
    NULL::timestamptz AS starts, NULL::timestamptz AS ends
FROM (
    SELECT 1 AS kind, a * 100000 + c AS n, a, %(owners)s + c AS consumer
    FROM generate_series(1, %(wide)s) a, generate_series(1, %(wide_consumers)s) c
    UNION ALL
    SELECT 2, h * 100000 + a, a, %(tenants)s - h
    FROM generate_series(0, %(heavy)s - 1) h, generate_series(1, %(heavy_contracts)s) a
    UNION ALL
    SELECT 3, n, 1 + %(wide)s + floor((%(applications)s - %(wide)s) * power({chance("n", "app")}, 1.5))::int,
        1 + floor(%(tenants)s * {chance("n", "consumer")})::int
    FROM generate_series(1, %(ordinary)s) n
) drawn
"""
# From the owner to all whom it may concern: the state first, then dates that go with it.
STATES = f"""
UPDATE sharing SET onward = type = 'provision' AND n %% 4 = 0,
    state = CASE WHEN {chance("n", "state")} < 0.90 THEN 'accepted' WHEN {chance("n", "state")} < 0.96
        THEN 'proposed' WHEN {chance("n", "state")} < 0.98 THEN 'draft' ELSE 'declined' END
WHERE state IS NULL
"""
STARTS = f"""
UPDATE sharing SET starts = %(at)s::timestamptz + CASE WHEN {chance("n", "planned")} < 0.05
    THEN interval '1 day' * (1 + 90 * {chance("n", "start")})
    ELSE interval '-1 day' * (1 + 600 * {chance("n", "start")}) END
WHERE state = 'accepted' AND starts IS NULL
"""
ENDS = f"""
UPDATE sharing SET ends = CASE WHEN {chance("n", "end")} < 0.15 THEN starts + (%(at)s - starts) / 2
    ELSE greatest(starts, %(at)s) + interval '1 day' * (1 + 300 * {chance("n", "length")}) END
WHERE state = 'accepted' AND ends IS NULL AND {chance("n", "end")} < 0.30 AND starts < %(at)s
"""
# Access rests on a provision contract with onward access.
ACCESS = f"""
INSERT INTO sharing
SELECT 10000000 + n, 4, consumer, app,
    CASE WHEN other = consumer THEN 1 + other %% %(tenants)s ELSE other END, 'access', false
FROM (
    SELECT n, app, consumer, 1 + floor(%(tenants)s * {chance("n", "partner")})::int AS other
    FROM sharing WHERE onward AND state = 'accepted' ORDER BY {chance("n", "access")}, n LIMIT %(access)s
) base
"""
CONTRACTS = f"""
INSERT INTO applications_contract (id, provider_id, consumer_id, type, note, onward_access, state, starts_at,
    ends_at, created_at, proposed_at, answered_at, ended_by, revision)
SELECT {contract("n")}, {tenant("provider")}, {tenant("consumer")}, type, '', onward, state, starts, ends,
    %(born)s, CASE WHEN state <> 'draft' THEN %(born)s::timestamptz END,
    CASE WHEN state NOT IN ('draft', 'proposed') THEN %(born)s::timestamptz END, '', 1
FROM sharing
"""
TERMS = f"""
INSERT INTO applications_contractterm (contract_id, role_id, during, confirmed_at)
SELECT {contract("n")}, {role("app", "key")}, tstzrange(coalesce(starts, %(born)s), ends, '[)'), %(born)s
FROM sharing, unnest(CASE WHEN type = 'provision' AND n %% 3 = 0 THEN ARRAY['viewer', 'editor']
    ELSE ARRAY['viewer'] END) key
UNION ALL
SELECT {contract("n")}, {role("app + %(owners)s", "'viewer'")},
    tstzrange(coalesce(starts, %(born)s), ends, '[)'), %(born)s
FROM sharing WHERE kind = 3 AND n %% 10 = 0 AND app + %(owners)s <= %(applications)s
"""
PAUSES = f"""
INSERT INTO applications_contractpause (contract_id, during, note, by_name)
SELECT {contract("n")}, tstzrange(%(at)s - interval '10 days',
    CASE WHEN n %% 20 = 1 THEN ends ELSE %(at)s::timestamptz - interval '5 days' END, '[)'), '', 'Operator'
FROM sharing WHERE state = 'accepted' AND n %% 20 IN (1, 2) AND starts < %(at)s - interval '10 days'
    AND (ends IS NULL OR ends > %(at)s)
"""
PARTNERSHIPS = f"""
INSERT INTO tenants_partnership (id, inviter_id, invitee_id, expected_slug, state, note, token_digest,
    invited_at, invited_by, expires_at, redeemed_by, confirmed_at, revision)
SELECT md5(%(world)s || '/partnership/' || one || '/' || other)::uuid, {tenant("one")}, {tenant("other")}, '',
    'confirmed', '', md5(%(world)s || '/token/' || one || '/' || other), %(born)s, 'Operator', %(born)s,
    '', %(born)s, 1
FROM (SELECT DISTINCT least(provider, consumer) AS one, greatest(provider, consumer) AS other FROM sharing) p
"""
CLIENTS = f"""
INSERT INTO applications_client (client_id, redirect_uris, post_logout_redirect_uris, client_type,
    authorization_grant_type, client_secret, hash_client_secret, name, skip_authorization, created, updated,
    algorithm, allowed_origins, token_endpoint_auth_method, token_without_target, ignore_unknown_scopes,
    registration_source, revision, application_id, client_jwks_uri, scope_aliases, secret_either_way,
    assertion_for_token_endpoint, pkce_required)
SELECT {application("n")}, '', '', 'confidential',
    'client-credentials', '', false, '', true, %(born)s, %(born)s, 'ES256', '', 'client_secret_basic', true,
    false, 'manual', 1, {application("n")}, '', '{{}}', false, false, true
FROM generate_series(1, %(applications)s) n
"""
ANNOUNCED = """
INSERT INTO applications_announced (tenant_id, application_id, available, at)
SELECT tenant_id, application_id, bool_or(during @> %(at)s::timestamptz), %(at)s
FROM applications_availability WHERE application_id LIKE %(world)s || '-%%'
GROUP BY tenant_id, application_id
"""
EVENTS = """
INSERT INTO applications_event
    (event_id, position, transaction, type, tenant_id, application_id, subject, at, data)
SELECT md5(%(world)s || '/event/' || id)::uuid,
    (SELECT coalesce(max(position), 0) FROM applications_event) + row_number() OVER (ORDER BY id), id,
    'iam.application.available.v1', tenant_id, application_id, tenant_id || '/' || application_id, %(at)s,
    jsonb_build_object('applicationId', application_id, 'tenantId', tenant_id, 'relation', 'provision')
FROM applications_announced WHERE application_id LIKE %(world)s || '-%%'
"""
FACTS = (
    TENANTS,
    TENANT_SUSPENSIONS,
    APPLICATIONS,
    ROLES,
    RESOURCES,
    PLACES,
    PERMISSIONS,
    CLIENTS,
    PROVISION,
    STATES,
    STARTS,
    ENDS,
    ACCESS,
    STATES,
    STARTS,
    CONTRACTS,
    TERMS,
    PAUSES,
    PARTNERSHIPS,
    "ANALYZE sharing",
)
# What follows from the facts. Rows that are there already stay: a database holds several worlds.
GRANTS = f"""
WITH {derivation.GRANTS}
INSERT INTO applications_contractgrant (contract_id, role_id, during)
SELECT contract_id, role_id, during FROM expected EXCEPT SELECT contract_id, role_id, during FROM actual
"""
_COLUMNS = "tenant_id, application_id, relation, contract_id, scope_tenant_id, during"
AVAILABILITY = f"""
WITH {derivation.AVAILABILITY}
INSERT INTO applications_availability ({_COLUMNS})
SELECT {_COLUMNS} FROM expected EXCEPT SELECT {_COLUMNS} FROM actual
"""
