"""The short way answers what the long way would, to the byte; and it is really taken."""

from dataclasses import replace

import pytest

from tests.accesscontrol.oauth.conftest import World, claims_of
from tests.support.shortened import ThroughWsgi, short_way


@pytest.fixture
def short(shared: World) -> World:
    return replace(shared, browser=ThroughWsgi(short_way()))


def test_the_third_token_comes_the_short_way(short: World) -> None:
    replies = [short.token("globex.reader", short.globex, "aud:acme.meter openid") for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200] * 4
    assert short.browser.app.answered == 3
    said = [claims_of(reply) for reply in replies]
    for each in said:
        each.pop("jti")
    assert said[0] == said[1] == said[2]
    assert len({reply.json()["jti"] for reply in replies}) == 4
