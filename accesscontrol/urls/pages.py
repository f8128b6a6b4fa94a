"""Pages of roles and assignments, below ``t/<slug>/``."""

from django.urls import path

from accesscontrol.views import (
    assigning,
    assignments,
    exploring,
    second_factors,
    sign_ins,
    signing_out,
    simulating,
)

app_name = "accesscontrol"

urlpatterns = [
    path(
        "account/applications/<uuid:authorization_id>/end", sign_ins.EndSignIn.as_view(), name="sign-in-end"
    ),
    path("settings/second-factors", second_factors.ChooseSecondFactors.as_view(), name="second-factors"),
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
]
