"""Pages of roles and assignments, below ``t/<slug>/``."""

from django.urls import path

from accesscontrol.views import (
    assigning,
    assignments,
    calling,
    declaring,
    exploring,
    role_acts,
    role_editing,
    role_pages,
    roles,
    sign_ins,
    signing_out,
    simulating,
)

app_name = "accesscontrol"

_ROLE = "roles/<role_key:key>"
_APPLICATION = "applications/<client_id:application_id>"
_OF_APPLICATION = "roles/of/<client_id:application_id>/<role_key:key>"

urlpatterns = [
    path(
        "account/applications/<uuid:authorization_id>/end", sign_ins.EndSignIn.as_view(), name="sign-in-end"
    ),
    path("sign-out/asked", signing_out.SignOutAsked.as_view(), name="sign-out"),
    path("access", exploring.AccessReview.as_view(), name="access-review"),
    path("access/download", exploring.AccessDownload.as_view(), name="access-download"),
    path("access/decision", simulating.AskDecision.as_view(), name="access-decide"),
    path("access/token", simulating.AskToken.as_view(), name="access-preview"),
    path("assignments", assignments.AssignmentList.as_view(), name="assignment-list"),
    path("assignments/add", assigning.AssignRole.as_view(), name="assignment-add"),
    path(
        "assignments/<uuid:assignment_id>/withdraw",
        assigning.WithdrawRole.as_view(),
        name="assignment-withdraw",
    ),
    path("roles", roles.RoleList.as_view(), name="role-list"),
    # Not below roles/: every word there may be a role's key.
    path("create-role", role_editing.RoleCreate.as_view(), name="role-create"),
    path(_ROLE, role_pages.RoleDetail.as_view(), name="role-detail"),
    path(f"{_ROLE}/holders", role_pages.RoleHolders.as_view(), name="role-holders"),
    path(f"{_ROLE}/edit", role_editing.RoleEdit.as_view(), name="role-edit"),
    path(f"{_ROLE}/delete", role_acts.RoleDelete.as_view(), name="role-delete"),
    path(_OF_APPLICATION, role_pages.ApplicationRoleDetail.as_view(), name="application-role"),
    path(f"{_OF_APPLICATION}/holders", role_pages.RoleHolders.as_view(), name="application-role-holders"),
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
