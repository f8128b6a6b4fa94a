"""Access management, below ``/iam/access-management/v1/``. The OAuth doors stand in ``oauth.urls``."""

from django.urls import path

from accesscontrol.api import acl, assignments, decisions, required, review, roles, user_acl
from tenants.api import lifetimes

app_name = "access-management"

_tenant = "tenants/<uuid:tenant_id>"

urlpatterns = [
    path("application/acl", acl.ApplicationAcl.as_view(), name="acl-read"),
    path(f"{_tenant}/lifetimes", lifetimes.Lifetimes.as_view(), name="lifetimes"),
    path(f"{_tenant}/assignments", assignments.Assignments.as_view(), name="assignment-list"),
    path(
        f"{_tenant}/assignments/<uuid:assignment_id>",
        assignments.OneAssignment.as_view(),
        name="assignment-withdraw",
    ),
    path(f"{_tenant}/decisions", decisions.Decisions.as_view(), name="decision"),
    path(f"{_tenant}/required-roles", required.RequiredRoles.as_view(), name="required-role-list"),
    path(f"{_tenant}/roles", roles.Roles.as_view(), name="role-list"),
    path(f"{_tenant}/roles/<role_key:key>/impact", roles.RoleImpact.as_view(), name="role-impact"),
    path(f"{_tenant}/roles/<role_key:key>", roles.OneRole.as_view(), name="role-read"),
    path(f"{_tenant}/token-preview", decisions.TokenPreview.as_view(), name="token-preview"),
    path(f"{_tenant}/acl", user_acl.UserAcl.as_view(), name="user-acl"),
    path(f"{_tenant}/access-review", review.AccessReview.as_view(), name="access-review"),
]
