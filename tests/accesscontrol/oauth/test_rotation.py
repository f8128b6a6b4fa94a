"""Across a rotation: what was valid stays verifiable, here and for whoever keeps his copy of the keys."""

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from accesscontrol.actions import keys, rotation
from accesscontrol.models import SigningKey
from accesscontrol.models.keys import KeyState
from accesscontrol.oauth import tokens
from accesscontrol.oauth.claims import seconds
from iam_portal.errors import Invalid, NotFound
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent, HistoryPerson, Tenant
from tests.accesscontrol.oauth.conftest import World

READER, METER = "globex.reader", "acme.meter"
OPERATOR = Actor.system("Olga")
BOTH = ("ES256", "RS256")
DAY = timedelta(days=1)


def issued(world: World, algorithm: str = "ES256") -> str:
    world.set_client(READER, algorithm=algorithm)
    value: str = world.token(READER, world.globex, f"aud:{METER}").json()["access_token"]
    return value


def published(world: World, **headers: str) -> Any:
    path = f"/iam/auth/realms/{world.globex.id}/protocol/openid-connect/certs"
    return world.browser.get(path, headers=headers)


def verifies(value: str, jwks: Any) -> bool:
    """By somebody who knows nothing of us but a copy of the keys."""
    try:
        jwt.decode(value, KeySet.import_key_set(jwks), algorithms=list(BOTH))
    except (JoseError, ValueError):
        return False
    return True


def kid_of(value: str) -> str:
    header = json.loads(base64.urlsafe_b64decode(value.partition(".")[0] + "=="))
    return str(header["kid"])


def signer(world: World, algorithm: str = "ES256") -> str:
    return keys.signing_key(algorithm=algorithm, at=world.clock.at).kid


def active(world: World, value: str) -> bool:
    return bool(world.introspect(METER, world.globex, value).json()["active"])


def states(world: World, algorithm: str = "ES256") -> list[str]:
    rows = SigningKey.objects.filter(algorithm=algorithm).order_by("active_from", "created_at")
    return [str(row.state(world.clock.at)) for row in rows]


@pytest.mark.parametrize("algorithm", BOTH)
def test_no_valid_token_becomes_unverifiable(shared: World, algorithm: str) -> None:
    """Issued in the last second before and the first after; copies of the keys as old as they may be."""
    world, old = shared, signer(shared, algorithm)
    before_the_plan = published(world).json()
    (new,) = rotation.plan_soonest(algorithms=[algorithm], by=OPERATOR, at=world.clock.at)
    world.clock.at = new.active_from - timedelta(seconds=keys.MAX_AGE)
    kept = published(world).json()
    world.clock.at = new.active_from - timedelta(seconds=1)
    last = issued(world, algorithm)
    world.clock.forward(seconds=1)
    first = issued(world, algorithm)

    assert (kid_of(last), kid_of(first)) == (old, new.kid)
    assert verifies(last, before_the_plan)
    assert verifies(first, kept)
    world.clock.forward(seconds=298)
    now = published(world).json()
    for value in (last, first):
        assert tokens.read(value, at=world.clock.at)
        assert verifies(value, now)
        assert active(world, value)


def test_life_of_a_key(shared: World, settings: Any) -> None:
    """One job an hour, for half a year: next, active, retiring, withdrawn, and the private part forgotten."""
    world = shared
    begun = SigningKey.objects.get(algorithm="ES256").active_from
    world.clock.at = begun + settings.SIGNING_KEY_LIFE - settings.SIGNING_KEY_AHEAD - timedelta(seconds=1)
    assert rotation.run(at=world.clock.at) == []
    world.clock.forward(seconds=1)
    assert [row.algorithm for row in rotation.run(at=world.clock.at)] == list(BOTH)
    assert rotation.run(at=world.clock.at) == []
    assert states(world) == ["active", "next"]
    world.clock.forward(days=1)
    assert states(world) == ["retiring", "active"]
    old = SigningKey.objects.order_by("active_from").filter(algorithm="ES256")[0]
    assert old.private_sealed
    world.clock.forward(hours=1)
    rotation.run(at=world.clock.at)
    assert not SigningKey.objects.get(pk=old.pk).private_sealed
    assert {key["kid"] for key in published(world).json()["keys"]} >= {old.kid}
    world.clock.forward(hours=23)
    assert states(world) == ["withdrawn", "active"]
    assert old.kid not in {key["kid"] for key in published(world).json()["keys"]}
    assert rotation.run(at=world.clock.at) == []


def test_a_job_that_was_away_gives_the_next_key_its_full_time(shared: World) -> None:
    shared.clock.forward(days=400)
    assert states(shared) == ["active"]  # it signs on, past its age
    (planned, _) = rotation.run(at=shared.clock.at)
    assert planned.active_from == shared.clock.at + DAY


def test_a_plan_is_made_once_and_may_be_moved(shared: World) -> None:
    at = shared.clock.at
    (first,) = rotation.plan(algorithms=["ES256"], by=OPERATOR, at=at)
    (again,) = rotation.plan(algorithms=["ES256"], by=OPERATOR, at=at + timedelta(seconds=1))
    assert (again.kid, again.active_from) == (first.kid, at + DAY)
    for begins_at in (at + 3 * DAY, at + timedelta(hours=2)):
        (moved,) = rotation.plan(algorithms=["ES256"], by=OPERATOR, at=at, begins_at=begins_at)
        assert (moved.kid, moved.active_from) == (first.kid, begins_at)
        old = SigningKey.objects.signing(at).get(algorithm="ES256")
        assert (old.retired_at, old.withdrawn_at) == (begins_at, begins_at + DAY)


@pytest.mark.parametrize(
    "wait", [timedelta(seconds=-1), timedelta(0), timedelta(seconds=359), timedelta(days=91)]
)
def test_no_plan_before_verifiers_know_or_after_the_age_of_a_key(shared: World, wait: timedelta) -> None:
    with pytest.raises(Invalid, match="may sign from a moment between"):
        rotation.plan(algorithms=["ES256"], by=OPERATOR, at=shared.clock.at, begins_at=shared.clock.at + wait)
    assert states(shared) == ["active"]


def test_a_planned_key_that_verifiers_know_takes_over_in_seconds(shared: World) -> None:
    rotation.plan(algorithms=["ES256"], by=OPERATOR, at=shared.clock.at)
    at = shared.clock.forward(hours=1)
    (soon,) = rotation.plan_soonest(algorithms=["ES256"], by=OPERATOR, at=at)
    assert soon.active_from == at + rotation.KNOWN_AFTER


class TestStolen:
    """``--compromised``: by yesterday's administrator, who has a copy of the private key."""

    def test_refused_at_once_and_another_signs_at_once(self, shared: World) -> None:
        stolen, token = signer(shared), issued(shared)
        other = issued(shared, "RS256")
        (done,) = rotation.withdraw(kids=[stolen], by=OPERATOR, at=shared.clock.at)
        assert not active(shared, token)
        assert active(shared, other)
        assert stolen not in {key["kid"] for key in published(shared).json()["keys"]}
        assert kid_of(issued(shared)) == done.signer == signer(shared)
        assert done.published_at == shared.clock.at
        assert SigningKey.objects.get(kid=stolen).private_sealed == ""

    def test_a_key_that_was_published_takes_over(self, shared: World) -> None:
        (following,) = rotation.plan(algorithms=["ES256"], by=OPERATOR, at=shared.clock.at)
        kept = published(shared).json()
        at = shared.clock.forward(hours=2)
        (done,) = rotation.withdraw(kids=[signer(shared)], by=OPERATOR, at=at)
        assert (done.signer, done.published_at) == (following.kid, following.created_at)
        assert verifies(issued(shared), kept)
        assert states(shared) == ["withdrawn", "active"]

    def test_a_stolen_next_key_never_signs_and_the_present_one_goes_on(self, shared: World) -> None:
        old = signer(shared)
        (following,) = rotation.plan(algorithms=["ES256"], by=OPERATOR, at=shared.clock.at)
        (done,) = rotation.withdraw(kids=[following.kid], by=OPERATOR, at=shared.clock.at)
        assert done.signer == old
        shared.clock.forward(days=2)
        assert signer(shared) == old
        assert KeyState.NEXT not in states(shared)

    def test_all_at_once_leaves_no_algorithm_without_a_key(self, shared: World) -> None:
        rotation.plan(algorithms=BOTH, by=OPERATOR, at=shared.clock.at)
        shared.clock.forward(days=1, seconds=1)  # retiring and active
        kids = [row.kid for row in SigningKey.objects.all()]
        done = rotation.withdraw(kids=kids, by=OPERATOR, at=shared.clock.at)
        assert len(done) == 4
        assert not {key["kid"] for key in published(shared).json()["keys"]} & set(kids)
        for algorithm in BOTH:
            assert active(shared, issued(shared, algorithm))

    def test_twice_and_unknown(self, shared: World) -> None:
        kid = signer(shared)
        rotation.withdraw(kids=[kid], by=OPERATOR, at=shared.clock.at)
        count = SigningKey.objects.count()
        assert rotation.withdraw(kids=[kid], by=OPERATOR, at=shared.clock.at) == []
        with pytest.raises(NotFound, match="made-up"):
            rotation.withdraw(kids=[signer(shared), "made-up"], by=OPERATOR, at=shared.clock.at)
        assert SigningKey.objects.count() == count
        assert SigningKey.objects.get(kid=signer(shared)).withdrawn_at is None

    def test_an_old_hint_by_a_withdrawn_key_counts_for_nothing(self, shared: World) -> None:
        at = shared.clock.at
        issuer = f"http://testserver/iam/auth/realms/{shared.globex.id}"
        claims: dict[str, Any] = {"iss": issuer, "sub": str(uuid4()), "aud": READER}
        claims |= {"exp": seconds(at) + 60, "iat": seconds(at)}
        hint = tokens.sign(claims, at=at, type=tokens.ID)
        assert tokens.read_hint(hint, at=at + timedelta(hours=8)) == claims
        with pytest.raises(tokens.Unreadable):
            tokens.read(hint, at=at)  # an ID token opens nothing
        with pytest.raises(tokens.Unreadable):
            tokens.read(hint, at=at + timedelta(hours=8), type=tokens.ID)
        with pytest.raises(tokens.Unreadable):
            tokens.read_hint(issued(shared), at=at)
        rotation.withdraw(kids=[signer(shared)], by=OPERATOR, at=at)
        with pytest.raises(tokens.Unreadable):
            tokens.read_hint(hint, at=at)


def test_processes_that_hold_an_old_set(shared: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process withdrew the key: this one believes its set for five seconds, and no longer."""
    now = [1000.0]
    monkeypatch.setattr(keys.time, "monotonic", lambda: now[0])
    keys.forget()
    token, kid = issued(shared), signer(shared)
    keys.jwks(at=shared.clock.at)
    monkeypatch.setattr(keys, "forget", lambda: None)
    rotation.withdraw(kids=[kid], by=OPERATOR, at=shared.clock.at)
    shared.clock.forward(seconds=4)
    now[0] += 4
    assert active(shared, token)
    shared.clock.forward(seconds=1)
    now[0] += 1
    assert not active(shared, token)


def test_history_says_who_and_which_but_nothing_private(shared: World) -> None:
    platform = Tenant.objects.get(is_platform=True)
    old = signer(shared)
    private = keys.unseal(SigningKey.objects.get(kid=old).private_sealed)["d"]
    (new,) = rotation.plan(algorithms=["ES256"], by=OPERATOR, at=shared.clock.at)
    rotation.withdraw(kids=[old], by=OPERATOR, at=shared.clock.at)
    with tenant_scope(platform.id):
        rows = list(
            HistoryEvent.objects.filter(subject_kind="signing_key", at=shared.clock.at).order_by("id")
        )
        names = set(
            HistoryPerson.objects.filter(event_id__in=[row.id for row in rows]).values_list("actor_name")
        )
    assert [(row.action, row.subject_id) for row in rows] == [
        ("signing_key.planned", new.kid),
        ("signing_key.withdrawn", old),
        ("signing_key.activated", new.kid),
    ]
    assert names == {("Olga",)}
    assert private not in str([row.after for row in rows])


@pytest.mark.parametrize("dies_at", [1, 2])
def test_killed_at_any_point_it_has_done_nothing(
    shared: World, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    at, recorded = shared.clock.forward(days=90), rotation._record
    count = [0]

    def dies(*given: Any) -> None:
        count[0] += 1
        if count[0] == dies_at:
            raise KeyboardInterrupt
        recorded(*given)

    monkeypatch.setattr(rotation, "_record", dies)
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        rotation.run(at=at)
    assert states(shared) == states(shared, "RS256") == ["active"]
    keys.forget()
    assert active(shared, issued(shared))
    assert len(rotation.run(at=at)) == 2


def test_a_key_that_cannot_be_unsealed_verifies_and_never_signs(shared: World, settings: Any) -> None:
    token = issued(shared)
    settings.PORTAL_ENCRYPTION_KEYS = ["b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMDA="]
    keys._held.keys = {}
    keys.forget()
    assert keys.without_signer(at=shared.clock.at) == list(BOTH)
    assert shared.token(READER, shared.globex, f"aud:{METER}").status_code == 503
    assert active(shared, token)
    keys._held.keys = {}
