"""One organization with many people, groups, roles and assignments, written straight into the tables.

The same rows on every machine: ids are digests of a name and an ordinal. ``World`` holds many organizations,
this is one large one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from applications import readmodel
from applications.models import Application
from iam_portal.launchers.load.peopling import SPAN
from iam_portal.walls import cross_tenant
from tenants.models import Group, Tenant, User

TYPE = "urn:bench"


def _id(kind: str, ordinal: str) -> str:
    return f"md5(%(name)s || '/{kind}/' || ({ordinal}))::uuid"


def _application(ordinal: str) -> str:
    return f"(%(name)s || '.tool' || ({ordinal}))"


_OPEN = "tstzrange(%(born)s, NULL, '[)')"
_APPLICATIONS = f"""
INSERT INTO applications_application
    (id, owner_id, name, display_name, description, home_url, during, revision)
SELECT {_application("n")}, %(tenant)s, 'tool' || n, 'Tool ' || n, '', '', {_OPEN}, 1
FROM generate_series(1, %(applications)s) n
"""
_CLIENTS = f"""
INSERT INTO applications_client (client_id, redirect_uris, post_logout_redirect_uris, client_type,
    authorization_grant_type, client_secret, hash_client_secret, name, skip_authorization, created, updated,
    algorithm, allowed_origins, token_endpoint_auth_method, token_without_target, ignore_unknown_scopes,
    registration_source, revision, application_id, client_jwks_uri, scope_aliases, secret_either_way,
    assertion_for_token_endpoint, pkce_required)
SELECT {_application("n")}, '', '', 'confidential',
    'client-credentials', '', false, '', true, %(born)s, %(born)s, 'ES256', '', 'client_secret_basic', true,
    false, 'manual', 1, {_application("n")}, '', '{{}}', false, false, true
FROM generate_series(1, %(applications)s) n
"""
_ROLES = f"""
INSERT INTO applications_applicationrole (id, application_id, key, name, description, during)
SELECT {_id("role", "n * 10 + place")}, {_application("n")}, 'role' || place, 'Role ' || place, '', {_OPEN}
FROM generate_series(1, %(applications)s) n, generate_series(0, 9) place
"""
# The first half is declared, over all applications; the other half is the organization's own, in the first.
_RESOURCES = f"""
INSERT INTO applications_resource
    (id, application_id, type, key, name, description, icon, owner_tenant_id, during, revision)
SELECT {_id("resource", "n")}, CASE WHEN n <= %(resources)s / 2
        THEN {_application("1 + n %% %(applications)s")} ELSE {_application("1")} END,
    '{TYPE}', 'r' || n, 'Resource ' || n, '', '',
    CASE WHEN n > %(resources)s / 2 THEN %(tenant)s::uuid END, {_OPEN}, 1
FROM generate_series(1, %(resources)s) n
"""
_PLACES = f"""
INSERT INTO applications_resourceplace (resource_id, owner_tenant_id, privileges, during)
SELECT {_id("resource", "n")}, CASE WHEN n > %(resources)s / 2 THEN %(tenant)s::uuid END,
    ARRAY['read', 'modify'], {_OPEN}
FROM generate_series(1, %(resources)s) n
"""
_PERMISSIONS = f"""
INSERT INTO applications_rolepermission (role_id, resource_id, privilege, during)
SELECT {_id("role", "(1 + n %% %(applications)s) * 10 + n / %(applications)s %% 10")}, {_id("resource", "n")},
    privilege, {_OPEN}
FROM generate_series(1, %(resources)s / 2) n, unnest(ARRAY['read', 'modify']) privilege
"""
_TENANT_ROLES = f"""
INSERT INTO accesscontrol_tenantrole (id, tenant_id, key, name, description, during, revision)
SELECT {_id("own", "n")}, %(tenant)s, 'own' || n, 'Own ' || n, '', {_OPEN}, 1
FROM generate_series(1, %(tenant_roles)s) n
"""
_TENANT_ROLE_PERMISSIONS = f"""
INSERT INTO accesscontrol_tenantrolepermission (tenant_id, role_id, resource_id, privilege, during)
SELECT %(tenant)s, {_id("own", "1 + n / 2 %% %(tenant_roles)s")}, {_id("resource", "n")}, 'read', {_OPEN}
FROM generate_series(1, %(resources)s) n WHERE n %% 2 = 0
"""
_USERS = f"""
INSERT INTO tenants_user
    (id, password, tenant_id, username, email, display_name, language, time_zone, created_at, revision)
SELECT {_id("user", "n")}, '!', %(tenant)s, 'user' || n, 'user' || n || '@example.org', 'User ' || n,
    '', '', %(born)s, 1
FROM generate_series(1, %(users)s) n
"""
_ACTIVITY = f"""
INSERT INTO tenants_useractivity (tenant_id, user_id, during)
SELECT %(tenant)s, {_id("user", "n")}, {_OPEN} FROM generate_series(1, %(users)s) n WHERE n %% 50 <> 0
"""
_GROUPS = f"""
INSERT INTO tenants_group (id, tenant_id, name, description, during, revision)
SELECT {_id("group", "n")}, %(tenant)s, 'Group ' || n, '', {_OPEN}, 1 FROM generate_series(1, %(groups)s) n
"""
# Each has two or three below it: a thousand of them are eight deep.
_PLACEMENTS = f"""
INSERT INTO tenants_groupplacement (tenant_id, group_id, parent_id, during)
SELECT %(tenant)s, {_id("group", "n")}, {_id("group", "greatest(1, n * 5 / 12)")}, {_OPEN}
FROM generate_series(2, %(groups)s) n
"""
_MEMBERSHIPS = f"""
INSERT INTO tenants_membership (tenant_id, group_id, user_id, during)
SELECT %(tenant)s, {_id("group", "1 + (n * 7 + place * 13) %% %(groups)s")}, {_id("user", "n")}, {SPAN}
FROM generate_series(1, %(users)s) n, generate_series(1, 2) place
"""
# Every principal of a kind has ``each`` different roles: two of three are an application's.
_ASSIGNMENTS = f"""
INSERT INTO accesscontrol_assignment (id, tenant_id, user_id, group_id, application_id, application_role_id,
    tenant_role_id, during, created_at, by_name, ended_by)
SELECT md5(%(name)s || '/assignment/' || kind || who || '/' || place)::uuid, %(tenant)s,
    CASE kind WHEN 'user' THEN {_id("user", "who")} END,
    CASE kind WHEN 'group' THEN {_id("group", "who")} END,
    CASE kind WHEN 'service' THEN {_application("who")} END,
    CASE WHEN drawn < %(applications)s * 10 THEN {_id("role", "drawn + 10")} END,
    CASE WHEN drawn >= %(applications)s * 10
        THEN {_id("own", "1 + drawn - %(applications)s * 10")} END,
    {SPAN}, %(born)s, 'Operator', ''
FROM (
    SELECT kind, who, place, who + place AS n,
        (who * 7 + place * 11) %% (%(applications)s * 10 + %(tenant_roles)s) AS drawn
    FROM (VALUES ('user', %(users)s, %(of_user)s), ('group', %(groups)s, %(of_group)s),
        ('service', %(applications)s, 10)) AS kinds(kind, many, each),
        generate_series(1, many) who, generate_series(1, each) place
) given
"""
_STATEMENTS = (
    _APPLICATIONS,
    _CLIENTS,
    _ROLES,
    _RESOURCES,
    _PLACES,
    _PERMISSIONS,
    _TENANT_ROLES,
    _TENANT_ROLE_PERMISSIONS,
    _USERS,
    _ACTIVITY,
    _GROUPS,
    _PLACEMENTS,
    _MEMBERSHIPS,
    _ASSIGNMENTS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """How much of everything in a tenant that is there."""

    tenant: Tenant
    at: datetime
    users: int
    groups: int
    resources: int
    of_user: int = 9  # assignments of each
    of_group: int = 10
    applications: int = 20
    tenant_roles: int = 100

    def build(self) -> None:
        """Write the facts, and let the read model follow."""
        values: dict[str, Any] = {
            "name": self.tenant.slug,
            "tenant": self.tenant.id,
            "at": self.at,
            "born": self.at - timedelta(days=700),
            "users": self.users,
            "groups": self.groups,
            "resources": self.resources,
            "of_user": self.of_user,
            "of_group": self.of_group,
            "applications": self.applications,
            "tenant_roles": self.tenant_roles,
        }
        with transaction.atomic(), cross_tenant(), connection.cursor() as cursor:
            for statement in _STATEMENTS:
                cursor.execute(statement, values)
        readmodel.rebuild_availability(applications=None, tenants=[self.tenant.id])

    def application(self, ordinal: int) -> Application:
        """They count from 1; the first has the dynamic resources."""
        return Application.objects.get(id=f"{self.tenant.slug}.tool{ordinal}")

    def user(self, ordinal: int) -> User:
        """They count from 1."""
        return User.objects.get(tenant=self.tenant, username=f"user{ordinal}")

    def group(self, ordinal: int) -> Group:
        """They count from 1, which is the root; the last is the deepest."""
        return Group.objects.get(tenant=self.tenant, name=f"Group {ordinal}")


def large(tenant: Tenant, *, at: datetime, times: int = 1) -> Company:
    """10,000 people, 1,000 groups, 100,000 assignments, 20,000 resources; or the ``times``-th part of it."""
    return Company(
        tenant=tenant, at=at, users=10_000 // times, groups=1_000 // times, resources=20_000 // times
    )
