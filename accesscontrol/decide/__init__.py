"""``effective roles``, ``may call`` and ``may grant``: pure functions over facts and a moment."""

from accesscontrol.decide.access import Question, may_do
from accesscontrol.decide.calls import Call, CallFacts, call_moments, call_until, may_call
from accesscontrol.decide.confirmed import confirmed_permissions
from accesscontrol.decide.covering import (
    DEEPEST,
    Address,
    Amount,
    Held,
    Permission,
    Placed,
    Protected,
    gives,
    lineages,
)
from accesscontrol.decide.grants import may_grant
from accesscontrol.decide.ground import Ground
from accesscontrol.decide.held import (
    AssignmentFact,
    HeldRole,
    PermissionFact,
    PrincipalFacts,
    RoleBook,
    Roles,
    Via,
    application_role_urn,
    living,
    principal_moments,
    tenant_role_urn,
)
from accesscontrol.decide.needs import Need, would_need
from accesscontrol.decide.required import STATES, Met, Requirement, met
from accesscontrol.decide.roles import effective_roles, permissions_of, permissions_on, roles_on
from accesscontrol.decide.sign_ins import SignIn, SignInFacts, may_sign_in, sign_in_until

__all__ = [
    "DEEPEST",
    "STATES",
    "Address",
    "Amount",
    "AssignmentFact",
    "Call",
    "CallFacts",
    "Ground",
    "Held",
    "HeldRole",
    "Met",
    "Need",
    "Permission",
    "PermissionFact",
    "Placed",
    "PrincipalFacts",
    "Protected",
    "Question",
    "Requirement",
    "RoleBook",
    "Roles",
    "SignIn",
    "SignInFacts",
    "Via",
    "application_role_urn",
    "call_moments",
    "call_until",
    "confirmed_permissions",
    "effective_roles",
    "gives",
    "lineages",
    "living",
    "may_call",
    "may_do",
    "may_grant",
    "may_sign_in",
    "met",
    "permissions_of",
    "permissions_on",
    "principal_moments",
    "roles_on",
    "sign_in_until",
    "tenant_role_urn",
    "would_need",
]
