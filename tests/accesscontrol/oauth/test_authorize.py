"""The authorization endpoint: what is refused, to whom that is told, and when one signs in again."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from accesscontrol.models import Authorization
from tenants.models import UserSession
from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.people import (
    BACK,
    BACK_PUBLIC,
    METER,
    Person,
    answered,
    arrive,
    opened,
)
from tests.support.factories import PASSWORD, make_user


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    person.sign_in()
    return person


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"nonce": "n" * 256}, "invalid_request"),
        ({"login_hint": "x" * 5000}, "invalid_request"),
        ({"login_hint": "\0"}, "invalid_request"),
        ({"scope": ["openid", "email"]}, "invalid_request"),
        ({"scope": "openid unheard-of"}, "invalid_scope"),
        ({"scope": 'openid "\\'}, "invalid_scope"),
        ({"scope": "openid aud:globex.reader"}, "invalid_scope"),
        ({"scope": "openid aud:iam-portal"}, "invalid_scope"),
        ({"scope": f"openid {METER}/editor"}, "invalid_scope"),  # a role that Jane does not hold
        ({"resource": "urn:iam:application:globex.reader"}, "invalid_target"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://x.example"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),  # which would mean plain
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
    ],
)
def test_what_the_client_is_told(jane: Person, sent: dict[str, Any], error: str) -> None:
    answer = answered(jane.authorize(**sent))
    assert answer["error"] == error
    assert answer["state"] == "s t&a=te"
    assert answer["iss"].endswith(str(jane.tenant.id))
    assert "code" not in answer
    assert not set('"\\') & set(answer["error_description"])


@pytest.mark.parametrize(
    "sent",
    [
        {"client_id": "nobody.nothing"},
        {"client_id": "\0"},
        {"client_id": [METER, METER]},
        {"client_id": "globex.reader"},  # it has no address
        {"redirect_uri": None},  # never for OpenID Connect
        {"redirect_uri": [BACK, BACK]},
        {"redirect_uri": BACK_PUBLIC},  # the other client's
    ],
)
def test_what_only_the_person_is_told(jane: Person, sent: dict[str, Any]) -> None:
    """Never a redirect: it would lead where somebody made up. One page for all of it."""
    pages = {
        jane.authorize(**each).content.decode().split("Number of this request")[0]
        for each in ({"client_id": "nobody.other"}, sent)
    }
    assert len(pages) == 1
    assert jane.authorize(**sent).status_code == 400


@pytest.mark.parametrize(
    ("sent", "again"),
    [({"prompt": "login"}, True), ({"prompt": "select_account"}, True), ({"max_age": "60"}, True)],
)
def test_to_sign_in_again(jane: Person, sent: dict[str, str], again: bool) -> None:
    """The same session goes on: what rests on it stays; and the request is served after that, once."""
    family = opened(jane.tokens()["access_token"])["sid"]
    jane.world.clock.forward(seconds=61)
    first = jane.authorize(**sent)
    where = urlsplit(first["Location"])
    query = parse_qs(where.query)
    assert query["again"] == ["1"]
    page = jane.browser.get(first["Location"])
    assert page.status_code == 200  # a form, although there is a session

    jane.world.clock.forward(seconds=5)
    answer = {"username": "jane", "password": PASSWORD, "next": query["next"][0]}
    jane.browser.post(f"/t/{jane.tenant.slug}/sign-in", answer)
    code = answered(jane.browser.get(query["next"][0]))["code"]
    about = opened(jane.exchange(code).json()["id_token"])
    assert about["auth_time"] == int(jane.world.clock.at.timestamp())
    families = {str(row.pk): row for row in jane.rows(Authorization.objects.select_related("session"))}
    assert families[family].session.ended_at is None
    assert len(jane.rows(UserSession.objects)) == 1


def test_a_mark_of_another_request_helps_nobody(jane: Person) -> None:
    """Otherwise a client could carry over that somebody has signed in again."""
    mark = parse_qs(
        urlsplit(parse_qs(urlsplit(jane.authorize(prompt="login")["Location"]).query)["next"][0]).query
    )
    jane.sign_in()
    other = jane.authorize(prompt="login", nonce="other", iam_asked=mark["iam_asked"][0])
    assert "/sign-in" in other["Location"]
    assert "/sign-in" in jane.authorize(prompt="login", iam_asked="made-up")["Location"]


def test_nothing_is_shown_when_nothing_may_be(shared: World, settings: Any) -> None:
    settings.ROOT_URLCONF = "iam_portal.urls"
    jane = arrive(shared)
    assert answered(jane.authorize(prompt="none"))["error"] == "login_required"
    jane.sign_in()
    assert "code" in answered(jane.authorize(prompt="none"))
    jane.world.clock.forward(seconds=10)
    assert answered(jane.authorize(prompt="none", max_age="5"))["error"] == "login_required"
    shared.set_client("globex.reader", redirect_uris=BACK)


def test_a_hint_names_who_is_expected(jane: Person) -> None:
    token = jane.tokens()["id_token"]
    assert "code" in answered(jane.authorize(prompt="none", id_token_hint=token))
    joe = Person(jane.world, make_user(jane.tenant, "joe", at=jane.world.clock.start))
    joe.sign_in()
    assert answered(joe.authorize(prompt="none", id_token_hint=token))["error"] == "login_required"
    assert "again=1" in joe.authorize(id_token_hint=token)["Location"]
    assert "code" in answered(joe.authorize(prompt="none", id_token_hint="made.up.token"))
