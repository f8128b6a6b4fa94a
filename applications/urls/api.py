"""Application management, below ``/iam/application-management/v1/``."""

from django.urls import path, register_converter

from applications.api import (
    amendments,
    applications,
    clients,
    confirming,
    contracts,
    credentials,
    events,
    impact,
    lifecycle,
    manifests,
    usage,
    webhooks,
)

app_name = "application-management"


class Act:
    """One of the acts on a contract."""

    regex = "|".join(contracts.ContractAct.acts)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Answer(Act):
    """One of the answers to an amendment."""

    regex = "|".join(amendments.AmendmentAct.acts)


register_converter(Act, "act")
register_converter(Answer, "answer")

_tenant = "tenants/<uuid:tenant_id>"
_application = f"{_tenant}/applications/<client_id:application_id>"
_contract = f"{_tenant}/contracts/<uuid:contract_id>"
_amendment = f"{_contract}/amendments/<uuid:amendment_id>"
_webhook = f"{_tenant}/webhooks/<uuid:webhook_id>"
_client = f"{_application}/clients/<client_id:client_id>"

urlpatterns = [
    path(f"{_tenant}/applications", applications.Applications.as_view(), name="application-list"),
    path(_application, applications.Application.as_view(), name="application-read"),
    path(f"{_application}/availability", applications.Availability.as_view(), name="availability-read"),
    path(f"{_application}/impact", lifecycle.ApplicationImpact.as_view(), name="application-impact"),
    path(f"{_application}/suspend", lifecycle.ApplicationSuspend.as_view(), name="application-suspend"),
    path(f"{_application}/resume", lifecycle.ApplicationResume.as_view(), name="application-resume"),
    path(f"{_tenant}/availability:batch", applications.AvailabilityMany.as_view(), name="availability-batch"),
    path(f"{_application}/manifest", manifests.Manifest.as_view(), name="manifest"),
    path(f"{_application}/clients", clients.Clients.as_view(), name="client-list"),
    path(_client, clients.OneClient.as_view(), name="client-read"),
    path(f"{_client}/secrets", clients.Secrets.as_view(), name="secret-list"),
    path(f"{_client}/secrets/<uuid:secret_id>", clients.Secret.as_view(), name="secret-revoke"),
    path(f"{_client}/keys", credentials.Keys.as_view(), name="key-list"),
    path(f"{_client}/keys/<uuid:key_id>", credentials.OneKey.as_view(), name="key-revoke"),
    path(f"{_client}/certificates", credentials.Certificates.as_view(), name="certificate-list"),
    path(
        f"{_client}/certificates/<uuid:certificate_id>",
        credentials.OneCertificate.as_view(),
        name="certificate-revoke",
    ),
    path(f"{_client}/trusted-issuers", credentials.TrustedIssuers.as_view(), name="trusted-issuer-list"),
    path(
        f"{_client}/trusted-issuers/<uuid:issuer_id>",
        credentials.OneTrustedIssuer.as_view(),
        name="trusted-issuer-revoke",
    ),
    path(f"{_tenant}/contracts", contracts.Contracts.as_view(), name="contract-list"),
    path(_contract, contracts.OneContract.as_view(), name="contract-read"),
    path(f"{_contract}/impact", impact.ContractImpact.as_view(), name="contract-impact"),
    path(f"{_tenant}/contracts:unused", usage.UnusedContracts.as_view(), name="contract-unused"),
    path(f"{_contract}/usage", usage.ContractUsage.as_view(), name="contract-usage"),
    path(f"{_contract}/<act:act>", contracts.ContractAct.as_view(), name="contract-act"),
    path(f"{_contract}/role-changes", confirming.RoleChanges.as_view(), name="contract-role-changes"),
    path(f"{_contract}/confirm", confirming.ConfirmRoles.as_view(), name="contract-confirm"),
    path(f"{_contract}/pauses/<int:pause_id>", contracts.PlannedPause.as_view(), name="pause-cancel"),
    path(f"{_contract}/amendments", amendments.Amendments.as_view(), name="amendment-list"),
    path(f"{_amendment}/impact", amendments.AmendmentImpact.as_view(), name="amendment-impact"),
    path(f"{_amendment}/<answer:act>", amendments.AmendmentAct.as_view(), name="amendment-act"),
    path(f"{_tenant}/events", events.TenantEvents.as_view(), name="event-list"),
    path(f"{_tenant}/webhooks", webhooks.Webhooks.as_view(), name="webhook-list"),
    path(_webhook, webhooks.OneWebhook.as_view(), name="webhook-read"),
    *(
        path(f"{_webhook}/{act}", webhooks.WebhookAct.as_view(act=act), name=f"webhook-{act}")
        for act in webhooks.WebhookAct.acts
    ),
    path(f"{_webhook}/test", webhooks.WebhookTest.as_view(), name="webhook-test"),
    path(f"{_webhook}/secrets", webhooks.WebhookSecrets.as_view(), name="webhook-secret-list"),
    path(
        f"{_webhook}/secrets/<uuid:secret_id>",
        webhooks.OneWebhookSecret.as_view(),
        name="webhook-secret-revoke",
    ),
    path(f"{_webhook}/redeliver", webhooks.Recovery.as_view(), name="webhook-recover"),
    path(f"{_webhook}/deliveries", webhooks.Deliveries.as_view(), name="webhook-delivery-list"),
    path(
        f"{_webhook}/deliveries/<int:delivery_id>/redeliver",
        webhooks.Redelivery.as_view(),
        name="webhook-redeliver",
    ),
    path("application/events", events.ApplicationEvents.as_view(), name="own-event-list"),
    path("application/manifest", manifests.OwnManifest.as_view(), name="own-manifest"),
    path("application/tenants", events.ApplicationTenants.as_view(), name="own-tenant-list"),
]
