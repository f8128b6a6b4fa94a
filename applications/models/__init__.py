"""What, and shared with whom: applications, clients, resources, roles, contracts, availability, events."""

from applications.models.applications import Application, ApplicationSuspension, ServiceAccount
from applications.models.availability import Announced, Availability, Watermark
from applications.models.clients import Client, ClientSecret
from applications.models.contracts import (
    Contract,
    ContractGrant,
    ContractPause,
    ContractState,
    ContractTerm,
    ContractType,
)
from applications.models.events import Event
from applications.models.resources import ApplicationRole, RequiredRole, Resource, RolePermission

__all__ = [
    "Announced",
    "Application",
    "ApplicationRole",
    "ApplicationSuspension",
    "Availability",
    "Client",
    "ClientSecret",
    "Contract",
    "ContractGrant",
    "ContractPause",
    "ContractState",
    "ContractTerm",
    "ContractType",
    "Event",
    "RequiredRole",
    "Resource",
    "RolePermission",
    "ServiceAccount",
    "Watermark",
]
