"""The portal as an application of its own: its resources and its 16 roles, as a manifest."""

from collections.abc import Mapping

from applications.manifest import DeclaredResource, DeclaredRole, Manifest
from iam_portal.gate import Privilege
from iam_portal.sentences import said

RESOURCE_TYPE = "urn:iam:portal"
ALL = tuple(privilege.value for privilege in Privilege)

RESOURCES: Mapping[str, str] = {
    "Organizations": said("Organizations"),
    "OrganizationRelations": said("Partners"),
    "OrganizationConfiguration": said("Settings of the organization"),
    "Modules": said("Applications"),
    "ProvisionContracts": said("Provision contracts"),
    "AccessContracts": said("Access contracts"),
    "Users": said("Users"),
    "Groups": said("Groups"),
    "Roles": said("Roles and assignments"),
    "Acl": said("Access control lists"),
    "IdentityProviders": said("Identity providers"),
    "GroupMappers": said("Group mappers"),
    "ActivityLog": said("Activity log"),
    "Reports": said("Reports"),
    "Configuration": said("Access configuration"),
    "Webhooks": said("Webhooks"),
    "Keys": said("Signing keys"),
    "Jobs": said("Jobs"),
    "OwnAccount": said("One's own account"),
}

# name → (resources with every privilege, {resource: some privileges})
_TABLE: Mapping[str, tuple[str, tuple[str, ...], Mapping[str, tuple[str, ...]]]] = {
    "organization-reader": (
        said("Organization Reader"),
        (),
        {"Organizations": ("read",), "OrganizationRelations": ("read",)},
    ),
    "organization-manager": (
        said("Organization Manager"),
        ("Organizations", "OrganizationRelations", "Keys", "Jobs"),
        {},
    ),
    "organization-relation-manager": (
        said("Organization Relation Manager"),
        ("OrganizationRelations",),
        {"Organizations": ("read",)},
    ),
    "organization-configuration-manager": (
        said("Organization Configuration Manager"),
        ("OrganizationConfiguration", "Webhooks"),
        {},
    ),
    "user-reader": (
        said("User Reader"),
        (),
        dict.fromkeys(("Users", "Groups", "Roles", "Acl", "Modules"), ("read",)),
    ),
    "access-manager": (
        said("Access Manager"),
        ("Users", "Groups", "Roles"),
        {"Acl": ("read",), "Modules": ("read",)},
    ),
    "module-manager": (said("Module Manager"), ("Modules",), {}),
    "provision-contract-manager": (
        said("Provision Contract Manager"),
        ("ProvisionContracts",),
        {"Modules": ("read",), "OrganizationRelations": ("read",)},
    ),
    "access-contract-manager": (
        said("Access Contract Manager"),
        ("AccessContracts",),
        {"Modules": ("read",), "OrganizationRelations": ("read",)},
    ),
    "access-configuration-reader": (
        said("Access Configuration Reader"),
        (),
        {"Configuration": ("read",), "Modules": ("read",)},
    ),
    "access-configuration-manager": (
        said("Access Configuration Manager"),
        ("Configuration",),
        {"Modules": ("read",)},
    ),
    "identity-provider-manager": (
        said("Identity Provider Manager"),
        ("IdentityProviders", "GroupMappers"),
        {},
    ),
    "group-mapper-manager": (said("Group Mapper Manager"), ("GroupMappers",), {}),
    "activity-log-reader": (said("Activity Log Reader"), (), {"ActivityLog": ("read",)}),
    "reviewer": (said("Reviewer"), (), {"Reports": ("read", "execute"), "ActivityLog": ("read",)}),
    "user": (said("User"), ("OwnAccount",), {}),
}
ROLE_KEYS = tuple(_TABLE)


def manifest() -> Manifest:
    """The declaration of ``iam-portal``."""
    resources = {
        (RESOURCE_TYPE, key): DeclaredResource(RESOURCE_TYPE, key, name, ALL)
        for key, name in RESOURCES.items()
    }
    roles = {key: DeclaredRole(key, name, "", permissions_of(key)) for key, (name, _, _) in _TABLE.items()}
    return Manifest(resources, roles)


def permissions_of(role_key: str) -> frozenset[tuple[str, str, str]]:
    """The permissions of one of the portal's roles."""
    _, whole, some = _TABLE[role_key]
    pairs = {(name, privilege) for name in whole for privilege in ALL}
    pairs |= {(name, privilege) for name, privileges in some.items() for privilege in privileges}
    return frozenset((RESOURCE_TYPE, name, privilege) for name, privilege in pairs)
