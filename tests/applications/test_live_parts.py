"""What the event service is made of: who is woken, which questions are joined, how often a writer tells."""

import asyncio
import threading
from typing import Any

import psycopg
import pytest
from django.db import transaction

from applications import events
from iam_portal.live import hub, questions
from iam_portal.live.hub import Hub
from iam_portal.live.questions import Answer, Desk, Question
from tests.applications.outbox import now, write
from tests.support.factories import make_tenant

QUESTION = Question("/x", (), "1", (("authorization", "Bearer a"),), "192.0.2.1")


def test_a_transaction_tells_once_and_only_when_it_commits(committed_db: None) -> None:
    acme = make_tenant("acme", at=now())
    with psycopg.connect(**hub._parameters(), autocommit=True) as heard:
        heard.execute(f"LISTEN {events.CHANNEL}")
        with transaction.atomic():
            for number in range(5):
                write(acme, number)
            transaction.set_rollback(True)
        with transaction.atomic():
            for number in range(5):
                write(acme, number)
            assert list(heard.notifies(timeout=0.1)) == []
        assert [told.payload for told in heard.notifies(timeout=20, stop_after=1)] == [""]
        assert list(heard.notifies(timeout=0.1)) == []


def test_only_those_are_woken_whose_stream_moved_past_them() -> None:
    async def main() -> None:
        desk = Desk()
        waiting = Hub(desk)
        waiting.tell(10, {})
        readers = {
            "behind": asyncio.create_task(waiting.wait("tenant:a", 10, 5)),
            "ahead": asyncio.create_task(waiting.wait("tenant:a", 14, 0.2)),  # has read that page already
            "other": asyncio.create_task(waiting.wait("tenant:b", 10, 0.2)),
        }
        await asyncio.sleep(0)
        waiting.tell(12, {"application:x": 12})
        waiting.tell(14, {"tenant:a": 13})
        assert await readers["behind"] == (12, True), "up to the former head there was nothing of his"
        assert await readers["ahead"] == (14, False)
        assert await readers["other"] == (10, False)
        assert await waiting.wait("tenant:a", 12, 5) == (12, True), "it has moved already"
        again = asyncio.create_task(waiting.wait("tenant:a", 14, 5))
        await asyncio.sleep(0)
        waiting.tell(3, {})  # the database is another
        assert await again == (14, True)
        assert await waiting.wait("tenant:a", 2, 5) == (2, True)
        assert not waiting._waiting
        desk.close()

    asyncio.run(main())


def test_equal_questions_are_joined_until_the_first_one_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks after that has a decision of his own: what was read before may no longer be so."""
    begun, go_on, asked = threading.Event(), threading.Event(), []

    def answer(question: Question) -> Answer:
        asked.append(question)
        begun.set()
        assert go_on.wait(10)
        return Answer(200, [], b"{}", {})

    monkeypatch.setattr(questions, "answer", answer)

    async def main() -> list[Any]:
        desk = Desk()
        first = [asyncio.create_task(desk.ask(QUESTION)) for _ in range(5)]
        await asyncio.get_running_loop().run_in_executor(None, begun.wait, 10)
        late = asyncio.create_task(desk.ask(QUESTION))
        others = [QUESTION.later(2), questions.replace(QUESTION, fields=(("authorization", "Bearer b"),))]
        apart = [asyncio.create_task(desk.ask(question)) for question in others]
        first.pop().cancel()  # who goes away takes nobody's answer with him
        await asyncio.sleep(0.05)
        go_on.set()
        found = await asyncio.gather(*first, late, *apart)
        desk.close()
        return found

    found = asyncio.run(main())
    assert len(asked) == 4
    assert len({id(one) for one in found[:4]}) == 1
    assert len({id(one) for one in found}) == 4


def test_questions_with_a_proof_are_never_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof gives once: who sends a stolen one at the same moment is answered for himself."""
    monkeypatch.setattr(questions, "answer", lambda question: Answer(200, [], b"{}", {}))
    proved = questions.replace(QUESTION, fields=(("authorization", "DPoP a"), ("dpop", "p")))

    async def main() -> list[Any]:
        desk = Desk()
        found = await asyncio.gather(*(desk.ask(proved) for _ in range(5)))
        desk.close()
        return found

    assert len({id(one) for one in asyncio.run(main())}) == 5
    said = [questions._environ(each)["iam.proven"] for each in (proved, proved.later(2))]
    assert said == [False, True], "only who has been answered waits on by the same proof"
