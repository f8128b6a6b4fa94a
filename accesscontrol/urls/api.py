"""Access management, below ``/iam/access-management/v1/``. The OAuth doors stand in ``oauth.urls``."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from accesscontrol.api import (
    acl,
    assignments,
    configuration,
    decisions,
    reports,
    required,
    resources,
    review,
    roles,
    scim_tokens,
    second_factors,
    signals,
    system,
    user_acl,
)
from accesscontrol.reports import REPORTS
from applications.api import own_resources, service_accounts
from tenants.api import (
    branding,
    copies,
    deleted_people,
    groups,
    history,
    identity_providers,
    lifetimes,
    members,
    password_rules,
    users,
)
from tenants.urls import PROVIDER

app_name = "access-management"

_tenant = "tenants/<uuid:tenant_id>"
_own = "application/tenants/<uuid:tenant_id>/resources"
_signals = "application/tenants/<uuid:tenant_id>/signals"
_user, _group = f"{_tenant}/users/<uuid:user_id>", f"{_tenant}/groups/<uuid:group_id>"


class Act(StringConverter):
    """One of the acts on a user."""

    regex = "|".join(users.UserAct.acts)


register_converter(Act, "user_act")


class ReportKey(StringConverter):
    """One of the reports."""

    regex = "|".join(REPORTS)


register_converter(ReportKey, "report_key")

_providers = f"{_tenant}/identity-providers"
_provider = f"{_providers}/{PROVIDER}"

urlpatterns = [
    path(_providers, identity_providers.Providers.as_view(), name="identity-provider-list"),
    path(_provider, identity_providers.OneProvider.as_view(), name="identity-provider-read"),
    path(f"{_provider}/mappers", identity_providers.Mappers.as_view(), name="identity-mapper-list"),
    path(
        f"{_provider}/mappers/<uuid:mapper_id>",
        identity_providers.OneMapper.as_view(),
        name="identity-mapper-read",
    ),
    path(f"{_provider}/people", identity_providers.Identities.as_view(), name="identity-list"),
    path(
        f"{_provider}/people/<uuid:user_id>", identity_providers.OneIdentity.as_view(), name="identity-read"
    ),
    path("application/acl", acl.ApplicationAcl.as_view(), name="acl-read"),
    path(_own, own_resources.OwnResources.as_view(), name="own-resource-list"),
    path(f"{_own}:batch", own_resources.OwnResourceMany.as_view(), name="own-resource-batch"),
    path(
        f"{_own}/<str:resource_type>/<str:resource_id>",
        own_resources.OneOwnResource.as_view(),
        name="own-resource",
    ),
    path(f"{_signals}/stream", signals.Stream.as_view(), name="signal-stream"),
    path(f"{_signals}/status", signals.Status.as_view(), name="signal-status"),
    path(f"{_signals}/verify", signals.Verify.as_view(), name="signal-verify"),
    path(f"{_signals}/poll", signals.Poll.as_view(), name="signal-poll"),
    path(f"{_tenant}/branding", branding.TenantBranding.as_view(), name="branding"),
    path(f"{_tenant}/branding/logo", branding.TenantLogo.as_view(), name="branding-logo"),
    path(f"{_tenant}/password-rules", password_rules.PasswordRules.as_view(), name="password-rules"),
    path(f"{_tenant}/lifetimes", lifetimes.Lifetimes.as_view(), name="lifetimes"),
    path(f"{_tenant}/scim-tokens", scim_tokens.ScimTokens.as_view(), name="scim-token-list"),
    path(
        f"{_tenant}/scim-tokens/<uuid:token_id>", scim_tokens.OneScimToken.as_view(), name="scim-token-revoke"
    ),
    path(f"{_tenant}/second-factors", second_factors.SecondFactors.as_view(), name="second-factors"),
    path(f"{_tenant}/deleted-people", deleted_people.DeletedPeople.as_view(), name="deleted-people"),
    path(f"{_tenant}/history", history.History.as_view(), name="history-list"),
    path(f"{_tenant}/history/chain", history.Chain.as_view(), name="history-chain"),
    path(f"{_tenant}/history/<uuid:row_id>", history.OneRow.as_view(), name="history-read"),
    path(f"{_tenant}/assignments", assignments.Assignments.as_view(), name="assignment-list"),
    path(f"{_tenant}/assignments:batch", assignments.AssignmentBatch.as_view(), name="assignment-batch"),
    path(
        f"{_tenant}/assignments/<uuid:assignment_id>",
        assignments.OneAssignment.as_view(),
        name="assignment-withdraw",
    ),
    path(f"{_tenant}/configuration", configuration.Configuration.as_view(), name="configuration-read"),
    path(
        f"{_tenant}/configuration:plan", configuration.ConfigurationPlan.as_view(), name="configuration-plan"
    ),
    path(
        f"{_tenant}/configuration:apply",
        configuration.ConfigurationApply.as_view(),
        name="configuration-apply",
    ),
    path(f"{_tenant}/decisions", decisions.Decisions.as_view(), name="decision"),
    path(f"{_tenant}/required-roles", required.RequiredRoles.as_view(), name="required-role-list"),
    path(f"{_tenant}/roles", roles.Roles.as_view(), name="role-list"),
    path(f"{_tenant}/roles/<role_key:key>/impact", roles.RoleImpact.as_view(), name="role-impact"),
    path(f"{_tenant}/roles/<role_key:key>", roles.OneRole.as_view(), name="role-read"),
    path(f"{_tenant}/system", system.System.as_view(), name="system-read"),
    path(f"{_tenant}/token-preview", decisions.TokenPreview.as_view(), name="token-preview"),
    path(f"{_tenant}/acl", user_acl.UserAcl.as_view(), name="user-acl"),
    path(f"{_tenant}/access-review", review.AccessReview.as_view(), name="access-review"),
    path(f"{_tenant}/reports/<report_key:report>", reports.OneReport.as_view(), name="report"),
    path(f"{_tenant}/users", users.Users.as_view(), name="user-list"),
    path(_user, users.OneUser.as_view(), name="user-read"),
    path(f"{_user}/impact", users.UserImpact.as_view(), name="user-impact"),
    path(f"{_user}/groups", members.GroupsOfUser.as_view(), name="user-groups"),
    path(f"{_user}/resend-invitation", users.ResendInvitation.as_view(), name="user-invite-again"),
    path(f"{_user}/reset-password", users.ResetPassword.as_view(), name="user-reset"),
    path(f"{_user}/reset-factors", users.ResetFactors.as_view(), name="user-factors"),
    path(f"{_user}/export", copies.CopyOfUser.as_view(), name="user-copy"),
    path(f"{_user}/<user_act:act>", users.UserAct.as_view(), name="user-act"),
    path(f"{_tenant}/resources", resources.Resources.as_view(), name="resource-list"),
    path(
        f"{_tenant}/service-accounts/<uuid:account_id>",
        service_accounts.OneServiceAccount.as_view(),
        name="service-account-read",
    ),
    path(f"{_tenant}/groups", groups.Groups.as_view(), name="group-list"),
    path(_group, groups.OneGroup.as_view(), name="group-read"),
    path(f"{_group}/impact", groups.GroupImpact.as_view(), name="group-impact"),
    path(f"{_group}/move", groups.MoveGroup.as_view(), name="group-move"),
    path(f"{_group}/members", members.Members.as_view(), name="member-list"),
    path(f"{_group}/members/<uuid:user_id>", members.Member.as_view(), name="member"),
]
