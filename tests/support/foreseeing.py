"""What an impact predicted is exactly what then changed: rules of a random history."""

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from applications.actions import applications, contracts, manifests, pauses
from iam_portal.walls import tenant_scope
from tenants.actions import partnerships
from tenants.actions import tenants as tenant_acts
from tenants.impact import Act, foresee
from tenants.models import Partnership
from tests.support import naive
from tests.support.comparing import named_by
from tests.support.contract_acts import ContractActs
from tests.support.factories import SYSTEM
from tests.support.happening import APPS, application_ids, index, maybe_offset, role_sets, tenant_names
from tests.support.other_acts import OtherActs
from tests.support.role_acts import held_by_editor, held_by_viewer
from tests.support.universe import OWNERS, TENANTS, manifest_of

Found = dict[str, Any]


class Foreseeing(ContractActs, OtherActs):
    """Each rule looks ahead, lets the act happen as any other, and compares."""

    @rule(number=index, when=maybe_offset, by_consumer=st.booleans())
    def foresee_the_end(self, number: int, when: timedelta | None, by_consumer: bool) -> None:
        if not (found := self.pick(number, "accepted")):
            return
        key, row = found
        moment = self.later(when) or self.at
        if not self.model.running(row, self.at) or (row.ends is not None and row.ends < moment):
            return
        viewer = row.consumer if by_consumer else row.provider
        given = {"contract_id": UUID(key), "by": SYSTEM, "at": self.at, "when": moment}
        predicted = self.ahead(
            "end",
            viewer,
            contracts.Contract.objects.get(id=key),
            lambda: contracts.end(tenant=self.u.tenants[viewer], **given),
            moment,
        )
        before = deepcopy(self.model)
        self.end(number, when, by_consumer)
        self.came_true(predicted, before, viewer, moment)

    @rule(number=index, when=maybe_offset, length=maybe_offset)
    def foresee_the_pause(self, number: int, when: timedelta | None, length: timedelta | None) -> None:
        if not (found := self.pick(number, "accepted")):
            return
        key, row = found
        moment = self.later(when) or self.at
        given = {
            "contract_id": UUID(key),
            "by": SYSTEM,
            "at": self.at,
            "when": moment,
            "until": moment + length if length else None,
        }
        predicted: list[Found] = []
        provider = self.u.tenants[row.provider]
        contract = contracts.Contract.objects.get(id=key)
        done = self.tries(
            lambda: predicted.append(
                self.ahead(
                    "pause", row.provider, contract, lambda: pauses.pause(tenant=provider, **given), moment
                )
            )
        )
        before = deepcopy(self.model)
        self.pause(number, when, length)
        if done:
            self.came_true(predicted[0], before, row.provider, moment)

    @rule(name=tenant_names)
    def foresee_a_suspension(self, name: str) -> None:
        if naive.lives(self.model.tenants[name], self.at):
            return
        tenant = self.u.tenants[name]
        predicted = self.ahead(
            "suspend",
            name,
            tenant,
            lambda: tenant_acts.suspend(tenant=tenant, reason="", by=SYSTEM, at=self.at),
        )
        before = deepcopy(self.model)
        self.suspend_or_resume_a_tenant(name)
        self.came_true(predicted, before, name, self.at)

    @rule(application=application_ids, really=st.integers(0, 3))
    def foresee_what_an_application_loses(self, application: str, really: int) -> None:
        known = self.model.applications[application]
        if known.life[1] is not None or (really and naive.lives(known.suspended, self.at)):
            return
        owner = self.u.tenants[known.owner]
        given = {"tenant": owner, "application_id": application, "by": SYSTEM, "at": self.at}
        row = self.u.applications[application]
        act = "suspend" if really else "retire"
        predicted = self.ahead(
            act,
            known.owner,
            row,
            (lambda: applications.suspend(**given, reason=""))
            if really
            else lambda: applications.retire(**given),
        )
        before = deepcopy(self.model)
        if really:
            self.suspend_or_resume_an_application(application)
        else:
            self.retire(application, 0)
        self.came_true(predicted, before, known.owner, self.at)

    @rule(application=application_ids, viewer=held_by_viewer, editor=held_by_editor, roles=role_sets)
    def foresee_a_declaration(self, application, viewer, editor, roles) -> None:
        known = self.model.applications[application]
        if known.life[1] is not None:
            return
        row, held = self.u.applications[application], {"viewer": viewer, "editor": editor}
        manifest = manifest_of(roles, held, sorted(self.model.required.get(application, ())))
        given = {"application": row, "manifest": manifest, "by": SYSTEM, "at": self.at}
        predicted = self.ahead("declare", known.owner, row, lambda: manifests.declare(**given))
        before = deepcopy(self.model)
        self.u.declare(application, roles, self.at, held)
        self.came_true(predicted, before, known.owner, self.at)

    @rule(number=index)
    def foresee_the_end_of_a_partnership(self, number: int) -> None:
        pairs = sorted(self.model.partners, key=sorted)
        if not pairs:
            return
        one, other = sorted(pairs[number % len(pairs)])
        partnership_id = self.u.partnerships[frozenset((one, other))]
        given = {"partnership_id": partnership_id, "by": SYSTEM, "at": self.at}
        predicted = self.ahead(
            "end",
            one,
            Partnership.objects.select_related("inviter", "invitee").get(id=partnership_id),
            lambda: partnerships.end(tenant=self.u.tenants[one], **given),
        )
        before = deepcopy(self.model)
        self.end_a_partnership(number)
        self.came_true(predicted, before, one, self.at)

    # --- comparing ---

    def ahead(
        self, name: str, viewer: str, subject: Any, do: Callable[[], object], when: datetime | None = None
    ) -> Found:
        """What the portal foresees, as the tenant ``viewer`` is told."""
        act = Act(name=name, tenant=self.u.tenants[viewer], subject=subject, at=self.at, when=when)
        with tenant_scope(act.tenant.id):  # as at its doors: it names its own people
            return foresee(act, do).as_json()

    def came_true(self, predicted: Found, before: naive.Naive, viewer: str, when: datetime) -> None:
        """Of pairs, people and services: neither more nor less than the model lost from ``when`` on."""
        moments = sorted({when, *(m for m in (*every_moment(before), *every_moment(self.model)) if m > when)})
        pairs = {
            (pair["applicationId"], self.u.named(pair["tenantId"])): (pair["becomes"], tuple(pair["roles"]))
            for pair in predicted["pairs"]
        }
        lost = lost_pairs(before, self.model, moments)
        assert predicted["pairCount"] == len(lost)
        assert pairs.items() <= lost.items()  # all that are told are so, and all of one's own are told
        owned = {app for app, known in self.model.applications.items() if known.owner == viewer}
        assert {pair for pair in lost if pair[0] in owned or pair[1] == viewer} <= pairs.keys()
        people = lost_people(before, self.model, moments)
        assert predicted["users"]["count"] == len(people)
        named = {self.named_urns(item) for item in predicted["users"]["items"]}
        assert named == {frozenset(urns) for name, urns in people.items() if name == viewer}
        calls = lost_calls(before, self.model, moments)
        assert predicted["services"]["count"] == len(calls)
        told = {
            (item["applicationId"], item["calls"], self.u.named(item["tenantId"]))
            for item in predicted["services"]["items"]
        }
        assert told == {call for call in calls if call[2] == viewer or call[0] in owned}

    def named_urns(self, item: Found) -> frozenset[tuple[str, str, str]]:
        """(application, role key, whose data) of each role that a person loses."""
        named = [named_by(urn) for urn in item["roles"]]
        return frozenset((application, key, self.u.named(scope)) for scope, application, key, _ in named)


def every_moment(model: naive.Naive) -> set[datetime]:
    """Also those at which people and assignments come and go."""
    lives = [given.life for given in (*model.assignments.values(), *model.given.values())]
    lives += [life for _, _, life in model.places]
    lives += [life for _, _, life in model.members]
    lives += [life for _, active in model.users.values() for life in active]
    return {*model.moments(), *(moment for life in lives for moment in life if moment is not None)}


def lost_pairs(before: naive.Naive, after: naive.Naive, moments: list[datetime]) -> dict[tuple, tuple]:
    found = {}
    for application in APPS:
        for tenant in TENANTS:
            gone, roles = False, set()
            for at in moments:
                had = before.available(application, tenant, at)
                gone = gone or bool(had and not after.available(application, tenant, at))
                for key in before.keys(application):
                    was = _slots(before.granted(application, key, tenant, at))
                    if was - _slots(after.granted(application, key, tenant, at)):
                        roles.add(key)
            if gone or roles:
                found[application, tenant] = ("unavailable" if gone else "narrowed", tuple(sorted(roles)))
    return found


def _slots(ways: set[tuple]) -> set[str | None]:
    """Held by ownership or provision is held once; each access contract is another scope."""
    return {contract if relation == "access" else None for relation, contract, _ in ways}


def lost_people(before: naive.Naive, after: naive.Naive, moments: list[datetime]) -> dict[str, set[tuple]]:
    found: dict[str, set[tuple]] = {}
    for name in TENANTS:
        for application in APPS:
            for at in moments:
                had, has = (amounts(model, name, application, at) for model in (before, after))
                for (key, scope), amount in had.items():
                    if (key, scope) not in has or amount - has[key, scope]:
                        made = key in before.made  # such a role has one name for all applications
                        found.setdefault(name, set()).add(("" if made else application, key, scope))
    return found


def amounts(model: naive.Naive, name: str, application: str, at: datetime) -> dict[tuple, frozenset[str]]:
    """What each role over each tenant's data amounts to for the tenant's user, by whichever ways."""
    found: dict[tuple, frozenset[str]] = {}
    for key, contract, scope in model.held(name, "user", name, application, at):
        amount = model.amounts_to(application, key, contract, at)
        found[key, scope] = found.get((key, scope), frozenset()) | amount
    return found


def called(
    model: naive.Naive, caller: str, target: str, tenant: str, at: datetime
) -> dict[tuple, frozenset[str]]:
    """The same of a call."""
    found: dict[tuple, frozenset[str]] = {}
    for key, scope, mark in model.may_call(caller, target, tenant, at):
        amount = model.amounts_to(target, key, mark, at)
        found[key, scope] = found.get((key, scope), frozenset()) | amount
    return found


def less(had: dict[tuple, frozenset[str]], has: dict[tuple, frozenset[str]]) -> bool:
    return any(slot not in has or amount - has[slot] for slot, amount in had.items())


def lost_calls(before: naive.Naive, after: naive.Naive, moments: list[datetime]) -> set[tuple]:
    """Also to the portal, of which each application holds a role at home: while it is available there."""
    portal = {
        (app, "iam-portal", home)
        for app, home in OWNERS.items()
        if any(before.available(app, home, at) and not after.available(app, home, at) for at in moments)
    }
    return portal | {
        (caller, target, tenant)
        for caller in APPS
        for target in APPS
        for tenant in TENANTS
        if any(
            less(called(before, caller, target, tenant, at), called(after, caller, target, tenant, at))
            for at in moments
        )
    }
