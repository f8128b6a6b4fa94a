"""An office where one is weaker than others, and every way to more rights that somebody could try there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction

from accesscontrol.actions import assignments, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.models import Assignment, TenantRole, TenantRolePermission
from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import client_certificates, client_keys, client_settings, clients, trusted_issuers
from applications.actions.client_settings import Settings
from applications.actions.trusted_issuers import Trust
from applications.models import (
    Application,
    Client,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    TrustedIssuer,
)
from applications.models.applications import PORTAL_ID
from applications.proofs import certificates, keys
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.actions import deletion, factors, groups, memberships, users
from tenants.models import (
    AuthenticatorApp,
    Group,
    GroupPlacement,
    Membership,
    Tenant,
    User,
    UserActivity,
    UserLink,
)
from tests.applications.sharing import register
from tests.support.authenticating import with_app
from tests.support.factories import SYSTEM, make_group, make_tenant
from tests.support.knocking import give, person
from tests.support.proving import certified, ec_key, pem, public_pem

STRONG = ("organization-manager", "access-manager")
MODIFY = (PORTAL_ID, "urn:iam:portal", "Organizations", "modify")
READ = (PORTAL_ID, "urn:iam:portal", "Users", "read")


@dataclass
class Office:
    """A clerk who manages access but no organization, a module manager, and whoever is stronger.

    Signed in are the clerk, the module manager, the chief, and one who holds ``everything``.
    """

    tenant: Tenant
    clerk: User
    module_manager: User
    chief: User  # holds the strong role himself
    deputy: User  # holds it by a group below the strong one
    invited: User  # holds it, and never set a password
    gone: User  # held it when he was sent away
    strong: Group
    below: Group
    weak: Group
    robot: Application  # a service that holds the strong role
    tool: Application  # one that holds nothing, with a role of its own
    held: Assignment
    at: datetime
    sessions: dict[str, str]

    def act(self, action: Callable[..., Any], **named: Any) -> Callable[[Actor], Any]:
        """The action, for whoever comes, a moment later."""

        def run(by: Actor) -> Any:
            with tenant_scope(self.tenant.id), transaction.atomic():
                return action(tenant=self.tenant, by=by, at=self.at, **named)

        return run

    def give(self, role: str, application_id: str = PORTAL_ID, **principal: Any) -> Callable[[Actor], Any]:
        wanted = Wanted(role=role, application_id=application_id, **principal)
        return self.act(assignments.assign, wanted=wanted)


def make_office() -> Office:
    """Everybody in place, and what each holds given by the installation."""
    at = datetime.now(UTC)
    tenant = make_tenant("acme", at=at)
    sessions: dict[str, str] = {}
    clerk, sessions["clerk"] = person(tenant, "clerk", "access-manager", "user")
    manager, sessions["modules"] = person(tenant, "modules", "module-manager")
    chief, sessions["chief"] = person(tenant, "chief", *STRONG)
    with_app(chief, at=at)
    deputy, _ = person(tenant, "deputy")
    _, sessions["everything"] = person(tenant, "everything", *ROLE_KEYS)
    invited, gone = _invited(tenant, datetime.now(UTC)), person(tenant, "gone", STRONG[0])[0]
    at = datetime.now(UTC)
    strong = make_group(tenant, "Board", at=at)
    below = make_group(tenant, "Assistants", parent=strong, members=(deputy,), at=at)
    weak = make_group(tenant, "Depot", members=(clerk,), at=at)
    give(tenant, STRONG[0], group_id=strong.id)
    robot, tool = register(tenant, "robot", at), register(tenant, "tool", at)
    give(tenant, STRONG[0], principal_application_id=robot.id)
    with tenant_scope(tenant.id):
        held = Assignment.objects.get(user=chief, application_role__key=STRONG[0])
        users.deactivate(tenant=tenant, user_id=gone.id, by=SYSTEM, at=at)
    _ours(tenant, clerk, at)
    return Office(
        tenant=tenant,
        clerk=clerk,
        module_manager=manager,
        chief=chief,
        deputy=deputy,
        invited=invited,
        gone=gone,
        strong=strong,
        below=below,
        weak=weak,
        robot=robot,
        tool=tool,
        held=held,
        at=datetime.now(UTC),
        sessions=sessions,
    )


def _ours(tenant: Tenant, holder: User, at: datetime) -> None:
    """A role of the organization's own, which somebody holds already."""
    act: dict[str, Any] = {"tenant": tenant, "by": SYSTEM, "at": at}
    with tenant_scope(tenant.id):
        ours = Definition(key="ours", name="Ours", description="", permissions=[READ])
        tenant_roles.define(definition=ours, **act)
        assignments.assign(wanted=Wanted(role="ours", user_id=holder.id), **act)


def _invited(tenant: Tenant, at: datetime) -> User:
    """Somebody with the strong role who has not used his link yet."""
    with tenant_scope(tenant.id), transaction.atomic():
        invited = users.invite(
            tenant=tenant,
            username="invited",
            email="invited@example.org",
            display_name="Invited",
            by=SYSTEM,
            at=at,
        )
    give(tenant, STRONG[0], user_id=invited.id)
    return invited


def away(office: Office, user: User) -> Callable[[Actor], Any]:
    """He was sent away before; the act lets him come back."""
    office.act(users.deactivate, user_id=user.id)(SYSTEM)
    return office.act(users.reactivate, user_id=user.id)


OWN_MAKING = Definition(key="mine", name="Mine", description="", permissions=[MODIFY])
ANCHOR = certificates.anchor_of_pem(pem(certified("authority", authority=True)))
OPENING: dict[str, Any] = {
    "redirect_uris": ("https://x.example/",),
    "post_logout_redirect_uris": ("https://x.example/",),
    "web_origins": ("https://x.example",),
    "jwks_uri": "https://x.example/jwks",
    "authentication_method": "private_key_jwt",
    "secret_either_way": True,
    "assertion_for_token_endpoint": True,
    "pkce_required": False,
    "token_exchange": True,
    "dpop": "off",
    "pushed_requests": "off",
    "backchannel_logout_uri": "https://x.example/signed-out",
}


def _of_robot(action: Callable[..., Any], named: dict[str, Any], office: Office) -> Callable[[Actor], Any]:
    return office.act(action, client_id=office.robot.id, **named)


# The ways to more rights. Each for the clerk, who manages all of users, groups and roles, and nothing else.
WAYS: dict[str, Callable[[Office], Callable[[Actor], Any]]] = {
    "a role for oneself": lambda o: o.give(STRONG[0], user_id=o.clerk.id),
    "a role for somebody else": lambda o: o.give(STRONG[0], user_id=o.module_manager.id),
    "a role for one's group": lambda o: o.give(STRONG[0], group_id=o.weak.id),
    "a role for a service": lambda o: o.give(STRONG[0], principal_application_id=o.tool.id),
    "a role that begins tomorrow": lambda o: o.give(
        STRONG[0], user_id=o.clerk.id, starts_at=o.at + timedelta(days=1)
    ),
    "a stronger person's role taken away": lambda o: o.act(assignments.withdraw, assignment_id=o.held.id),
    "into a stronger group": lambda o: o.act(memberships.add, group_id=o.strong.id, user_id=o.clerk.id),
    "into a group below it": lambda o: o.act(memberships.add, group_id=o.below.id, user_id=o.clerk.id),
    "into a stronger group tomorrow": lambda o: o.act(
        memberships.add, group_id=o.strong.id, user_id=o.clerk.id, starts_at=o.at + timedelta(days=1)
    ),
    "longer in a stronger group": lambda o: o.act(
        memberships.set_end, group_id=o.below.id, user_id=o.deputy.id, ends_at=o.at + timedelta(days=1)
    ),
    "one's group moved below": lambda o: o.act(groups.move, group_id=o.weak.id, parent_id=o.strong.id),
    "one's group moved far below": lambda o: o.act(groups.move, group_id=o.weak.id, parent_id=o.below.id),
    "a group made below": lambda o: o.act(groups.create, name="New", parent_id=o.strong.id),
    "a tenant role that holds it": lambda o: o.act(tenant_roles.define, definition=OWN_MAKING),
    "a stronger service's secret": lambda o: o.act(clients.add_secret, client_id=o.robot.id),
    **{
        f"a stronger service's {name}": partial(_of_robot, action, named)
        for name, (action, named) in {
            "key": (client_keys.add, {"key": keys.of_pem(public_pem(ec_key()))}),
            "certificate": (client_certificates.add, {"certificate": certificates.of_pem(pem(certified()))}),
            "subject": (client_certificates.add_name, {"subject_dn": "CN=me", "anchor": ANCHOR}),
            "issuer": (trusted_issuers.add, {"trust": Trust(issuer="https://i.example", subject="me")}),
            **{
                f"client by {name}": (client_settings.change, {"settings": Settings(**{name: value})})
                for name, value in OPENING.items()
            },
        }.items()
    },
    "a stronger person's password": lambda o: o.act(users.reset, user_id=o.chief.id),
    "a stronger person's second factors": lambda o: o.act(factors.reset, user_id=o.chief.id),
    "a stronger person's mailbox": lambda o: o.act(
        users.change, user_id=o.chief.id, email="clerk.too@example.org"
    ),
    "the password of one strong by a group": lambda o: o.act(users.reset, user_id=o.deputy.id),
    "the mailbox of one strong by a group": lambda o: o.act(
        users.change, user_id=o.deputy.id, email="clerk.too@example.org"
    ),
    "the return of one strong by a group": lambda o: away(o, o.deputy),
    "one strong by a group deleted": lambda o: o.act(deletion.delete, user_id=o.deputy.id),
    "out of a group below it": lambda o: o.act(memberships.remove, group_id=o.below.id, user_id=o.deputy.id),
    "a group moved out of it": lambda o: o.act(groups.move, group_id=o.below.id, parent_id=None),
    "a group below it ended": lambda o: o.act(groups.delete, group_id=o.below.id),
    "a stronger service's public client": lambda o: o.act(
        clients.add_public, application_id=o.robot.id, redirect_uris=["https://x.example/"], web_origins=[]
    ),
}
# Roles of other applications are the Access Manager's: the same for the module manager.
FOREIGN: dict[str, Callable[[Office], Callable[[Actor], Any]]] = {
    "a role of an application": lambda o: o.give("viewer", o.tool.id, user_id=o.module_manager.id),
    "the same for a service": lambda o: o.give("viewer", o.tool.id, principal_application_id=o.robot.id),
}


def state() -> tuple[Any, ...]:
    """Everything that the ways would change."""
    who = (Membership, GroupPlacement, Group, User, UserActivity, UserLink, AuthenticatorApp)
    proofs = (ClientSecret, ClientKey, ClientCertificate, TrustedIssuer)
    tables = (Assignment, TenantRole, TenantRolePermission, Client, *proofs, *who)
    return tuple(sorted(str(row) for row in table.objects.values_list()) for table in tables)
