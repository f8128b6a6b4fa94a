"""Application management, below ``/iam/application-management/v1/``."""

from django.urls import path, register_converter

from applications.api import applications, clients, contracts, events, webhooks

app_name = "application-management"


class Act:
    """One of the acts on a contract."""

    regex = "|".join(contracts.ContractAct.acts)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Act, "act")

_tenant = "tenants/<uuid:tenant_id>"
_application = f"{_tenant}/applications/<client_id:application_id>"
_contract = f"{_tenant}/contracts/<uuid:contract_id>"
_webhook = f"{_tenant}/webhooks/<uuid:webhook_id>"
_secrets = f"{_application}/clients/<client_id:client_id>/secrets"

urlpatterns = [
    path(f"{_tenant}/applications", applications.Applications.as_view(), name="application-list"),
    path(_application, applications.Application.as_view(), name="application-read"),
    path(f"{_application}/availability", applications.Availability.as_view(), name="availability-read"),
    path(f"{_tenant}/availability:batch", applications.AvailabilityMany.as_view(), name="availability-batch"),
    path(f"{_application}/manifest", applications.Manifest.as_view(), name="manifest"),
    path(f"{_application}/clients", clients.Clients.as_view(), name="client-list"),
    path(_secrets, clients.Secrets.as_view(), name="secret-list"),
    path(f"{_secrets}/<uuid:secret_id>", clients.Secret.as_view(), name="secret-revoke"),
    path(f"{_tenant}/contracts", contracts.Contracts.as_view(), name="contract-list"),
    path(_contract, contracts.OneContract.as_view(), name="contract-read"),
    path(f"{_contract}/<act:act>", contracts.ContractAct.as_view(), name="contract-act"),
    path(f"{_contract}/pauses/<int:pause_id>", contracts.PlannedPause.as_view(), name="pause-cancel"),
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
    path(f"{_webhook}/deliveries", webhooks.Deliveries.as_view(), name="webhook-delivery-list"),
    path(
        f"{_webhook}/deliveries/<int:delivery_id>/redeliver",
        webhooks.Redelivery.as_view(),
        name="webhook-redeliver",
    ),
    path("application/events", events.ApplicationEvents.as_view(), name="own-event-list"),
    path("application/tenants", events.ApplicationTenants.as_view(), name="own-tenant-list"),
]
