"""What happens to contracts: rules of a random history."""

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from applications.actions import contracts, pauses
from applications.actions.drafts import Offer
from tests.support import naive
from tests.support.factories import SYSTEM
from tests.support.happening import (
    Clock,
    History,
    application_ids,
    index,
    maybe_offset,
    role_sets,
    steps,
    tenant_names,
)
from tests.support.universe import OWNERS

MOST_CONTRACTS = 7


class ContractActs(History):
    """Where the agreement says whether an act goes, the outcome is compared too."""

    @rule(delta=steps)
    def time_passes(self, delta: timedelta) -> None:
        self.at += delta
        Clock.at = self.at

    @rule(number=index)
    def time_passes_to_a_boundary(self, number: int) -> None:
        ahead = [moment for moment in self.model.moments() if moment > self.at]
        if ahead:
            self.at = Clock.at = ahead[number % len(ahead)]

    @rule(
        application=application_ids,
        provider=tenant_names,
        consumer=tenant_names,
        type=st.sampled_from(["provision", "provision", "access"]),
        roles=role_sets,
        dates=st.tuples(maybe_offset, maybe_offset, maybe_offset),
        onward=st.booleans(),
        far=st.sampled_from(["drafted", "proposed", "accepted", "accepted"]),
    )
    def offer(self, application, provider, consumer, type, roles, dates, onward, far) -> None:
        if type == "provision":
            provider = OWNERS[application]
        if len(self.model.contracts) >= MOST_CONTRACTS or provider == consumer:
            return
        starts, ends, answer_by = map(self.later, dates)
        offer = Offer(
            type=type,
            roles=[(application, key) for key in roles],
            starts_at=starts,
            ends_at=ends,
            answer_by=answer_by,
            onward_access=onward and type == "provision",
        )
        made: list[str] = []
        if not self.tries(lambda: made.append(str(self.u.draft(provider, consumer, offer, self.at).id))):
            return
        if far != "drafted":
            self.tries(lambda: self.u.propose(made[0], self.at), expected=True)
        if far == "accepted" and self.model.contracts[made[0]].state == "proposed":
            self.tries(lambda: self.u.accept(made[0], self.at), expected=True)

    @rule(number=index)
    def propose(self, number: int) -> None:
        if found := self.pick(number, "draft"):
            key, row = found
            expected = self.model.shareable(row, self.at) and not self.model.lapsed(row, self.at)
            self.tries(lambda: self.u.propose(key, self.at), expected)

    @rule(number=index)
    def accept(self, number: int) -> None:
        if found := self.pick(number, "proposed"):
            key, row = found
            expected = self.model.shareable(row, self.at) and not self.model.lapsed(row, self.at)
            self.tries(lambda: self.u.accept(key, self.at), expected)

    @rule(number=index, how=st.sampled_from(["withdraw", "decline"]))
    def refuse(self, number: int, how: str) -> None:
        if found := self.pick(number, "proposed"):
            key, row = found
            tenant = self.u.tenants[row.provider if how == "withdraw" else row.consumer]
            act = {"withdraw": contracts.withdraw, "decline": contracts.decline}[how]
            self.tries(lambda: act(tenant=tenant, contract_id=UUID(key), by=SYSTEM, at=self.at), True)
            row.state = {"withdraw": "withdrawn", "decline": "declined"}[how]

    @rule(number=index, when=maybe_offset, length=maybe_offset)
    def pause(self, number: int, when: timedelta | None, length: timedelta | None) -> None:
        if found := self.pick(number, "accepted"):
            key, row = found
            begin = self.later(when) or self.at
            until = begin + length if length else None
            free = not any(
                (until is None or start < until) and (end is None or begin < end) and start != end
                for start, end in row.pauses
            )
            expected = free and self.model.running(row, self.at) and (row.ends is None or row.ends > begin)
            done = self.tries(
                lambda: pauses.pause(
                    tenant=self.u.tenants[row.provider],
                    contract_id=UUID(key),
                    by=SYSTEM,
                    at=self.at,
                    when=begin,
                    until=until,
                ),
                expected,
            )
            if done:
                row.pauses.append([begin, until])

    @rule(number=index)
    def resume(self, number: int) -> None:
        if found := self.pick(number, "accepted"):
            key, row = found
            running = [pause for pause in row.pauses if naive.lives([pause], self.at)]
            done = self.tries(
                lambda: pauses.resume(
                    tenant=self.u.tenants[row.provider], contract_id=UUID(key), by=SYSTEM, at=self.at
                ),
                bool(running) and self.model.running(row, self.at),
            )
            if done:
                naive.cut(running, self.at)

    @rule(number=index)
    def cancel_a_planned_pause(self, number: int) -> None:
        if found := self.pick(number, "accepted"):
            key, row = found
            planned = [pause for pause in row.pauses if pause[0] > self.at]
            if not planned:
                return
            stored = contracts.Contract.objects.get(id=key).pauses.get(during__startswith=planned[0][0])
            act = {"contract_id": UUID(key), "pause_id": stored.id, "by": SYSTEM, "at": self.at}
            self.tries(lambda: pauses.cancel(tenant=self.u.tenants[row.provider], **act), True)
            row.pauses.remove(planned[0])

    @rule(number=index, when=maybe_offset, by_consumer=st.booleans())
    def end(self, number: int, when: timedelta | None, by_consumer: bool) -> None:
        if found := self.pick(number, "accepted"):
            key, row = found
            moment = self.later(when) or self.at
            expected = self.model.running(row, self.at) and (row.ends is None or row.ends >= moment)
            tenant = self.u.tenants[row.consumer if by_consumer else row.provider]
            act = {"contract_id": UUID(key), "by": SYSTEM, "at": self.at, "when": moment}
            if self.tries(lambda: contracts.end(tenant=tenant, **act), expected):
                self.model.end(row, moment)
