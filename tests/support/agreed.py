"""Who may do what at the portal, as it was agreed: written by hand, for people, and not from the code."""

from collections.abc import Iterator

from iam_portal.gate import Permission, Privilege
from iam_portal.launchers import doors
from iam_portal.launchers.doors import OWN_APPLICATION, Door

# r read, a add, m modify, d delete, x execute; * all five.
ROLES = """
organization-reader                 Organizations:r OrganizationRelations:r
organization-manager                Organizations:* OrganizationRelations:* Keys:* Jobs:*
organization-relation-manager       OrganizationRelations:* Organizations:r
organization-configuration-manager  OrganizationConfiguration:* Webhooks:*
user-reader                         Users:r Groups:r Roles:r Acl:r Modules:r
access-manager                      Users:* Groups:* Roles:* Acl:r Modules:r
module-manager                      Modules:*
provision-contract-manager          ProvisionContracts:* Modules:r OrganizationRelations:r
access-contract-manager             AccessContracts:* Modules:r OrganizationRelations:r
access-configuration-reader         Configuration:r Modules:r
access-configuration-manager        Configuration:* Modules:r
identity-provider-manager           IdentityProviders:* GroupMappers:*
group-mapper-manager                GroupMappers:*
activity-log-reader                 ActivityLog:r
reviewer                            Reports:rx ActivityLog:r
user                                OwnAccount:*
"""

# What is below these parts of an address is about that resource; the longest that fits counts.
REST_AREAS = """
access-review            Reports
applications             Modules
assignments              Roles
availability             Modules
branding                 Configuration
configuration            Configuration
contracts                ProvisionContracts AccessContracts
decisions                Roles
deleted-people           Configuration
events   Modules Roles Acl ProvisionContracts AccessContracts OrganizationRelations Webhooks Users
groups                   Groups
history                  ActivityLog
identity-providers       IdentityProviders GroupMappers
lifetimes                Configuration
organizations            Organizations
password-rules           Configuration
partnerships             OrganizationRelations
reports                  Reports
required-roles           Roles
resources                Roles
roles                    Roles
scim-tokens              Users
second-factors           Configuration
service-accounts         Users
system                   Jobs
token-preview            Roles
users                    Users
users/{user_id}/groups   Groups
webhooks                 Webhooks
"""
PAGE_AREAS = """
                                 OwnAccount
access                           Roles Reports
access/decision                  Roles
access/download                  Reports
access/token                     Roles
account                          OwnAccount
activity                         ActivityLog
applications                     Modules
applications/{application_id}/callers  Roles
applications/{application_id}/calls    Roles
assignments                      Roles
contracts                        ProvisionContracts AccessContracts
events   Modules Roles Acl ProvisionContracts AccessContracts OrganizationRelations Webhooks Users
create-role                      Roles
groups                           Groups
network                          ProvisionContracts AccessContracts
partners                         OrganizationRelations
platform/jobs                    Jobs
platform/keys                    Keys
platform/organizations           Organizations
platform/system                  Jobs
register-application             Modules
reports                          Reports
roles                            Roles
scim-tokens                      Users
search                           OwnAccount
roles/of                         Roles Modules
settings                         Configuration
settings/identity-providers      IdentityProviders GroupMappers
settings/new-identity-provider   IdentityProviders
users                            Users
webhooks                         Webhooks
"""
# The doors that only ask, although their method is not GET: they open to readers.
QUESTIONS = ("decisions", "token-preview", "availability:batch", "configuration:plan")
# The pages where one method asks for more than the page does.
MORE = {("POST", "groups/{group_id}"): "Groups:modify"}
PREFIXES = {
    "/iam/access-management/v1/tenants/{tenant_id}/": REST_AREAS,
    "/iam/application-management/v1/tenants/{tenant_id}/": REST_AREAS,
    "/t/{slug}/": PAGE_AREAS,
}
REST = [door for door in doors.doors() if door.kind == "rest" and door.permission != OWN_APPLICATION]
PAGE_DOORS = [door for door in doors.doors() if door.kind == "page"]
TABLE = [*REST, *PAGE_DOORS]
_LETTERS = {"r": "read", "a": "add", "m": "modify", "d": "delete", "x": "execute"}


def of_kind(kind: str) -> list[Door]:
    """The doors of one kind; there are some."""
    found = [door for door in doors.doors() if door.kind == kind]
    assert found
    return found


def agreed() -> dict[str, frozenset[str]]:
    """Role → what it holds, as ``Users:read``."""
    rows = (line.split() for line in ROLES.strip().splitlines())
    return {role: frozenset(_spelled(held)) for role, *held in rows}


def opens_to(permission: str) -> frozenset[str]:
    """The roles that were agreed to hold a permission, or one of several."""
    wanted = set(permission.split("|"))
    return frozenset(role for role, held in agreed().items() if held & wanted)


def below_the_tenant(door: Door) -> str:
    """The part of the address that says what it is about."""
    prefix = next(prefix for prefix in PREFIXES if door.address.startswith(prefix))
    return door.address.removeprefix(prefix)


def resources_of(door: Door) -> set[str]:
    """What the door may be about; empty where nothing was agreed."""
    table = next(table for prefix, table in PREFIXES.items() if door.address.startswith(prefix))
    rest = below_the_tenant(door).replace(":", "/") + "/"
    areas: dict[str, list[str]] = {}
    for line in table.strip("\n").splitlines():
        names = line.split()
        area = "" if line.startswith(" ") else names.pop(0)
        areas[area] = names
    fitting = [area for area in areas if rest.startswith(f"{area}/")]
    return set(areas[max(fitting, key=len)]) if fitting else set()


def only_asks(door: Door) -> bool:
    """Whether nothing is changed at this door."""
    return door.method == "GET" or below_the_tenant(door) in QUESTIONS


def needed(door: Door) -> str:
    """What one needs at a page: what it declares, or more."""
    return MORE.get((door.method, below_the_tenant(door)), door.permission)


def parts(door: Door) -> tuple[Permission, ...]:
    """The alternatives that the door declares."""
    return Permission.alternatives(door.permission)


def _spelled(held: list[str]) -> Iterator[str]:
    for one in held:
        resource, _, letters = one.partition(":")
        names = [str(each) for each in Privilege] if letters == "*" else [_LETTERS[each] for each in letters]
        yield from (f"{resource}:{name}" for name in names)
