"""Pages of roles and assignments, below ``t/<slug>/``."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from accesscontrol.reports import REPORTS
from accesscontrol.views import (
    assigning,
    assignments,
    calling,
    coming_from,
    declaring,
    exploring,
    reporting,
    role_acts,
    role_editing,
    role_holders,
    role_pages,
    roles,
    scim_tokens,
    second_factors,
    sheets,
    sign_ins,
    signing_out,
    simulating,
)
from accesscontrol.views.platform import organization_acts, organizations, running, signing_keys
from tenants.urls import PROVIDER

app_name = "accesscontrol"


class ReportKey(StringConverter):
    """One of the reports."""

    regex = "|".join(REPORTS)


_organizations = "platform/organizations"
_organization = f"{_organizations}/<uuid:organization_id>"

_ROLE = "roles/<role_key:key>"
_APPLICATION = "applications/<client_id:application_id>"
_OF_APPLICATION = "roles/of/<client_id:application_id>/<role_key:key>"

register_converter(ReportKey, "report")

urlpatterns = [
    path(
        "account/applications/<uuid:authorization_id>/end", sign_ins.EndSignIn.as_view(), name="sign-in-end"
    ),
    path(
        f"settings/identity-providers/{PROVIDER}/try", coming_from.TryProvider.as_view(), name="provider-try"
    ),
    path(f"account/identities/{PROVIDER}/add", coming_from.LinkMine.as_view(), name="own-identity-add"),
    path(f"sign-in/by/{PROVIDER}", coming_from.GoThere.as_view(), name="provider-go"),
    path(f"sign-in/by/{PROVIDER}/back", coming_from.ComeBack.as_view(), name="provider-back"),
    path("settings/second-factors", second_factors.ChooseSecondFactors.as_view(), name="second-factors"),
    path("scim-tokens", scim_tokens.ScimTokenList.as_view(), name="scim-token-list"),
    path("scim-tokens/new", scim_tokens.ScimTokenNew.as_view(), name="scim-token-new"),
    path(
        "scim-tokens/<uuid:token_id>/revoke", scim_tokens.ScimTokenRevoke.as_view(), name="scim-token-revoke"
    ),
    path("settings/workbook", sheets.SheetUpload.as_view(), name="sheet-upload"),
    path("settings/workbook/download", sheets.SheetDownload.as_view(), name="sheet-download"),
    path("sign-out/asked", signing_out.SignOutAsked.as_view(), name="sign-out"),
    path("access", exploring.AccessReview.as_view(), name="access-review"),
    path("access/download", exploring.AccessDownload.as_view(), name="access-download"),
    path("access/decision", simulating.AskDecision.as_view(), name="access-decide"),
    path("access/token", simulating.AskToken.as_view(), name="access-preview"),
    path("reports", reporting.ReportList.as_view(), name="report-list"),
    path("reports/<report:key>", reporting.ReportRead.as_view(), name="report-read"),
    path("reports/<report:key>/download", reporting.ReportDownload.as_view(), name="report-download"),
    path("assignments", assignments.AssignmentList.as_view(), name="assignment-list"),
    path("assignments/add", assigning.AssignRole.as_view(), name="assignment-add"),
    path(
        "assignments/<uuid:assignment_id>/withdraw",
        assigning.WithdrawRole.as_view(),
        name="assignment-withdraw",
    ),
    path(_organizations, organizations.OrganizationList.as_view(), name="organization-list"),
    path(
        f"{_organizations}/create", organization_acts.CreateOrganization.as_view(), name="organization-create"
    ),
    path(_organization, organizations.OrganizationDetail.as_view(), name="organization-detail"),
    path(
        f"{_organization}/rename", organization_acts.RenameOrganization.as_view(), name="organization-rename"
    ),
    path(
        f"{_organization}/suspend",
        organization_acts.SuspendOrganization.as_view(),
        name="organization-suspend",
    ),
    path(
        f"{_organization}/resume", organization_acts.ResumeOrganization.as_view(), name="organization-resume"
    ),
    path(
        f"{_organization}/invite-again", organization_acts.InviteAgain.as_view(), name="organization-invite"
    ),
    path("platform/jobs", running.Jobs.as_view(), name="job-list"),
    path("platform/keys", signing_keys.KeyList.as_view(), name="key-list"),
    path("platform/keys/rotate", signing_keys.RotateKeys.as_view(), name="key-rotate"),
    path("platform/keys/<str:kid>/withdraw", signing_keys.WithdrawKey.as_view(), name="key-withdraw"),
    path("platform/system", running.System.as_view(), name="system-health"),
    path("roles", roles.RoleList.as_view(), name="role-list"),
    # Not below roles/: every word there may be a role's key.
    path("create-role", role_editing.RoleCreate.as_view(), name="role-create"),
    path(_ROLE, role_pages.RoleDetail.as_view(), name="role-detail"),
    path(f"{_ROLE}/holders", role_holders.RoleHolders.as_view(), name="role-holders"),
    path(f"{_ROLE}/edit", role_editing.RoleEdit.as_view(), name="role-edit"),
    path(f"{_ROLE}/delete", role_acts.RoleDelete.as_view(), name="role-delete"),
    path(_OF_APPLICATION, role_pages.ApplicationRoleDetail.as_view(), name="application-role"),
    path(f"{_OF_APPLICATION}/holders", role_holders.RoleHolders.as_view(), name="application-role-holders"),
    path(f"{_APPLICATION}/calls", calling.ApplicationCalls.as_view(), name="application-calls"),
    path(f"{_APPLICATION}/callers", calling.ApplicationCallers.as_view(), name="application-callers"),
    path(f"{_APPLICATION}/manifest", declaring.ApplicationManifest.as_view(), name="application-manifest"),
    path(
        f"{_APPLICATION}/manifest/download",
        declaring.ManifestDownload.as_view(),
        name="application-manifest-download",
    ),
    path(f"{_APPLICATION}/manifest/edit", declaring.ManifestEdit.as_view(), name="application-manifest-edit"),
]
