"""Pages below ``/t/<slug>/``."""

from django.urls import path

from applications.views import (
    accepting,
    access,
    amending,
    amendment_answers,
    application,
    applications,
    client_pages,
    confirming,
    contract_acts,
    contracts,
    credentials,
    drafting,
    events,
    founding,
    lifecycle,
    proving,
    redrafting,
    registering,
    serving,
    webhook_acts,
    webhooks,
)
from applications.views._acts import ACTS
from applications.views.network import Network, NetworkPair
from applications.views.overview import Overview

app_name = "applications"

_ONE = "applications/<client_id:application_id>"
_CONTRACT = "contracts/<uuid:contract_id>"
_HOOK = "webhooks/<uuid:webhook_id>"

urlpatterns = [
    path("", Overview.as_view(), name="overview"),
    path("network", Network.as_view(), name="network"),
    path("network/<uuid:partner_id>", NetworkPair.as_view(), name="network-pair"),
    path("applications", applications.ApplicationList.as_view(), name="application-list"),
    # Not below applications/: every word there may be an application's id.
    path("register-application", founding.ApplicationRegister.as_view(), name="application-register"),
    path(_ONE, application.ApplicationDetail.as_view(), name="application-detail"),
    path(f"{_ONE}/access", access.ApplicationAccess.as_view(), name="application-access"),
    path(f"{_ONE}/resources", access.ApplicationResources.as_view(), name="application-resources"),
    path(f"{_ONE}/served", serving.ApplicationServed.as_view(), name="application-served"),
    path(f"{_ONE}/edit", registering.ApplicationEdit.as_view(), name="application-edit"),
    path(f"{_ONE}/suspend", lifecycle.ApplicationSuspend.as_view(), name="application-suspend"),
    path(f"{_ONE}/resume", lifecycle.ApplicationResume.as_view(), name="application-resume"),
    path(f"{_ONE}/retire", lifecycle.ApplicationRetire.as_view(), name="application-retire"),
    path(f"{_ONE}/credentials", credentials.ApplicationCredentials.as_view(), name="application-credentials"),
    path(f"{_ONE}/secrets/new", credentials.SecretAdd.as_view(), name="secret-add"),
    path(f"{_ONE}/secrets/<uuid:secret_id>/revoke", credentials.SecretRevoke.as_view(), name="secret-revoke"),
    path(f"{_ONE}/keys/new", proving.KeyAdd.as_view(), name="key-add"),
    path(f"{_ONE}/keys/<uuid:key_id>/revoke", proving.KeyRevoke.as_view(), name="key-revoke"),
    path(f"{_ONE}/certificates/new", proving.CertificateAdd.as_view(), name="certificate-add"),
    path(f"{_ONE}/certificates/new-subject", proving.SubjectAdd.as_view(), name="subject-add"),
    path(
        f"{_ONE}/certificates/<uuid:certificate_id>/revoke",
        proving.CertificateRevoke.as_view(),
        name="certificate-revoke",
    ),
    path(f"{_ONE}/issuers/new", proving.IssuerAdd.as_view(), name="issuer-add"),
    path(f"{_ONE}/issuers/<uuid:issuer_id>/revoke", proving.IssuerRevoke.as_view(), name="issuer-revoke"),
    path(f"{_ONE}/public-client", client_pages.ClientAdd.as_view(), name="client-add"),
    path(f"{_ONE}/clients/<client_id:client_id>", client_pages.ClientEdit.as_view(), name="client-edit"),
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
            amendment_answers.AmendmentAnswer.as_view(name=name, recent=name == "accept"),
            name=f"amendment-{name}",
        )
        for name in amendment_answers.ACTS
    ),
    path(f"{_CONTRACT}/accept", accepting.ContractAccept.as_view(), name="contract-accept"),
    *(
        path(
            f"{_CONTRACT}/{name}",
            contract_acts.ContractAct.as_view(
                name=name, recent=name in ("propose", "end"), asks_first=name == "end"
            ),
            name=f"contract-{name}",
        )
        for name in ACTS
        if name != "accept"
    ),
    path("events", events.EventList.as_view(), name="event-list"),
    path("events/<uuid:event_id>", events.EventDetail.as_view(), name="event-detail"),
    path("webhooks", webhooks.WebhookList.as_view(), name="webhook-list"),
    path("webhooks/new", webhooks.WebhookNew.as_view(), name="webhook-new"),
    path(_HOOK, webhooks.WebhookDetail.as_view(), name="webhook-detail"),
    path(f"{_HOOK}/edit", webhooks.WebhookEdit.as_view(), name="webhook-edit"),
    path(f"{_HOOK}/pause", webhook_acts.WebhookPause.as_view(), name="webhook-pause"),
    path(f"{_HOOK}/resume", webhook_acts.WebhookResume.as_view(), name="webhook-resume"),
    path(f"{_HOOK}/test", webhook_acts.WebhookTest.as_view(), name="webhook-test"),
    path(f"{_HOOK}/recover", webhook_acts.WebhookRecover.as_view(), name="webhook-recover"),
    path(f"{_HOOK}/end", webhook_acts.WebhookEnd.as_view(), name="webhook-end"),
    path(f"{_HOOK}/secrets/new", webhook_acts.WebhookSecretNew.as_view(), name="webhook-secret-new"),
    path(
        f"{_HOOK}/secrets/<uuid:secret_id>/revoke",
        webhook_acts.WebhookSecretRevoke.as_view(),
        name="webhook-secret-revoke",
    ),
    path(
        f"{_HOOK}/deliveries/<int:delivery_id>/redeliver",
        webhook_acts.WebhookRedeliver.as_view(),
        name="webhook-redeliver",
    ),
]
