"""Who waits for a provider: few of one organization, no turn, and not as often as he likes."""

from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from uuid import uuid4

import pytest

from accesscontrol.oauth.providers import waiting
from accesscontrol.oauth.providers.failing import Failed
from iam_portal.admission import Turns
from iam_portal.admission.turns import Turn
from tenants.actions import tallies
from tenants.actions.tallies import Limit
from tests.accesscontrol.oauth.there import There, anna, host, there

__all__ = ["host", "there"]


@pytest.fixture
def linked(there: There) -> There:
    """Anna would come in."""
    there.links(anna(there))
    return there


def test_a_slow_provider_holds_few_threads_and_none_of_others(
    linked: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.01)
    state = linked.asked()["state"]
    with waiting.place(linked.tenant.id):
        linked.fails("provider_busy", linked.comes_back(state))
    state = linked.asked()["state"]
    with waiting.place(uuid4()):
        assert linked.comes_back(state).status_code == 302 and linked.is_in, "another organization's"


def test_all_organizations_together_wait_in_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.01)
    with ExitStack() as held:
        for _ in range(waiting.IN_ALL):
            held.enter_context(waiting.place(uuid4()))
        with pytest.raises(Failed), waiting.place(uuid4()):
            pass
    assert not waiting._places._taken and not waiting._places._line


def test_who_comes_back_too_often_has_the_provider_asked_no_more(
    linked: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "OF_NETWORK", Limit(kind=8, most=1, window=waiting.OF_NETWORK.window))
    for _ in range(2):
        linked.signs_in(code="made-up")
        linked.browser.cookies.clear()
    assert len(linked.host.forms) == 1
    linked.fails("provider_busy network")
    linked.world.clock.forward(minutes=5)
    tallies.forget()
    assert linked.signs_in().status_code == 302


def test_others_run_while_a_provider_is_waited_for(linked: There) -> None:
    turns, told = Turns(running=1, longest=1), []
    state, real = linked.asked()["state"], linked.host.answers["/token"]

    def slow(handler: BaseHTTPRequestHandler) -> None:
        turns.enter("another stranger")
        told.append("ran")
        turns.leave("another stranger")
        real(handler)

    linked.host.answers["/token"] = slow
    turn = Turn(turns, "-")
    turn.take()
    query = {"code": "c-1", "state": state, "iss": linked.issuer}
    reply = linked.browser.get(linked.url("/back", **query), **{"iam.turn": turn})
    turn.let_go()
    assert told == ["ran"] and reply.status_code == 302 and linked.is_in
    assert turns._running == 0
