"""Pages of roles and assignments, below ``t/<slug>/``."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from accesscontrol.reports import REPORTS
from accesscontrol.views import (
    assigning,
    assignments,
    exploring,
    reporting,
    sign_ins,
    signing_out,
    simulating,
)

app_name = "accesscontrol"


class ReportKey(StringConverter):
    """One of the reports."""

    regex = "|".join(REPORTS)


register_converter(ReportKey, "report")

urlpatterns = [
    path(
        "account/applications/<uuid:authorization_id>/end", sign_ins.EndSignIn.as_view(), name="sign-in-end"
    ),
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
]
