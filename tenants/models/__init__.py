"""Who: tenants, partnerships, users, groups, history."""

from tenants.models.branding import Branding, LogoKind
from tenants.models.factors import (
    AuthenticatorApp,
    Passkey,
    ProofFailure,
    RecoveryCode,
    SignInStep,
    SpentChallenge,
)
from tenants.models.groups import Group, GroupPlacement, Membership
from tenants.models.history import (
    HistoryAnchor,
    HistoryCheck,
    HistoryEvent,
    HistoryLink,
    HistoryPerson,
)
from tenants.models.kept_inputs import KeptInput
from tenants.models.partnerships import AutoAccept, Partnership
from tenants.models.providers import (
    IdentityLink,
    IdentityMapper,
    IdentityProvider,
    MappedMembership,
    ProviderArrival,
    ProviderSession,
)
from tenants.models.provisioning import ExternalId, ScimToken
from tenants.models.replies import IdempotentReply
from tenants.models.running import EventService, JobState
from tenants.models.spanned import Spanned, since, still_open
from tenants.models.tallies import Tally
from tenants.models.tenants import PASSWORD_LENGTHS, Kept, Tenant, TenantSuspension
from tenants.models.users import (
    OrganizationsAsked,
    SignInFailure,
    User,
    UserActivity,
    UserLink,
    UserSession,
    zones,
)

__all__ = [
    "PASSWORD_LENGTHS",
    "AuthenticatorApp",
    "AutoAccept",
    "Branding",
    "EventService",
    "ExternalId",
    "Group",
    "GroupPlacement",
    "HistoryAnchor",
    "HistoryCheck",
    "HistoryEvent",
    "HistoryLink",
    "HistoryPerson",
    "IdempotentReply",
    "IdentityLink",
    "IdentityMapper",
    "IdentityProvider",
    "JobState",
    "Kept",
    "KeptInput",
    "LogoKind",
    "MappedMembership",
    "Membership",
    "OrganizationsAsked",
    "Partnership",
    "Passkey",
    "ProofFailure",
    "ProviderArrival",
    "ProviderSession",
    "RecoveryCode",
    "ScimToken",
    "SignInFailure",
    "SignInStep",
    "Spanned",
    "SpentChallenge",
    "Tally",
    "Tenant",
    "TenantSuspension",
    "User",
    "UserActivity",
    "UserLink",
    "UserSession",
    "since",
    "still_open",
    "zones",
]
