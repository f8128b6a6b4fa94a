"""Pages below ``/t/<slug>/``."""

from django.urls import path

from applications.views import (
    accepting,
    amending,
    amendment_answers,
    application,
    applications,
    confirming,
    contract_acts,
    contracts,
    credentials,
    drafting,
    lifecycle,
    redrafting,
    registering,
)
from applications.views._acts import ACTS
from applications.views.overview import Overview

app_name = "applications"

_ONE = "applications/<client_id:application_id>"
_CONTRACT = "contracts/<uuid:contract_id>"

urlpatterns = [
    path("", Overview.as_view(), name="overview"),
    path("applications", applications.ApplicationList.as_view(), name="application-list"),
    # Not below applications/: every word there may be an application's id.
    path("register-application", registering.ApplicationRegister.as_view(), name="application-register"),
    path(_ONE, application.ApplicationDetail.as_view(), name="application-detail"),
    path(f"{_ONE}/access", application.ApplicationAccess.as_view(), name="application-access"),
    path(f"{_ONE}/edit", registering.ApplicationEdit.as_view(), name="application-edit"),
    path(f"{_ONE}/suspend", lifecycle.ApplicationSuspend.as_view(), name="application-suspend"),
    path(f"{_ONE}/resume", lifecycle.ApplicationResume.as_view(), name="application-resume"),
    path(f"{_ONE}/retire", lifecycle.ApplicationRetire.as_view(), name="application-retire"),
    path(f"{_ONE}/credentials", credentials.ApplicationCredentials.as_view(), name="application-credentials"),
    path(f"{_ONE}/secrets/new", credentials.SecretAdd.as_view(), name="secret-add"),
    path(f"{_ONE}/secrets/<uuid:secret_id>/revoke", credentials.SecretRevoke.as_view(), name="secret-revoke"),
    path("contracts", contracts.ContractList.as_view(), name="contract-list"),
    path("contracts/new", drafting.ContractNew.as_view(), name="contract-new"),
    path(_CONTRACT, contracts.ContractDetail.as_view(), name="contract-detail"),
    path(f"{_CONTRACT}/confirm", confirming.RolesConfirm.as_view(), name="contract-confirm"),
    path(f"{_CONTRACT}/edit", redrafting.ContractEdit.as_view(), name="contract-edit"),
    path(
        f"{_CONTRACT}/pauses/<int:pause_id>/cancel",
        contract_acts.CancelPause.as_view(),
        name="contract-cancel-pause",
    ),
    path(f"{_CONTRACT}/amend", amending.ContractAmend.as_view(), name="contract-amend"),
    *(
        path(
            f"{_CONTRACT}/amendments/<uuid:amendment_id>/{name}",
            amendment_answers.AmendmentAnswer.as_view(name=name),
            name=f"amendment-{name}",
        )
        for name in amendment_answers.ACTS
    ),
    path(f"{_CONTRACT}/accept", accepting.ContractAccept.as_view(), name="contract-accept"),
    *(
        path(f"{_CONTRACT}/{name}", contract_acts.ContractAct.as_view(name=name), name=f"contract-{name}")
        for name in ACTS
        if name != "accept"
    ),
]
