"""Whoever floods, hangs or sends oddly is held up alone (iam_portal.admission, docs/limits.md)."""

import json
import threading

import pytest
from structlog.contextvars import bind_contextvars

from iam_portal import limits
from iam_portal.admission import Rates, Refused
from tests.support.hall import Hall, until


def test_one_who_hangs_keeps_nobody_else_from_being_served() -> None:
    hall = Hall()
    hall.ask("globex")
    with hall.flooded("acme", 8):
        until(lambda: len(hall.inside) == 2)
        assert [hall.ask("globex")[0] for _ in range(20)] == ["200"] * 20
        assert hall.inside == ["acme", "acme"]  # no more of them run
    assert len(hall.inside) == 8
    assert not hall.refused("acme")  # they waited for their turn, and had it


def test_a_flood_is_refused_with_the_wait_and_leaves_places() -> None:
    hall = Hall(threads=16)
    hall.ask("globex")
    with hall.flooded("acme", 20):
        assert hall.places.held == 12  # a fourth of the threads is kept for others
        assert hall.refused("acme") == ["429"] * 8
        assert hall.ask("globex")[0] == "200"
        status, headers, body = hall.ask("acme", "/iam/access-management/v1/tenants/x/users")
        assert (status, headers["Retry-After"], headers["Connection"]) == ("429", "1", "close")
        assert json.loads(body)["code"] == "tenant_busy"
        assert json.loads(body)["retryAfter"] == 1
    assert hall.places.held == hall.turns._running == 0
    assert hall.ask("acme")[0] == "200"


def test_alone_nobody_waits_for_places_that_others_could_need() -> None:
    hall = Hall(threads=64)
    with hall.flooded("acme", 40):
        assert not hall.refused("acme")


def test_turns_go_round_the_tenants() -> None:
    """Who asked once is not behind all that a flood asked before."""
    hall = Hall(running=1)
    hall.ask("globex"), hall.ask("initech")
    with hall.flooded("acme", 6), hall.flooded("globex", 3):
        until(lambda: hall.inside == ["acme", "globex"])  # of each, one runs beside
        hall.go["acme"].set()
        hall.go["globex"].set()
    assert hall.inside.index("globex") == 1
    assert sorted(hall.inside) == ["acme"] * 6 + ["globex"] * 3


def test_who_waits_too_long_is_told_so() -> None:
    hall = Hall(longest=0.05)
    with hall.flooded("acme", 2):
        status, headers, body = hall.ask("acme")
        assert (status, headers["Retry-After"]) == ("503", "5")
        assert json.loads(body)["code"] == "portal_busy"
    assert hall.ask("acme")[0] == "200"
    assert hall.places.held == hall.turns._running == 0


def test_made_up_names_win_no_places() -> None:
    """Whoever nobody has vouched for waits with all others of his kind."""
    hall = Hall(threads=16)
    hall.ask("globex")
    names = [f"acme{number}" for number in range(20)]
    sent = [threading.Thread(target=hall.ask, args=(name, "/iam/slow")) for name in names]
    for each in sent:
        each.start()
    until(lambda: hall.places.held + sum(1 for _, status in hall.answers if status == "429") == 20)
    assert hall.places.held == 12
    assert hall.ask("globex")[0] == "200"
    hall.go["acme"].set()
    for each in sent:
        each.join(10)


def test_probes_and_style_answer_in_any_flood() -> None:
    hall = Hall(threads=4)
    with hall.flooded("acme", 8):
        for path in ("/livez", "/readyz", "/metrics", "/static/portal.css"):
            assert hall.ask("initech", path)[0] == "200"


def test_only_a_probe_itself_passes_the_limits() -> None:
    hall = Hall(threads=4)
    with hall.flooded("acme", 8):
        for path in ("/readyzzz", "/readyz/", "/metrics/x", "/livez.", "/x/static/"):
            assert hall.ask("acme", path)[0] == "429", path


def test_a_refusal_speaks_as_its_door() -> None:
    odd = {"HTTP_TRANSFER_ENCODING": "chunked"}
    _, headers, body = Hall().ask("acme", "/iam/auth/realms/x/protocol/openid-connect/token", **odd)
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert json.loads(body)["error"] == "invalid_request"
    for page in ("/t/acme/users", "/t/acme/access/token", "/t/acme/access/grants/x/revoke"):
        assert Hall().ask("acme", page, **odd)[1]["Content-Type"].startswith("text/plain"), page


def test_a_page_that_ends_like_a_door_of_oauth_has_the_rate_of_pages() -> None:
    hall = Hall(caller=1)
    assert [hall.ask("acme", "/t/acme/access/token")[0] for _ in range(22)] == ["200"] * 21 + ["429"]
    assert hall.ask("acme", "/iam/auth/realms/x/protocol/openid-connect/token")[0] == "200"


def test_rates_are_of_the_caller_and_of_the_tenant() -> None:
    now = [100.0]
    rates = Rates(caller=1, tenant=2, tokens=0, clock=lambda: now[0])
    for _ in range(20):  # saved in 20 seconds
        rates.take("acme", "first", tokens=False)
    with pytest.raises(Refused) as refused:
        rates.take("acme", "first", tokens=False)
    assert (refused.value.limit, refused.value.wait) == ("caller_rate", 1)
    for caller in ("second", "third"):
        for _ in range(10):
            rates.take("acme", caller, tokens=False)
    with pytest.raises(Refused) as refused:  # of all together
        rates.take("acme", "third", tokens=False)
    assert refused.value.limit == "tenant_rate"
    rates.take("globex", "neighbour", tokens=False)
    rates.take("acme", "first", tokens=True)  # no limit there
    now[0] += refused.value.wait
    rates.take("acme", "third", tokens=False)  # the wait that was told was true


def test_a_limit_that_refuses_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    limits.forget()
    bind_contextvars(actor="user:of-another", tenant="of-another", request_id="of-another")  # asked before
    before = limits.REFUSED.labels(limit="encoded_body")._value.get()
    secret = "Basic c2VjcmV0OnNlY3JldA=="
    for _ in range(3):
        Hall().ask("acme", HTTP_CONTENT_ENCODING="gzip", HTTP_AUTHORIZATION=secret, QUERY_STRING="token=abc")
    assert limits.REFUSED.labels(limit="encoded_body")._value.get() == before + 3
    lines = [record.getMessage() for record in caplog.records if record.name == "iam.limits"]
    assert len(lines) == 1
    assert "encoded_body" in lines[0]
    assert not any(word in lines[0] for word in ("c2Vjc", "abc", "of-another"))
