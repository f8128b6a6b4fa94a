"""May: tenant roles, assignments, the ACL's revision, tokens and the keys that sign them."""

from accesscontrol.models.acl import AclEntry, AclMark, AclRevision
from accesscontrol.models.assignments import Assignment
from accesscontrol.models.changes import FactChange
from accesscontrol.models.keys import SigningKey
from accesscontrol.models.logouts import LogoutNotice
from accesscontrol.models.proofs import UsedProof
from accesscontrol.models.pushed import PushedRequest
from accesscontrol.models.roles import TenantRole, TenantRolePermission
from accesscontrol.models.tokens import Authorization, AuthorizationCode, RefreshToken, RevokedToken

__all__ = [
    "AclEntry",
    "AclMark",
    "AclRevision",
    "Assignment",
    "Authorization",
    "AuthorizationCode",
    "FactChange",
    "LogoutNotice",
    "PushedRequest",
    "RefreshToken",
    "RevokedToken",
    "SigningKey",
    "TenantRole",
    "TenantRolePermission",
    "UsedProof",
]
