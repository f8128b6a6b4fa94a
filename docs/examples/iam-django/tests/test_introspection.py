"""What is remembered of an answer, for how long, and what is never asked."""

import pytest
from conftest import CLIENT, TENANT, Clock, Fake, Tokens, claims_of
from iam_django import Introspection, Portal, PortalAway

PATH = f"/iam/access-management/v1/tenants/{TENANT}/openid-connect/token/introspect"


@pytest.fixture
def look(fake: Fake, clock: Clock) -> Introspection:
    fake.answers[PATH] = (200, {"active": True, "token_type": "Bearer", **claims_of(fake, clock)})
    return Introspection(fake.portal, clock=clock)


def test_a_caller_is_asked_for_once_in_ten_seconds(
    fake: Fake, clock: Clock, look: Introspection, token: Tokens
) -> None:
    caller = look.look(token())
    assert caller is not None
    assert (caller.kind, caller.subject, caller.tenant_id) == ("service", "someone", TENANT)
    clock.now += 9.9
    assert look.look(token(exp=claims_of(fake, clock)["exp"])) is not None
    asked = len(fake.asked)
    clock.now += 0.2
    look.look(token())
    assert len(fake.asked) == asked + 1
    assert fake.asked[0][2].startswith("Basic ")


def test_an_end_is_seen_after_ten_seconds_and_at_once_when_told(
    fake: Fake, clock: Clock, look: Introspection, token: Tokens
) -> None:
    held = token()
    assert look.look(held)
    fake.answers[PATH] = (200, {"active": False})
    assert look.look(held)
    look.forget()
    assert look.look(held) is None


def test_nothing_is_remembered_past_its_own_end(
    fake: Fake, clock: Clock, look: Introspection, token: Tokens
) -> None:
    said = {**claims_of(fake, clock), "exp": int(clock.now) + 3}
    fake.answers[PATH] = (200, {"active": True, "token_type": "Bearer", **said})
    held = token()
    assert look.look(held)
    clock.now += 3
    assert look.look(held) is None, "whatever is answered"


def test_a_no_is_remembered_for_a_moment(
    fake: Fake, clock: Clock, look: Introspection, token: Tokens
) -> None:
    fake.answers[PATH] = (200, {"active": False})
    held = token()
    assert look.look(held) is look.look(held) is None
    assert len(fake.asked) == 1
    clock.now += 2
    look.look(held)
    assert len(fake.asked) == 2


def test_a_refresh_token_is_no_access_token(
    fake: Fake, clock: Clock, look: Introspection, token: Tokens
) -> None:
    fake.answers[PATH] = (200, {"active": True, "token_type": "refresh_token", **claims_of(fake, clock)})
    assert look.look(token()) is None


@pytest.mark.parametrize("bound", [{"jkt": "x" * 43}, {"x5t#S256": "x" * 43}, None])
def test_a_token_that_is_bound_is_no_plain_bearer(
    fake: Fake, clock: Clock, look: Introspection, token: Tokens, bound: object
) -> None:
    said = {**claims_of(fake, clock), "cnf": bound}
    fake.answers[PATH] = (200, {"active": True, "token_type": "Bearer", **said})
    assert look.look(token()) is None


@pytest.mark.parametrize("status", [401, 429, 500, 302])
def test_no_yes_is_made_up(fake: Fake, look: Introspection, token: Tokens, status: int) -> None:
    fake.answers[PATH] = (status, {})
    with pytest.raises(PortalAway):
        look.look(token())
    assert [path for path, _, _ in fake.asked] == [PATH], "and a redirect is not followed"


def test_nobody_is_asked_about_what_is_no_token_of_this_portal(
    fake: Fake, look: Introspection, token: Tokens
) -> None:
    strangers = [
        *("", "x", "a.b.c", "é.é.é", "a." * 40_000, "a.bnVsbA.c", "a.W10.c"),
        token(iss="https://other.example/iam/auth/realms/" + TENANT),
        token(iss=fake.base + "/iam/auth/realms/../../x"),
        token(iss=fake.base + "/iam/auth/realms/" + TENANT + "/x"),
        token(iss=7),
    ]
    assert [look.look(each) for each in strangers] == [None] * len(strangers)
    assert fake.asked == []


def test_it_keeps_a_bounded_number(fake: Fake, clock: Clock, look: Introspection, token: Tokens) -> None:
    look.most = 3
    for number in range(5):
        look.look(token(jti=str(number)))
    assert len(look._kept) == 3
    assert all(isinstance(key, bytes) and len(key) == 32 for key in look._kept), "by digest"


def test_a_portal_that_is_away_is_said_to_be(token: Tokens, fake: Fake) -> None:
    away = Introspection(Portal(fake.base, CLIENT, "s", timeout=0.2))
    fake.answers[PATH] = (200, b"{half")
    with pytest.raises(PortalAway) as refused:
        away.look(token())
    assert token() not in str(refused.value)
    assert "se/cret" not in repr(fake.portal)
