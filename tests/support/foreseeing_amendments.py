"""What the impact of a narrowing predicted is exactly what it then took: a rule of a random history."""

from copy import deepcopy
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from applications.actions.changes import Change
from iam_portal.walls import tenant_scope
from tests.applications.amending import foreseen
from tests.support import naive_amending
from tests.support.amendment_acts import AmendmentActs
from tests.support.factories import SYSTEM
from tests.support.foreseeing import Foreseeing, Found
from tests.support.happening import index, maybe_offset


class ForeseeingAmendments(Foreseeing, AmendmentActs):
    """It looks ahead, lets the amendment happen as any other, and compares."""

    @rule(
        number=index,
        remove=st.sampled_from([("editor",), ("viewer",), ()]),
        end=maybe_offset,
        when=maybe_offset,
        by_consumer=st.booleans(),
    )
    def foresee_a_narrowing(
        self,
        number: int,
        remove: tuple[str, ...],
        end: timedelta | None,
        when: timedelta | None,
        by_consumer: bool,
    ) -> None:
        accepted = [row for row in self.model.contracts.values() if row.state == "accepted"]
        living = [place for place, row in enumerate(accepted) if self.model.running(row, self.at)]
        if not living:
            return
        number = living[number % len(living)]  # as ``amend`` counts
        key, row = self.pick(number, "accepted") or ("", accepted[number])
        moment = self.later(when) or self.at
        held = {naive_amending.name(term.role) for term in row.terms if naive_amending.reaches(term, moment)}
        if len(held) < 2 or not remove:  # the last role is not taken away: then only the end comes sooner
            remove, when, end = (), None, end or timedelta(hours=1)
            moment = self.at
        ends = self.later(end)
        if ends is not None and row.ends is not None and ends > row.ends:
            return  # that widens
        change = Change(
            remove=[(row.terms[0].role.application, role) for role in remove],
            moves_end=ends is not None,
            ends_at=ends,
            when=self.later(when),
        )
        viewer = row.consumer if by_consumer else row.provider
        given = {"tenant": self.u.tenants[viewer], "contract_id": UUID(key), "by": SYSTEM, "at": self.at}
        predicted: list[Found] = []
        with tenant_scope(self.u.tenants[viewer].id):  # as at its doors
            done = self.tries(lambda: predicted.append(foreseen(**given, change=change).as_json()))
        before = deepcopy(self.model)
        dates = (end, when, None)
        self.amend(number, (), remove, "stays" if end is None else "moves", dates, by_consumer, None)
        if done:
            self.came_true(predicted[0], before, viewer, moment)
