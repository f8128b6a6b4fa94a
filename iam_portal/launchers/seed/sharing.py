"""Applications, partnerships and contracts."""

from datetime import datetime
from functools import partial
from typing import Any

from applications import manifest as manifests
from applications.actions import applications, contracts, drafts, pauses
from applications.actions.manifests import declare
from applications.models import Application, ApplicationSuspension, Contract
from iam_portal.gate import Actor
from iam_portal.launchers.seed.directory import Directory
from iam_portal.launchers.seed.plan import Plan
from iam_portal.launchers.seed.shapes import App, Share
from iam_portal.walls import tenant_scope
from tenants.actions import partnerships
from tenants.models import Tenant

_DRAFT, _PROPOSE, _ANSWER, _END, _RESUME, _PAUSE = 9.0, 10.5, 14.0, 17.0, 8.0, 16.0
_PLANNED_ON = -3  # the day on which a pause of the future was planned


def plan_applications(plan: Plan, directory: Directory) -> None:
    """Registered by their companies; what they declare follows a day later, when all it names is there."""
    for app in directory.world.apps:
        plan.add(app.registered, 11, partial(_register, app, directory))
        plan.add(app.registered + 1, 11, partial(_declare, app, directory))
        if app.suspended is not None:
            plan.add(app.suspended[0], 12, partial(_suspend, app, directory))


def plan_partners(plan: Plan, directory: Directory) -> None:
    """Invited, and joined by the one that was meant."""
    for inviter, other, day in directory.world.partners:
        plan.add(day, 10, partial(_partner, inviter, other, directory))


def plan_shares(plan: Plan, directory: Directory) -> None:
    """Every contract with all that happened to it."""
    for share in directory.world.shares:
        _Life(share, directory, plan).plan()


def document(app: App) -> dict[str, Any]:
    """What the application declares of itself, as on the wire."""
    types = {key: f"urn:{app.owner}:{part.kind}" for key, part in app.parts.items()}
    return {
        "resources": [
            {"type": types[key], "id": key, "name": part.name, "privileges": part.privileges.split()}
            for key, part in app.parts.items()
        ],
        "roles": [
            {
                "key": role,
                "name": role.replace("-", " ").capitalize(),
                "permissions": [
                    {"resourceType": types[key], "resourceId": key, "privileges": privileges.split()}
                    for key, privileges in held.items()
                ],
            }
            for role, held in app.roles.items()
        ],
        "requiredRoles": [{"applicationId": other, "role": role} for other, role in app.requires],
    }


def contract_of(share: Share, directory: Directory) -> Contract | None:
    """The contract of this share; its note is its name."""
    return Contract.objects.filter(
        provider=directory.tenant(share.provider),
        consumer=directory.tenant(share.consumer),
        note=share.note,
    ).first()


def _register(app: App, directory: Directory, at: datetime) -> None:
    if Application.objects.filter(id=app.id).exists():
        return
    owner, by = directory.tenant(app.owner), directory.administrator(app.owner)
    details = applications.Details(
        name=app.key,
        display_name=app.name,
        description=app.description,
        home_url=f"https://{app.key}.{app.owner}.example",
    )
    with tenant_scope(owner.id):
        applications.register(owner=owner, details=details, by=by, at=at, application_id=app.id)


def _declare(app: App, directory: Directory, at: datetime) -> None:
    application = Application.objects.get(id=app.id)
    if application.roles.exists():
        return
    by = directory.administrator(app.owner)
    with tenant_scope(directory.tenant(app.owner).id):
        declare(application=application, manifest=manifests.parse(document(app)), by=by, at=at)


def _suspend(app: App, directory: Directory, at: datetime) -> None:
    assert app.suspended is not None
    if ApplicationSuspension.objects.filter(application_id=app.id).exists():
        return
    owner, by = directory.tenant(app.owner), directory.administrator(app.owner)
    with tenant_scope(owner.id):
        reason = app.suspended[1]
        applications.suspend(tenant=owner, application_id=app.id, reason=reason, by=by, at=at)


def _partner(inviter_slug: str, other_slug: str, directory: Directory, at: datetime) -> None:
    inviter, other = directory.tenant(inviter_slug), directory.tenant(other_slug)
    if partnerships.are_partners(inviter, other):
        return
    with tenant_scope(inviter.id):
        by = directory.administrator(inviter_slug)
        _, token = partnerships.invite(inviter=inviter, expected=other, by=by, at=at)
    with tenant_scope(other.id):
        by = directory.administrator(other_slug)
        partnerships.redeem(token=token, tenant=other, by=by, at=at)


class _Life:
    """What happens to one contract, each act by a person of the side it belongs to."""

    def __init__(self, share: Share, directory: Directory, plan: Plan) -> None:
        self.share, self.directory, self._plan = share, directory, plan

    def plan(self) -> None:
        share, add = self.share, self._plan.add
        add(share.drafted, _DRAFT, self.draft)
        if share.proposed is not None:
            add(share.proposed, _PROPOSE, self.propose)
        if share.answer is not None:
            add(share.answer[1], _ANSWER, self.answer)
        for begin, until in share.pauses:
            add(min(begin, _PLANNED_ON), _PAUSE, partial(self.pause, begin, until))
            if until is not None and until < 0:
                add(until, _RESUME, self.resume)
        if share.ended is not None:
            add(share.ended[1], _END, self.end)

    def draft(self, at: datetime) -> None:
        share = self.share
        if contract_of(share, self.directory) is not None:
            return
        provider, by = self._side("provider")
        offer = drafts.Offer(
            type=share.type,
            roles=[(share.app, role) for role in share.roles],
            starts_at=self._day(share.starts),
            ends_at=self._day(share.ends),
            answer_by=self._day(share.answer_by),
            onward_access=share.onward,
            note=share.note,
        )
        consumer = self.directory.tenant(share.consumer)
        with tenant_scope(provider.id):
            contracts.draft(provider=provider, consumer_id=consumer.id, offer=offer, by=by, at=at)

    def propose(self, at: datetime) -> None:
        contract = self._contract()
        if contract.proposed_at is None:
            tenant, by = self._side("provider")
            with tenant_scope(tenant.id):
                contracts.propose(tenant=tenant, contract_id=contract.id, by=by, at=at)

    def answer(self, at: datetime) -> None:
        contract = self._contract()
        if contract.answered_at is not None or self.share.answer is None:
            return
        verb = self.share.answer[0]
        acts = {"accepted": contracts.accept, "declined": contracts.decline, "withdrawn": contracts.withdraw}
        tenant, by = self._side("provider" if verb == "withdrawn" else "consumer")
        with tenant_scope(tenant.id):
            acts[verb](tenant=tenant, contract_id=contract.id, by=by, at=at)

    def pause(self, begin: int, until: int | None, at: datetime) -> None:
        """Now, or planned; a pause that was over by now is ended by a resume instead of a plan."""
        contract, when = self._contract(), self._plan.moment(begin, _PAUSE)
        if contract.pauses.filter(during__startswith=when).exists():
            return
        end = self._plan.moment(until, _RESUME) if until is not None and until >= 0 else None
        tenant, by = self._side("provider")
        with tenant_scope(tenant.id):
            pauses.pause(tenant=tenant, contract_id=contract.id, when=when, until=end, by=by, at=at)

    def resume(self, at: datetime) -> None:
        contract = self._contract()
        if contract.pauses.filter(during__contains=at).exists():
            tenant, by = self._side("provider")
            with tenant_scope(tenant.id):
                pauses.resume(tenant=tenant, contract_id=contract.id, by=by, at=at)

    def end(self, at: datetime) -> None:
        contract = self._contract()
        if self.share.ended is None or contract.ended_by:
            return
        tenant, by = self._side(self.share.ended[0])
        with tenant_scope(tenant.id):
            contracts.end(tenant=tenant, contract_id=contract.id, by=by, at=at)

    def _contract(self) -> Contract:
        contract = contract_of(self.share, self.directory)
        assert contract is not None
        return contract

    def _side(self, side: str) -> tuple[Tenant, Actor]:
        slug = self.share.provider if side == "provider" else self.share.consumer
        return self.directory.tenant(slug), self.directory.manager(slug)

    def _day(self, day: int | None) -> datetime | None:
        return None if day is None else self._plan.moment(day)
