"""What happens to accepted contracts by amendments: rules of a random history."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from applications.actions import amendment_answers, amendments, open_amendments
from applications.actions.changes import Change
from tests.support import naive_amending
from tests.support.factories import SYSTEM
from tests.support.happening import History, index, maybe_offset
from tests.support.naive_facts import Amendment

some_keys = st.sampled_from([(), ("viewer",), ("editor",)])


class AmendmentActs(History):
    """Each outcome is compared: whether it goes, and by the invariant what it leaves."""

    @rule(
        number=index,
        add=some_keys,
        remove=some_keys,
        end=st.sampled_from(["stays", "stays", "moves", "opens"]),
        dates=st.tuples(maybe_offset, maybe_offset, maybe_offset),
        by_consumer=st.booleans(),
        answer=st.sampled_from([None, "accept", "accept"]),
    )
    def amend(self, number, add, remove, end, dates, by_consumer, answer) -> None:
        if not (found := self.pick(number, "accepted")):
            return
        key, row = found
        application = row.terms[0].role.application
        ends, when, answer_by = map(self.later, dates)
        wanted = Amendment(
            by_consumer=by_consumer,
            add=[(application, role) for role in add],
            remove=[(application, role) for role in remove],
            moves=end != "stays",
            ends=ends if end == "moves" else None,
            when=when,
            answer_by=answer_by,
        )
        roles = [self.model.living_role(*pair, self.at) for pair in wanted.add]
        wanted.roles = [role for role in roles if role is not None]
        expected = naive_amending.may_be_asked(self.model, row, wanted, self.at)
        change = Change(
            add=wanted.add,
            remove=wanted.remove,
            moves_end=wanted.moves,
            ends_at=wanted.ends,
            when=when,
            answer_by=answer_by,
        )
        tenant = self.u.tenants[row.consumer if by_consumer else row.provider]
        act = {"contract_id": UUID(key), "change": change, "by": SYSTEM, "at": self.at}
        if not self.tries(lambda: amendments.amend(tenant=tenant, **act), expected):
            return
        if naive_amending.widens(row, wanted):
            row.waiting, wanted.proposed = wanted, self.at
            if answer:
                self.answer(number, answer, by_proposer=False)
        else:
            naive_amending.carry_out(row, wanted, self.at)

    @rule(
        number=index,
        how=st.sampled_from(["accept", "accept", "decline", "withdraw"]),
        by_proposer=st.booleans(),
    )
    def answer(self, number: int, how: str, by_proposer: bool) -> None:
        waiting = [(key, row) for key, row in self.model.contracts.items() if row.waiting]
        if not waiting:
            return
        key, row = waiting[number % len(waiting)]
        wanted = row.waiting
        assert wanted is not None
        expected = naive_amending.waits(self.model, row, self.at) and by_proposer == (how == "withdraw")
        if how == "accept":
            expected = (
                expected
                and naive_amending.fits(self.model, row, wanted, self.at)
                and naive_amending.may_be_added(self.model, row, wanted, self.at)
            )
        stored = amendments.Amendment.objects.get(contract_id=key, state="proposed")
        side = row.consumer if by_proposer == wanted.by_consumer else row.provider
        act = {
            "tenant": self.u.tenants[side],
            "contract_id": UUID(key),
            "amendment_id": stored.id,
            "by": SYSTEM,
            "at": self.at,
        }
        if self.tries(lambda: getattr(amendment_answers, how)(**act), expected):
            row.waiting = None
            if how == "accept":
                naive_amending.carry_out(row, wanted, self.at)

    @rule()
    def the_unanswered_lapse(self) -> None:
        over = [
            row
            for row in self.model.contracts.values()
            if row.waiting and not naive_amending.waits(self.model, row, self.at)
        ]
        assert open_amendments.lapse_due(at=self.at) == len(over)
        for row in over:
            row.waiting = None
