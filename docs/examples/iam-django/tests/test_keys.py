"""Tokens that are judged by the published keys."""

from typing import Any

import pytest
from conftest import CLIENT, TENANT, Clock, Fake, claims_of
from iam_django import LocalCheck, PortalAway
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

CERTS = f"/iam/auth/realms/{TENANT}/protocol/openid-connect/certs"
ONE, TWO = (ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"}) for kid in ("1", "2"))


@pytest.fixture
def check(fake: Fake, clock: Clock) -> LocalCheck:
    publish(fake, ONE)
    return LocalCheck(fake.portal, clock=clock)


def publish(fake: Fake, *keys: ECKey) -> None:
    fake.answers[CERTS] = (200, {"keys": [key.as_dict(private=False) for key in keys]})


def signed(claims: dict[str, Any], key: ECKey = ONE, **header: Any) -> str:
    said = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid, **header}
    return jwt.encode(said, claims, key, algorithms=[said["alg"]])


def test_a_good_one_is_known_without_a_question(fake: Fake, clock: Clock, check: LocalCheck) -> None:
    claims = claims_of(fake, clock)
    for _ in range(3):
        caller = check.look(signed(claims))
        assert caller is not None
        assert caller.roles == frozenset(claims["roles"])
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "acme.other"},
        {"aud": None},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": True},
        {"nbf": 9_999_999_999},
        {"tid": "other"},
        {"cnf": {"jkt": "x" * 43}},
        {"cnf": {"x5t#S256": "x" * 43}},
        {"cnf": None},
    ],
)
def test_what_is_not_for_us_or_over_opens_nothing(
    fake: Fake, clock: Clock, check: LocalCheck, changed: dict[str, Any]
) -> None:
    assert check.look(signed({**claims_of(fake, clock), **changed})) is None
    assert check.look(signed({**claims_of(fake, clock), "aud": ["x", CLIENT]})) is not None


def test_it_ends_to_the_second(fake: Fake, clock: Clock, check: LocalCheck) -> None:
    held = signed(claims_of(fake, clock))
    clock.now += 299
    assert check.look(held) is not None
    clock.now += 1
    assert check.look(held) is None


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "secevent+jwt"}, {"kid": "3"}])
def test_a_token_of_another_kind_or_key_opens_nothing(
    fake: Fake, clock: Clock, check: LocalCheck, header: dict[str, Any]
) -> None:
    assert check.look(signed(claims_of(fake, clock), **header)) is None


def test_a_key_that_a_token_brings_along_counts_for_nothing(
    fake: Fake, clock: Clock, check: LocalCheck
) -> None:
    own = ECKey.generate_key("P-256", {"kid": "1"})
    assert check.look(signed(claims_of(fake, clock), own, jwk=own.as_dict(private=False))) is None
    shared = OctKey.import_key("k" * 32)
    header = {"alg": "HS256", "typ": "at+jwt", "kid": "1"}
    forged = jwt.encode(header, claims_of(fake, clock), shared, algorithms=["HS256"])
    assert check.look(forged) is None


def test_a_new_key_is_looked_up_and_made_up_ones_cost_little(
    fake: Fake, clock: Clock, check: LocalCheck
) -> None:
    check.look(signed(claims_of(fake, clock)))
    publish(fake, ONE, TWO)
    assert check.look(signed(claims_of(fake, clock), TWO)) is None, "asked a moment ago"
    clock.now += 10
    assert check.look(signed(claims_of(fake, clock), TWO)) is not None
    for number in range(20):
        check.look(signed(claims_of(fake, clock), TWO, kid=f"x{number}"))
    assert len(fake.asked) == 2


def test_the_portal_may_be_away_for_a_while(fake: Fake, clock: Clock, check: LocalCheck) -> None:
    fake.answers[CERTS] = (500, {})
    with pytest.raises(PortalAway):
        check.look(signed(claims_of(fake, clock)))
    publish(fake, ONE)
    assert check.look(signed(claims_of(fake, clock))) is not None
    fake.answers[CERTS] = (500, {})
    clock.now += 400
    assert check.look(signed(claims_of(fake, clock))) is not None
