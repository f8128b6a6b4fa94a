"""What a process remembers is shared out: nobody pushes out what another asks for."""

import threading
from operator import itemgetter

import pytest

from accesscontrol.oauth.short import door
from accesscontrol.oauth.short.kept import Shelf
from tests.accesscontrol.oauth.changing import READER
from tests.accesscontrol.oauth.conftest import World
from tests.support.shortened import ThroughWsgi, short_way


def shelf(most: int) -> Shelf[int]:
    return Shelf(most, owner=itemgetter(0))


def test_who_fills_it_pushes_out_his_own() -> None:
    kept = shelf(100)
    for number in range(10):
        kept.put(("modest", number), number)
    for number in range(1_000):
        kept.put(("greedy", number), number)
    assert len(kept) == 100
    assert all(kept.get(("modest", number)) == number for number in range(10))
    assert kept.get(("greedy", 999)) == 999
    assert kept.get(("greedy", 909)) is None


def test_several_who_fill_it_together_push_out_each_other() -> None:
    kept = shelf(100)
    for number in range(5):
        kept.put(("modest", number), number)
    for number in range(400):
        kept.put((f"greedy {number % 8}", number), number)
    assert len(kept) == 100
    assert all(kept.get(("modest", number)) == number for number in range(5))


def test_alone_one_has_all_of_it() -> None:
    kept = shelf(100)
    for number in range(150):
        kept.put(("alone", number), number)
    assert [kept.get(("alone", number)) for number in (49, 50, 149)] == [None, 50, 149]


def test_what_was_used_last_stays() -> None:
    kept = shelf(3)
    for name in ("a", "b", "c"):
        kept.put((name, 1), 1)
    kept.get(("a", 1))
    kept.put(("d", 1), 1)  # all have one: the one who was there longest ago gives it
    assert [kept.get((name, 1)) for name in ("a", "b", "c", "d")] == [1, None, 1, 1]


def test_dropped_and_cleared_things_take_no_room() -> None:
    kept = shelf(2)
    for number in range(50):
        kept.put((f"{number}", 1), number)
        kept.drop((f"{number}", 1))
        kept.drop((f"{number}", 1))
    assert (len(kept), len(kept._of)) == (0, 0)
    kept.put(("a", 1), 1)
    kept.clear()
    assert (len(kept), len(kept._of), kept.get(("a", 1))) == (0, 0, None)


def test_many_at_once() -> None:
    """Whatever they do between each other, it stays bounded, and its two books tell the same."""
    kept, wrong = shelf(50), []

    def use(who: int) -> None:
        try:
            for number in range(3_000):
                key = (f"{(who + number) % 7}", number % 40)
                kept.put(key, number)
                kept.get((f"{number % 7}", number % 40))
                if number % 5 == 0:
                    kept.drop(key)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=use, args=[who]) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(kept) <= 50
    assert {key for each in kept._of.values() for key in each} == set(kept._kept)


def test_a_client_does_not_push_out_another_at_the_door(
    shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_KNOWN", 4)
    app = short_way()
    shared.browser = ThroughWsgi(app)
    for _ in range(2):
        shared.token(READER, shared.globex, "aud:acme.meter")
    for number in range(6):  # other forms each time, and each a yes
        shared.token("neighbour.reader", shared.neighbour, "aud:neighbour.meter" + " openid" * number)
    before = app.answered
    assert shared.token(READER, shared.globex, "aud:acme.meter").status_code == 200
    assert app.answered == before + 1
