"""What applications do when something below them changed: same transaction, same refusal."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.dispatch import Signal, receiver

from applications import impact
from applications.actions.availability import moving
from applications.actions.ending import end_all
from applications.actions.erasing import erase
from applications.events import about_person, emit
from applications.policies import in_force_between, lock_applications, reach_of
from iam_portal.gate import Actor
from tenants import signals
from tenants.impact import Act, Part
from tenants.models import Partnership, Tenant, User


@receiver([signals.tenant_suspended, signals.tenant_resumed])
def rebuild_for_tenant(*, tenant: Tenant, at: datetime, **kwargs: Any) -> None:
    """Its own applications may have moved everywhere, shared ones in it and in those that use its data."""
    reach = reach_of(tenant)
    lock_applications(reach.applications)  # at once and in order, before the parts lock theirs
    parts = ((reach.own, None), (reach.received, {tenant.id}), (reach.onward, reach.around))
    for applications, tenants in parts:
        if applications:
            with moving(applications=applications, tenants=tenants, at=at):
                pass


@receiver(signals.partnership_moved)
def tell_partners(*, partnership: Partnership, verb: str, at: datetime, **kwargs: Any) -> None:
    """Each step has its event on both sides; the invited one's as soon as it is known."""
    sides = [partnership.inviter_id, *([partnership.invitee_id] if partnership.invitee_id else [])]
    data = {
        "partnershipId": str(partnership.id),
        "state": str(partnership.state),
        "tenantIds": [str(side) for side in sides],
    }
    for side in sides:
        emit(type=f"partnership.{verb}", tenant_id=side, subject=str(partnership.id), at=at, data=data)


@receiver(signals.auto_accept_changed)
def tell_own_side(
    *, partnership: Partnership, tenant: Tenant, contract_types: list[str], at: datetime, **kwargs: Any
) -> None:
    """What a side accepts unseen is not the other's to know."""
    emit(
        type="partnership.auto_accept_changed",
        tenant_id=tenant.id,
        subject=str(partnership.id),
        at=at,
        data={"partnershipId": str(partnership.id), "contractTypes": contract_types},
    )


@receiver([signals.user_deactivated, signals.user_reactivated, signals.user_deleted])
def tell_of_person(
    *, signal: Signal, tenant: Tenant, user: User, by: Actor, at: datetime, **kwargs: Any
) -> None:
    """He may come in no more, or again, or is gone."""
    verbs = {id(signals.user_deactivated): "deactivated", id(signals.user_reactivated): "reactivated"}
    verb = verbs.get(id(signal), "deleted")
    about = about_person(user.pk, by=by)
    emit(type=f"person.{verb}", tenant_id=tenant.id, subject=str(user.pk), at=at, data=about)


@receiver(signals.password_set)
def tell_of_password(*, user: User, by: Actor, at: datetime, **kwargs: Any) -> None:
    """By himself, or by a link of an administrator's."""
    tell_of_credential(user=user, credential="password", change="update", by=by, at=at)


@receiver(signals.credential_changed)
def tell_of_credential(
    *, user: User, credential: str, change: str, by: Actor, at: datetime, **kwargs: Any
) -> None:
    """What he proves himself by is another. Neither a name of it is told nor which one."""
    about = {**about_person(user.pk, by=by), "credential": credential, "change": change}
    subject = str(user.pk)
    emit(type="person.credential_changed", tenant_id=user.tenant_id, subject=subject, at=at, data=about)


@receiver(signals.partnership_ended)
def end_contracts(*, partnership: Partnership, by: Actor, at: datetime, **kwargs: Any) -> None:
    """A contract needs a partnership: those of the two tenants end, proposals are withdrawn."""
    if partnership.invitee is None:
        return
    contracts = list(in_force_between(partnership.inviter, partnership.invitee))
    end_all(contracts=contracts, by=by, at=at, note="The partnership ended.", tenant_id=by.tenant_id)


@receiver(signals.person_erased)
def erase_name(*, tenant: Tenant, names: Collection[str], pseudonym: str, **kwargs: Any) -> None:
    """Who made a credential or ended a contract is told beside it."""
    erase(tenant=tenant, names=names, pseudonym=pseudonym)


@receiver(signals.act_weighed)
def weigh(*, act: Act, **kwargs: Any) -> Callable[[], Part] | None:
    """What the act takes away in the way of availability, and all that follows."""
    return impact.look(act)
