"""Pages of roles and assignments, below ``t/<slug>/``."""

from django.urls import path

from accesscontrol.views import assigning, assignments, sign_ins, signing_out

app_name = "accesscontrol"

urlpatterns = [
    path(
        "account/applications/<uuid:authorization_id>/end", sign_ins.EndSignIn.as_view(), name="sign-in-end"
    ),
    path("sign-out/asked", signing_out.SignOutAsked.as_view(), name="sign-out"),
    path("assignments", assignments.AssignmentList.as_view(), name="assignment-list"),
    path("assignments/add", assigning.AssignRole.as_view(), name="assignment-add"),
    path(
        "assignments/<uuid:assignment_id>/withdraw",
        assigning.WithdrawRole.as_view(),
        name="assignment-withdraw",
    ),
]
