"""What, and shared with whom: applications, clients, resources, roles, contracts, availability, events."""

from applications.models.amendments import Amendment, AmendmentRole, AmendmentState
from applications.models.applications import Application, ApplicationSuspension, ServiceAccount
from applications.models.availability import Announced, Availability, Watermark
from applications.models.clients import Client
from applications.models.contracts import (
    Contract,
    ContractGrant,
    ContractPause,
    ContractState,
    ContractTerm,
    ContractType,
)
from applications.models.credentials import (
    ClientCertificate,
    ClientKey,
    ClientSecret,
    TrustedIssuer,
    UsedAssertion,
)
from applications.models.events import Event
from applications.models.marks import ContractReminder, ContractTold
from applications.models.resources import (
    ApplicationRole,
    RequiredRole,
    Resource,
    ResourcePlace,
    RolePermission,
)
from applications.models.streams import SignalOffer, SignalStream
from applications.models.usage import ContractUsage, UsageBatch
from applications.models.webhooks import Webhook, WebhookDelivery, WebhookSecret, WebhookState

__all__ = [
    "Amendment",
    "AmendmentRole",
    "AmendmentState",
    "Announced",
    "Application",
    "ApplicationRole",
    "ApplicationSuspension",
    "Availability",
    "Client",
    "ClientCertificate",
    "ClientKey",
    "ClientSecret",
    "Contract",
    "ContractGrant",
    "ContractPause",
    "ContractReminder",
    "ContractState",
    "ContractTerm",
    "ContractTold",
    "ContractType",
    "ContractUsage",
    "Event",
    "RequiredRole",
    "Resource",
    "ResourcePlace",
    "RolePermission",
    "ServiceAccount",
    "SignalOffer",
    "SignalStream",
    "TrustedIssuer",
    "UsageBatch",
    "UsedAssertion",
    "Watermark",
    "Webhook",
    "WebhookDelivery",
    "WebhookSecret",
    "WebhookState",
]
