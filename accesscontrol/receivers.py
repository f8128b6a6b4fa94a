"""What ``may`` says to acts of the apps below: refusals roll the act back, endings are followed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.dispatch import receiver

from accesscontrol import holders, impact, impact_people, impact_roles
from accesscontrol.actions import (
    access_told,
    authorizations,
    exporting,
    leaving,
    logout_notices,
    scim_tokens,
    second_factors,
    succession,
)
from accesscontrol.actions.administrators import watch
from accesscontrol.actions.assignments import what_principal_holds
from accesscontrol.actions.portal import make_first_administrator
from accesscontrol.actions.required import give
from accesscontrol.decide import Permission
from accesscontrol.facts import groups_above
from accesscontrol.gate import require_may_grant
from accesscontrol.handed import in_hand
from accesscontrol.models import Assignment, Authorization, TenantRole, TenantRolePermission
from accesscontrol.oauth.signals import writing
from applications import signals as application_signals
from applications.actions.requirements import Tick
from applications.impact_scope import Scope
from applications.models import Application, ApplicationRole, Contract, Event, Resource, Webhook
from iam_portal.gate import Actor, Answers, Privilege
from iam_portal.walls import cross_tenant, tenant_scope
from tenants import signals as tenant_signals
from tenants.impact import Act, Part, answers_of_looker
from tenants.models import Group, IdentityProvider, Membership, Tenant, User
from tenants.policies import is_active


@receiver(application_signals.principal_becoming)
def may_become_application(*, actor: Actor, application: Application, at: datetime, **kwargs: Any) -> None:
    """A credential lets its holder act as the application, with all that it holds in the actor's tenant."""
    with tenant_scope(application.owner_id):
        rows = _living(at).filter(tenant_id=application.owner_id, application=application)
        subject = ("application", application.id, application.display_name)
        _require(actor, application.owner_id, what_principal_holds(rows, at=at), at, subject)


@receiver(tenant_signals.principal_becoming)
def may_become_user(*, actor: Actor, tenant: Tenant, user: User, at: datetime, **kwargs: Any) -> None:
    """A password link or another mailbox lets one act as the user; a return gives him back what he holds.

    A deletion takes it for good: whoever may not give it may not take it.

    An active user is himself already. An inactive one is not: nobody gives himself back what he held.
    """
    if actor.kind == "user" and actor.id == str(user.id) and is_active(user=user, at=at):
        return
    held = in_hand(tenant_id=tenant.id, users=[user.id], at=at)
    subject, read = ("user", user.id, str(user)), answers_of_looker("delete", user)
    _require(actor, tenant.id, held, at, subject, read=read)


@receiver(tenant_signals.provider_trusting)
def may_vouch_for(
    *, actor: Actor, tenant: Tenant, provider: IdentityProvider, at: datetime, **kwargs: Any
) -> None:
    """Whoever moves the word of a provider could come in as all who are linked to it: all that they hold."""
    linked = provider.links.values("user_id")
    inside = Membership.objects.not_over(at).filter(user__in=linked).values_list("group_id", flat=True)
    groups = groups_above(*inside.distinct(), tenant_id=tenant.id, at=at)
    rows = _living(at).filter(tenant=tenant)
    rows = rows.filter(user__in=linked) | rows.filter(group_id__in=groups)
    held = what_principal_holds(rows, at=at)
    _require(actor, tenant.id, held, at, ("identity_provider", provider.id, provider.name))


@receiver(tenant_signals.membership_changing)
def may_let_into_group(
    *, actor: Actor, tenant: Tenant, group: Group, parent: Group | None, at: datetime, **kwargs: Any
) -> None:
    """A membership or a move gives, or takes, what the group and those above it hold."""
    held = in_hand(tenant_id=tenant.id, groups=[(parent or group).id], at=at)
    _require(actor, tenant.id, held, at, ("group", group.id, group.name))


@receiver(tenant_signals.people_leaving)
def keep_an_administrator(
    *, tenant: Tenant, at: datetime, going: UUID | None = None, **kwargs: Any
) -> Callable[[], None]:
    """Afterwards somebody must still be able to hand out roles."""
    return watch(tenant=tenant, at=at, going=going)


@receiver(tenant_signals.second_factor_asked)
def asking_roles(*, tenant: Tenant, user: User, at: datetime, **kwargs: Any) -> list[str]:
    """Which of his roles ask for a second factor."""
    return second_factors.asking(tenant=tenant, user_id=user.pk, at=at)


@receiver(tenant_signals.user_deactivated)
def end_sign_ins(*, user: User, by: Actor, at: datetime, **kwargs: Any) -> None:
    """Offline ones too, and for good: a return begins without them."""
    authorizations.end_all(user=user, because=Authorization.Ended.DEACTIVATED, by=by, at=at)
    scim_tokens.revoke_all(user=user, by=by, at=at)


@receiver(tenant_signals.sessions_ended)
def owe_logouts(*, tenant_id: UUID, user_id: UUID, at: datetime, **kwargs: Any) -> None:
    """Of what rested on them."""
    logout_notices.owe_of_sessions(tenant_id=tenant_id, user_id=user_id, at=at)


@receiver(tenant_signals.provider_parted)
def end_sign_ins_by_provider(
    *,
    tenant_id: UUID,
    provider_id: UUID,
    user_id: UUID | None,
    by: Actor,
    at: datetime,
    **kwargs: Any,
) -> None:
    """Offline ones; the others have ended with their sessions."""
    authorizations.end_by_provider(
        tenant_id=tenant_id, provider_id=provider_id, user_id=user_id, by=by, at=at
    )


@receiver(tenant_signals.user_deleted)
def end_all_of_a_person(*, user: User, by: Actor, at: datetime, **kwargs: Any) -> None:
    """Sign-ins and roles."""
    authorizations.end_all(user=user, because=Authorization.Ended.DEACTIVATED, by=by, at=at)
    leaving.withdraw_all(user=user, by=by, at=at)
    scim_tokens.revoke_all(user=user, by=by, at=at)


@receiver(tenant_signals.factors_reset)
def end_tokens_of_directories(*, user: User, by: Actor, at: datetime, **kwargs: Any) -> None:
    """Whoever had his factors may have made them."""
    scim_tokens.revoke_all(user=user, by=by, at=at)


@receiver(tenant_signals.person_exported)
def tell_of(*, user: User, **kwargs: Any) -> Mapping[str, Any]:
    """Roles that he held, holds and will hold, and where he signed in."""
    return exporting.kept_about(user=user)


@receiver(tenant_signals.person_erased)
def erase_name(*, user: User, pseudonym: str, **kwargs: Any) -> None:
    """Who gave a role is told with it, in decisions and on pages."""
    leaving.erase(user=user, pseudonym=pseudonym)


@receiver(tenant_signals.password_set)
def end_sign_ins_of_before(*, user: User, by: Actor, at: datetime, **kwargs: Any) -> None:
    """Somebody else may have signed in with the former password."""
    authorizations.end_all(user=user, because=Authorization.Ended.PASSWORD, by=by, at=at)


@receiver(tenant_signals.sessions_ended)
def tell_applications(*, tenant_id: UUID, user_id: UUID, by: Actor, at: datetime, **kwargs: Any) -> None:
    """Online sign-ins fall with the session that they rest on."""
    authorizations.tell_signed_out(tenant_id=tenant_id, user_id=user_id, by=by, at=at)


@receiver([tenant_signals.membership_added, tenant_signals.membership_removed])
def tell_of_membership(*, tenant: Tenant, user: User, at: datetime, **kwargs: Any) -> None:
    """He may hold more now, or less."""
    access_told.of_people(tenant_id=tenant.pk, user_ids=[user.pk], at=at)


@receiver(tenant_signals.roster_changed)
def tell_of_roster(*, tenant: Tenant, users: Collection[User], at: datetime, **kwargs: Any) -> None:
    """So may each of these."""
    access_told.of_people(tenant_id=tenant.pk, user_ids=[user.pk for user in users], at=at)


@receiver([tenant_signals.group_moved, tenant_signals.group_deleted])
def tell_of_group(*, tenant: Tenant, group: Group, at: datetime, **kwargs: Any) -> None:
    """So may all who are in it, or below it."""
    access_told.of_group(tenant_id=tenant.pk, group_id=group.pk, at=at)


@receiver(tenant_signals.tenant_founded)
def hand_over(*, tenant: Tenant, user: User, by: Actor, at: datetime, **kwargs: Any) -> None:
    """Its first person holds every role of the portal there."""
    make_first_administrator(tenant=tenant, user=user, by=by, at=at)


@receiver(tenant_signals.group_deleted)
def end_group_assignments(*, tenant: Tenant, group: Group, at: datetime, **kwargs: Any) -> None:
    """What a group held ends with it."""
    Assignment.objects.filter(tenant=tenant, group=group).close(at)


@receiver(application_signals.roles_ended)
def end_assignments(*, roles: Sequence[ApplicationRole], at: datetime, **kwargs: Any) -> None:
    """A role that its application took away is held by nobody, in no tenant."""
    with cross_tenant():
        Assignment.objects.filter(application_role__in=roles).close(at)


@receiver(application_signals.roles_superseded)
def follow_roles(
    *,
    application: Application,
    pairs: Sequence[tuple[ApplicationRole, ApplicationRole]],
    by: Actor,
    at: datetime,
    **kwargs: Any,
) -> None:
    """Before the former roles end: what is held of them goes on under their new keys."""
    succession.follow_roles(application=application, pairs=pairs, by=by, at=at)


@receiver(application_signals.resources_superseded)
def follow_resources(
    *, pairs: Sequence[tuple[Resource, Resource]], by: Actor, at: datetime, **kwargs: Any
) -> None:
    """Before the former resources end: roles of tenants hold the new ones."""
    succession.follow_resources(pairs=pairs, by=by, at=at)


@receiver(application_signals.contract_accepted)
def give_required_roles(
    *, contract: Contract, by: Actor, at: datetime, required: Sequence[Tick], **kwargs: Any
) -> None:
    """What was ticked on the acceptance; a refusal takes the acceptance back."""
    give(contract=contract, ticks=required, by=by, at=at)


@receiver(application_signals.resources_ended)
def end_permissions(*, resource_ids: Sequence[UUID], at: datetime, **kwargs: Any) -> None:
    """Tenant roles lose what is no longer there."""
    with cross_tenant():
        TenantRolePermission.objects.filter(resource_id__in=resource_ids).close(at)


@receiver(application_signals.resources_narrowed)
def end_what_is_not_offered(*, resource_ids: Sequence[UUID], at: datetime, **kwargs: Any) -> None:
    """Offered again, it has to be given again: nobody gets back unseen what was taken from him."""
    with cross_tenant():
        rows = TenantRolePermission.objects.not_over(at).filter(resource_id__in=resource_ids)
        placed = rows.filter(resource__places__during__contains=at)
        named = placed.values_list("pk", "privilege", "resource__places__privileges")
        rows.filter(pk__in=[pk for pk, privilege, offered in named if privilege not in offered]).close(at)


@receiver(application_signals.impact_asked)
def weigh(*, act: Act, scope: Scope, **kwargs: Any) -> Callable[[], Part]:
    """The people and services that lose something by an act."""
    return impact.look(act, scope)


@receiver(tenant_signals.act_weighed)
def weigh_own(*, act: Act, **kwargs: Any) -> Callable[[], Part] | None:
    """Who loses something when a tenant role holds less or ends, a person goes, a group moves or ends."""
    subject = act.subject
    if isinstance(subject, TenantRole):
        return impact_roles.look_at_role(act, subject)
    if isinstance(subject, User):
        return impact_people.look_at_user(act, subject)
    return impact_people.look_at_group(act, subject) if isinstance(subject, Group) else None


@receiver(application_signals.signals_asked)
def write_signals(
    *, webhook: Webhook, events: Collection[Event], at: datetime, **kwargs: Any
) -> Callable[[Event], bytes | None]:
    """Tokens about people, for the application that asked for them, where they concern it."""
    return writing.writer(webhook, events, at=at)


@receiver(application_signals.managers_asked)
def managers_of_contracts(
    *, tenant_ids: Collection[UUID], resources: Collection[str], at: datetime, **kwargs: Any
) -> list[tuple[UUID, str, str, str, str]]:
    """Whom to write to about contracts that end: people who may act on them now, by one statement."""
    found = holders.people(tenant_ids=tenant_ids, resources=resources, privilege=Privilege.EXECUTE, at=at)
    return list(found)


def _living(at: datetime) -> QuerySet[Assignment]:
    """Present and planned assignments: what begins tomorrow is handed out today."""
    return Assignment.objects.not_over(at).select_related("application_role", "tenant_role")


def _require(
    actor: Actor,
    tenant_id: UUID,
    held: tuple[set[Permission], bool],
    at: datetime,
    subject: tuple[str, object, str],
    *,
    read: Answers | None = None,
) -> None:
    asked, foreign = held
    if asked or foreign:
        require_may_grant(
            actor=actor, tenant_id=tenant_id, asked=asked, foreign=foreign, at=at, subject=subject, read=read
        )
