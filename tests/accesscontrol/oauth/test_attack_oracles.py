"""What somebody outside can tell apart: nothing by the words, and nothing by the clock where that counts."""

import re
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.accesscontrol.oauth.asserting import READER, Signer, registered
from tests.accesscontrol.oauth.asserting import key as made_key
from tests.accesscontrol.oauth.conftest import Caller, World, basic
from tests.accesscontrol.oauth.people import BACK, CHALLENGE, METER, Person, arrive

CHANGES = re.compile(
    r"(?s:Number of this request.*?</p>)|csrfmiddlewaretoken\" value=\"[^\"]+\"|iam_asked(=|%3D)[^&\"]+"
)
ROUNDS, RATIO = 40, 2.0  # a known name cost 180 times what an unknown one did before secrets were digests


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    return arrive(shared)


def told(reply: Any) -> tuple[tuple[str, str], ...]:
    """The headers; of the number that each request has, that it is there."""
    return tuple(sorted((name, "" if name == "X-Request-Id" else value) for name, value in reply.items()))


def seen(reply: Any, *names: str) -> tuple[Any, ...]:
    """All that a visitor gets, but for what changes with each request and for what he said himself."""
    text = reply.content.decode() + reply.get("Location", "")
    for name in names:
        text = text.replace(name, "NAME")
    return reply.status_code, CHANGES.sub("", text), reply.get("Content-Type"), tuple(sorted(reply.headers))


def test_the_sign_in_to_an_application_tells_a_stranger_nothing(jane: Person) -> None:
    """Shared with this organization or not: whoever is not signed in is asked to sign in."""
    world = jane.world
    for client_id in ("neighbour.meter", READER):
        world.set_client(client_id, redirect_uris=BACK)
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"prompt": "none"},
        {"scope": "openid x"},
        {"resource": "x"},
        {"response_type": "x"},
    )
    for more in wrong:
        answers = {
            seen(Person(world, jane.user).authorize(client_id, redirect_uri=BACK, **more), client_id)
            for client_id in (METER, READER, "neighbour.meter")
        }
        assert len(answers) == 1, more


def test_an_unknown_client_is_like_a_known_one_at_another_address(jane: Person) -> None:
    """The page cannot be told from the one for an id that is taken, at any tenant, signed in or not."""
    jane.sign_in()
    for who in (jane, Person(jane.world, jane.user)):
        answers = {
            seen(who.authorize(client_id, redirect_uri="https://made.up/"), client_id)
            for client_id in (
                METER,
                READER,
                "neighbour.meter",
                "iam-portal",
                "nobody.nothing",
                "acme.nothing",
            )
        }
        assert len(answers) == 1


def test_an_unknown_realm_is_one_page(jane: Person) -> None:
    """Whether an organization exists is no secret of the issuer's (its metadata is public); its client is."""
    query = urlencode(
        {"client_id": METER, "redirect_uri": BACK, "response_type": "code", "code_challenge": CHALLENGE}
    )
    for name in ("auth", "logout"):
        answers = {
            seen(Caller().get(f"/iam/auth/realms/{realm}/protocol/openid-connect/{name}?{query}"))
            for realm in (uuid4(), "nobody", "NOBODY", "%00", "x" * 300)
        }
        assert len(answers) == 1


def test_introspection_is_alike_to_the_byte_for_whoever_is_not_meant(jane: Person) -> None:
    """Headers too; and a token of nobody's takes the same answer as one that lives."""
    jane.sign_in()
    world, reply = jane.world, jane.tokens()
    service = world.token(READER, world.globex, f"aud:{METER}").json()["access_token"]
    answers = {
        (each.status_code, each.content, told(each))
        for tenant in (world.globex, world.acme, world.neighbour)
        for caller in (READER, "neighbour.meter", "neighbour.reader")
        for value in (
            reply["access_token"],
            reply["refresh_token"],
            reply["id_token"],
            service,
            "x" * 43,
            "a.b.c",
            "é",
        )
        for each in (world.introspect(caller, tenant, value),)
    }
    assert len(answers) == 1


def test_a_refused_code_or_token_says_no_more_than_that(jane: Person) -> None:
    """Unknown, somebody else's, another tenant's, over, used: one body."""
    jane.sign_in()
    world = jane.world
    used, fresh = jane.code(), jane.code()
    reply = jane.exchange(used).json()
    answers = {
        jane.exchange("x" * 43).content,
        jane.exchange(used).content,
        jane.exchange(fresh, "globex.reader").content,
        jane.exchange(fresh, code_verifier="w" * 43).content,
        jane.exchange(fresh, redirect_uri="https://made.up/").content,
        jane.refresh("x" * 43).content,
        jane.refresh(reply["refresh_token"]).content,  # ended by the second use above
        jane.refresh(reply["refresh_token"], "globex.reader").content,
    }
    for tenant in (world.acme, world.neighbour):
        form = {"grant_type": "refresh_token", "refresh_token": reply["refresh_token"]}
        answers.add(jane.ask(METER, form, tenant).content)
    world.clock.forward(seconds=61)
    answers.add(jane.exchange(fresh).content)
    assert len(answers) == 1


def ratio(acts: Mapping[str, Callable[[], Any]]) -> tuple[float, dict[str, float]]:
    """By what the slowest median stands above the quickest; in turns, so that load hits all alike."""
    took: dict[str, list[float]] = {name: [] for name in acts}
    for act in acts.values():
        act()
    for _ in range(ROUNDS):
        for name, act in acts.items():
            begun = perf_counter()
            act()
            took[name].append(perf_counter() - begun)
    medians = {name: median(times) for name, times in took.items()}
    return max(medians.values()) / min(medians.values()), medians


def test_the_clock_tells_no_known_client_from_an_unknown_one(jane: Person) -> None:
    """At the token endpoint, by secret: medians in one run, with room for a busy machine."""
    world, path = jane.world, f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/token"
    form = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}

    def knock(client_id: str, secret: str) -> Callable[[], Any]:
        headers = {"Authorization": basic(client_id, secret)}
        return lambda: world.browser.post(path, form, headers=headers)

    found, medians = ratio(
        {
            "wrong secret": knock(READER, "wrong"),
            "wrong secret of a stranger's": knock("neighbour.reader", "wrong"),
            "unknown": knock("nobody.nothing", "wrong"),
            "public": knock("acme.meter-frontend", "wrong"),
            "no id": knock("\0", "wrong"),
            "long": knock(READER, "x" * 1000),
        }
    )
    assert found < RATIO, medians


def test_the_clock_tells_no_signing_client_from_an_unknown_one(jane: Person) -> None:
    world = jane.world
    registered(world, made_key())
    known, stranger = Signer(world), Signer(world, client_id="nobody.nothing")
    forged = Signer(world, key=made_key(number=1))
    found, medians = ratio(
        {
            "another key": lambda: forged.post(forged.assertion()),
            "unknown": lambda: stranger.post(stranger.assertion()),
            "another tenant": lambda: known.post(known.assertion(aud="https://elsewhere.example")),
        }
    )
    assert found < RATIO, medians


def test_the_clock_tells_an_outsider_no_tenant_and_no_application(jane: Person) -> None:
    """KC-5 to somebody without a part: an unknown tenant, a foreign one, one where the target is."""
    world = jane.world
    found, medians = ratio(
        {
            "shared there": lambda: world.token("neighbour.reader", world.globex, f"aud:{METER}"),
            "not there": lambda: world.token("neighbour.reader", world.globex, "aud:nobody.nothing"),
            "another": lambda: world.token("neighbour.reader", world.acme, f"aud:{READER}"),
            "unknown": lambda: world.token("neighbour.reader", str(uuid4()), f"aud:{METER}"),
        }
    )
    assert found < RATIO, medians


def test_the_clock_tells_no_living_token_from_a_made_up_one(jane: Person) -> None:
    """To a client that may not know it: a refresh token of another client, and none."""
    jane.sign_in()
    world, token = jane.world, jane.tokens()["refresh_token"]
    found, medians = ratio(
        {
            "anothers": lambda: world.introspect("neighbour.meter", world.globex, token),
            "made up": lambda: world.introspect("neighbour.meter", world.globex, "x" * 43),
        }
    )
    assert found < RATIO, medians
