"""``effective roles``, ``may call`` and ``may grant``: pure functions over facts and a moment."""

from accesscontrol.decide.calls import Call, CallFacts, call_until, may_call
from accesscontrol.decide.grants import may_grant
from accesscontrol.decide.roles import (
    AssignmentFact,
    HeldRole,
    Permission,
    PermissionFact,
    PrincipalFacts,
    RoleBook,
    Roles,
    Via,
    application_role_urn,
    effective_roles,
    granted_permissions,
    permissions_of,
    principal_moments,
    tenant_role_urn,
)

__all__ = [
    "AssignmentFact",
    "Call",
    "CallFacts",
    "HeldRole",
    "Permission",
    "PermissionFact",
    "PrincipalFacts",
    "RoleBook",
    "Roles",
    "Via",
    "application_role_urn",
    "call_until",
    "effective_roles",
    "granted_permissions",
    "may_call",
    "may_grant",
    "permissions_of",
    "principal_moments",
    "tenant_role_urn",
]
