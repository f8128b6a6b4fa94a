"""The portal asks its own functions: the gate that the kernel's port names."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accesscontrol import at_the_door, decide
from accesscontrol import facts as load
from accesscontrol import reasons as say
from accesscontrol.portal_roles import RESOURCES, permissions_of
from applications.availability import SharingFacts, available
from iam_portal.decision import Decision
from iam_portal.errors import Forbidden
from iam_portal.gate import Actor, Answers, Permission
from iam_portal.walls import tenant_scope

RESOURCE_TYPE = "urn:iam:portal"
OWN_ACCOUNT_ROLE = "user"
ASSIGNING = Permission.parse("Roles:modify")  # of the doors that give roles, and of every way beside them


class PortalGate:
    """Answers from roles of ``iam-portal`` that the actor holds in the tenant."""

    def decide(self, *, actor: Actor, tenant_id: UUID, permission: Permission, at: datetime) -> Decision:
        """Yes with the role that gives it, no with what is missing."""
        return self.answers(actor=actor, tenant_id=tenant_id, at=at)(permission)

    def answers(self, *, actor: Actor, tenant_id: UUID, at: datetime) -> Answers:
        """What is held is read once, for any number of permissions."""
        if actor.kind == "system":
            return lambda _permission: Decision.yes(say.may_grant())
        return _Read(actor, str(tenant_id), at, permissions(actor=actor, tenant_id=tenant_id, at=at))


@dataclass(frozen=True, slots=True)
class _Read:
    """Answers about one actor in one tenant at a moment, and all that was read for them."""

    actor: Actor
    tenant_id: str
    at: datetime
    held: set[decide.Permission]

    def __call__(self, permission: Permission) -> Decision:
        wanted = asked_of(permission)
        if wanted in self.held:
            return Decision.yes(say.may_grant())
        return Decision.no(say.permission_not_held(wanted, RESOURCES.get(permission.resource, "")))


def answers_at(door: at_the_door.Door, *, actor: Actor, tenant_id: UUID, at: datetime) -> Answers:
    """The same, of what this request has read of the actor in the tenant. Of another tenant it answers no."""
    here = str(door.principal.tenant_id) == str(actor.tenant_id) == str(tenant_id)
    held = _at(door, actor=actor, tenant_id=tenant_id, at=at) if here else set()
    return _Read(actor, str(tenant_id), at, held)


def asked_of(permission: Permission) -> decide.Permission:
    """A permission of the portal's doors, as roles hold it."""
    return RESOURCE_TYPE, permission.resource, permission.privilege.value


def permissions(*, actor: Actor, tenant_id: UUID | str, at: datetime) -> set[decide.Permission]:
    """The portal permissions that the actor holds in the tenant at the moment. Empty for an outsider."""
    if actor.tenant_id is None or str(actor.tenant_id) != str(tenant_id):
        return set()
    actor = actor.of or actor
    who = (
        load.Principal(tenant_id, user_id=actor.id)
        if actor.kind == "user"
        else load.Principal(tenant_id, application_id=actor.id)
    )
    with tenant_scope(tenant_id):
        door = at_the_door.facts(who)
    return set() if door is None else _at(door, actor=actor, tenant_id=tenant_id, at=at)


def held_of(read: Answers | None, *, actor: Actor, tenant_id: UUID, at: datetime) -> set[decide.Permission]:
    """The same, of what the request has read of this actor, here and at this moment; else asked anew."""
    if isinstance(read, _Read) and (read.actor, read.tenant_id, read.at) == (actor, str(tenant_id), at):
        return read.held
    return permissions(actor=actor, tenant_id=tenant_id, at=at)


def _at(
    door: at_the_door.Door, *, actor: Actor, tenant_id: UUID | str, at: datetime
) -> set[decide.Permission]:
    ground = decide.Ground(door.sharing, door.book, tenant_id=str(tenant_id), at=at)
    roles = _narrowed(decide.roles_on(ground, door.principal, at=at), actor)
    return decide.permissions_on(ground, roles) | _own_account(actor, door.principal, door.sharing, at)


def _narrowed(roles: decide.Roles, actor: Actor) -> decide.Roles:
    """A token that names some roles carries those alone; a role of the tenant's making is not among them."""
    if actor.only_roles is None:
        return roles
    kept = [role for role in roles.held if role.key in actor.only_roles and role.relation != "tenant"]
    return decide.Roles(tuple(kept), roles.refusals)


def _own_account(
    actor: Actor, principal: decide.PrincipalFacts, sharing: SharingFacts, at: datetime
) -> set[decide.Permission]:
    """A person's own account is his without a role, so that who was just invited finds his way in."""
    return own_account(principal, sharing, at) if actor.kind == "user" else set()


def own_account(person: decide.PrincipalFacts, sharing: SharingFacts, at: datetime) -> set[decide.Permission]:
    """What a person may at the portal without a role, while he and his organization are active."""
    active = any(span.covers(at) for span in person.active)
    here = available(sharing, tenant_id=person.tenant_id, at=at)
    return set(permissions_of(OWN_ACCOUNT_ROLE)) if active and here else set()


def may_grant(
    *,
    actor: Actor,
    tenant_id: UUID,
    asked: Collection[decide.Permission],
    foreign: bool,
    at: datetime,
    read: Answers | None = None,
) -> tuple[Decision, set[decide.Permission]]:
    """Whether the actor may hand this out, and what is missing.

    ``read`` is what the same request has read of him already, for who only looks.
    """
    if actor.kind == "system":
        return Decision.yes(say.may_grant()), set()
    holds = held_of(read, actor=actor, tenant_id=tenant_id, at=at)
    manager = asked_of(ASSIGNING) in holds
    if actor.kind == "scim":
        # The console asks its maker for a recent proof before he gives power. A token brings none: whoever
        # stole it would make himself an administrator, or take an administrator's mailbox.
        holds = {each for each in holds if each[1] == "OwnAccount"}
    decision = decide.may_grant(asked=asked, foreign=foreign, holds=holds, access_manager=manager)
    return decision, set(asked) - holds


def require_may_grant(
    *,
    actor: Actor,
    tenant_id: UUID,
    asked: Collection[decide.Permission],
    foreign: bool,
    at: datetime,
    subject: tuple[str, object, str],
    read: Answers | None = None,
) -> None:
    """Forbidden, with every reason, unless the actor may hand this out (``may grant``). ``read`` as above.

    ``subject`` is who would gain by it, (kind, id, name). The refusal asks to be recorded: somebody tried.
    """
    decision, lacked = may_grant(
        actor=actor, tenant_id=tenant_id, asked=asked, foreign=foreign, at=at, read=read
    )
    if not decision:
        missing = sorted(f"{resource}:{privilege}" for _, resource, privilege in lacked)
        reasons = [reason.code for reason in decision.reasons]
        record = {
            "action": "grant.refused",
            "tenants": [tenant_id],
            "by": actor,
            "at": at,
            "subject": subject,
            "after": {"missing": missing, "reasons": sorted(set(reasons))},
        }
        text = "You cannot hand out what you do not hold yourself."
        raise Forbidden(text, reasons=decision.reasons, record=record)
