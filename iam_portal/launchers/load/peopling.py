"""The people of a world: users, groups, roles, assignments, and what services used.

They read the table ``sharing`` that :mod:`iam_portal.launchers.load.populating` leaves. The organization of
the ordinal ``%(company)s`` gets none: its people are written by :mod:`iam_portal.launchers.load.company`.
"""

from iam_portal.launchers.load.populating import application, chance, contract, resource, role, tenant

_OPEN = "tstzrange(%(born)s, NULL, '[)')"
# A tenth has ended, a twentieth is planned.
SPAN = """CASE WHEN n %% 10 = 3 THEN tstzrange(%(born)s, %(at)s - interval '9 days', '[)')
    WHEN n %% 20 = 4 THEN tstzrange(%(at)s + interval '9 days', NULL, '[)')
    ELSE tstzrange(%(born)s, NULL, '[)') END"""


def _user(organization: str, place: str) -> str:
    return f"md5(%(world)s || '/user/' || {organization} || '/' || ({place}))::uuid"


def _group(organization: str, place: str) -> str:
    return f"md5(%(world)s || '/group/' || {organization} || '/' || ({place}))::uuid"


def _own_role(organization: str, place: str) -> str:
    return f"md5(%(world)s || '/own/' || {organization} || '/' || ({place}))::uuid"


_EVERYBODY = "generate_series(1, %(tenants)s) o, generate_series(1, %(people)s) place WHERE o <> %(company)s"
_GROUPS = "generate_series(1, %(tenants)s) o, generate_series(1, %(groups)s) place WHERE o <> %(company)s"
# What an organization has by provision: the first contract of each application.
_HELD = """(SELECT min(n) AS n, consumer, app FROM sharing
    WHERE state = 'accepted' AND type = 'provision' GROUP BY consumer, app) held"""

USERS = f"""
INSERT INTO tenants_user
    (id, password, tenant_id, username, email, display_name, language, time_zone, created_at, revision)
SELECT {_user("o", "place")}, '!', {tenant("o")}, 'user' || place,
    'user' || place || '@example.org', 'User ' || place, '', '', %(born)s, 1
FROM {_EVERYBODY}
"""
ACTIVITY = f"""
INSERT INTO tenants_useractivity (tenant_id, user_id, during)
SELECT {tenant("o")}, {_user("o", "place")}, {_OPEN} FROM {_EVERYBODY}
"""
_ASSIGNED = """
INSERT INTO accesscontrol_assignment
    (id, tenant_id, user_id, application_id, application_role_id, during, created_at, by_name, ended_by)
SELECT md5(%(world)s || '/assignment/' || '{kind}' || n)::uuid, {tenant}, {user}, {service}, {role}, {open},
    %(born)s, 'Operator', ''
FROM {held} WHERE {chosen}
"""
USER_ROLES = _ASSIGNED.format(
    kind="user",
    tenant=tenant("consumer"),
    user=_user("consumer", "1"),
    service="NULL",
    role=role("app", "'viewer'"),
    open=_OPEN,
    held=_HELD,
    chosen="n %% 10 = 0 AND consumer <> %(company)s",
)
# The first application of an owner calls every application that its owner has by provision.
SERVICE_ROLES = _ASSIGNED.format(
    kind="service",
    tenant=tenant("consumer"),
    user="NULL::uuid",
    service=application("consumer"),
    role=role("app", "'viewer'"),
    open=_OPEN,
    held=_HELD,
    chosen="consumer <= %(owners)s",
)
FEW = (USERS, ACTIVITY, USER_ROLES, SERVICE_ROLES)

GROUPS = f"""
INSERT INTO tenants_group (id, tenant_id, name, description, during, revision)
SELECT {_group("o", "place")}, {tenant("o")}, 'Group ' || place, '', {_OPEN}, 1 FROM {_GROUPS}
"""
PLACEMENTS = f"""
INSERT INTO tenants_groupplacement (tenant_id, group_id, parent_id, during)
SELECT {tenant("o")}, {_group("o", "place")}, {_group("o", "place / 2")}, {_OPEN} FROM {_GROUPS} AND place > 1
"""
MEMBERSHIPS = f"""
INSERT INTO tenants_membership (tenant_id, group_id, user_id, during)
SELECT {tenant("o")}, {_group("o", "1 + place %% %(groups)s")}, {_user("o", "place")}, {SPAN}
FROM (SELECT o, place, o + place AS n FROM {_EVERYBODY}) member
"""
OWN_ROLES = f"""
INSERT INTO accesscontrol_tenantrole (id, tenant_id, key, name, description, during, revision)
SELECT {_own_role("o", "place")}, {tenant("o")}, 'own' || place, 'Own ' || place, '', {_OPEN}, 1
FROM generate_series(1, %(tenants)s) o, generate_series(1, 2) place WHERE o <> %(company)s
"""
# Of two applications that the organization has.
OWN_ROLE_PERMISSIONS = f"""
INSERT INTO accesscontrol_tenantrolepermission (tenant_id, role_id, resource_id, privilege, during)
SELECT {tenant("consumer")}, {_own_role("consumer", "place")}, {resource("app", "1")}, 'read', {_OPEN}
FROM (SELECT consumer, app, row_number() OVER (PARTITION BY consumer ORDER BY app) AS place FROM {_HELD}) had
WHERE place <= 2 AND consumer <> %(company)s
"""
# The first of each organization administers it; everybody has an account of his own.
PORTAL_ROLES = f"""
INSERT INTO accesscontrol_assignment
    (id, tenant_id, user_id, application_role_id, during, created_at, by_name, ended_by)
SELECT md5(%(world)s || '/portal/' || person.id || '/' || held.id)::uuid, person.tenant_id, person.id,
    held.id, {_OPEN}, %(born)s, 'Operator', ''
FROM tenants_user person JOIN applications_applicationrole held
    ON held.application_id = 'iam-portal' AND (person.username = 'user1' OR held.key = 'user')
WHERE person.tenant_id = ANY(ARRAY(SELECT {tenant("n")} FROM generate_series(1, %(tenants)s) n))
"""
GROUP_ROLES = f"""
INSERT INTO accesscontrol_assignment
    (id, tenant_id, group_id, tenant_role_id, during, created_at, by_name, ended_by)
SELECT md5(%(world)s || '/assignment/group' || o || '/' || place)::uuid, {tenant("o")},
    {_group("o", "place")}, {_own_role("o", "1 + place %% 2")}, {_OPEN}, %(born)s, 'Operator', ''
FROM {_GROUPS}
"""
# As many as make up the number that was asked for, drawn by lot from who could hold what.
MORE_ROLES = f"""
WITH chosen AS MATERIALIZED (
    SELECT consumer, app, place, n + place AS n FROM {_HELD}, generate_series(2, %(people)s) place
    WHERE consumer <> %(company)s
        AND {chance("n || '/' || place", "holds")} < %(lacking)s::numeric / greatest(1, %(places)s)
)
INSERT INTO accesscontrol_assignment
    (id, tenant_id, user_id, application_role_id, during, created_at, by_name, ended_by)
SELECT md5(%(world)s || '/assignment/' || consumer || '/' || app || '/' || place)::uuid, {tenant("consumer")},
    {_user("consumer", "place")}, {role("app", "'viewer'")}, {SPAN}, %(born)s, 'Operator', ''
FROM chosen
"""
# How many could hold something, for the lot.
PLACES = f"SELECT count(*) * greatest(0, %(people)s - 1) FROM {_HELD} WHERE consumer <> %(company)s"
# What those services called in ten days of the last month.
USAGE = f"""
INSERT INTO applications_contractusage
    (contract_id, tenant_id, caller_id, target_id, day, tokens, last_used_at)
SELECT {contract("n")}, {tenant("consumer")}, {application("consumer")}, {application("app")},
    (%(at)s::timestamptz - interval '1 day' * days * 3)::date, 1 + n %% 500,
    %(at)s::timestamptz - interval '1 day' * days * 3
FROM {_HELD}, generate_series(1, 10) days WHERE consumer <= %(owners)s AND n %% 4 <> 0
"""
MANY = (GROUPS, PLACEMENTS, MEMBERSHIPS, OWN_ROLES, OWN_ROLE_PERMISSIONS, GROUP_ROLES)
