"""What an application is told of how somebody signed in (``amr``, RFC 8176); before that, nothing."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.accesscontrol.oauth.conftest import World
from tests.accesscontrol.oauth.people import Person, answered, arrive, opened
from tests.support.authenticating import code, with_app
from tests.support.factories import PASSWORD


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    return arrive(shared)


def methods(person: Person, **sent: Any) -> list[str]:
    return opened(person.tokens(**sent)["id_token"])["amr"]


def test_a_password_is_a_password(jane: Person) -> None:
    jane.sign_in()
    first = jane.tokens(scope="openid offline_access")
    assert opened(first["id_token"])["amr"] == ["pwd"]
    jane.world.clock.forward(minutes=2)
    renewed = jane.refresh(first["refresh_token"]).json()
    assert opened(renewed["id_token"])["amr"] == ["pwd"], "as it was then (OpenID Connect Core §12.2)"


def test_no_code_between_the_two_steps(jane: Person) -> None:
    secret, _codes = with_app(jane.user, at=jane.world.clock.at)
    asked = jane.authorize()
    page = asked["Location"]
    halfway = jane.browser.post(page, {"username": jane.user.username, "password": PASSWORD})
    assert halfway["Location"].startswith(f"/t/{jane.tenant.slug}/sign-in/second?next=")

    silent = answered(jane.authorize(prompt="none"))
    assert (silent["error"], "code" in silent) == ("login_required", False)
    assert jane.authorize()["Location"].startswith(f"/t/{jane.tenant.slug}/sign-in")

    arrived = jane.browser.post(halfway["Location"], {"code": code(secret, jane.world.clock.at)})
    onward = parse_qs(urlsplit(page).query)["next"][0]
    assert arrived.context["address"] == onward, "back to the request of the application"
    assert "code" in answered(jane.browser.get(onward))
    assert methods(jane) == ["mfa", "otp", "pwd"]


def test_who_has_to_prove_himself_anew_proves_both(jane: Person) -> None:
    secret, _codes = with_app(jane.user, at=jane.world.clock.at)
    page = f"/t/{jane.tenant.slug}/sign-in"
    given = {"username": jane.user.username, "password": PASSWORD}
    jane.browser.post(page, given)
    jane.browser.post(f"{page}/second", {"code": code(secret, jane.world.clock.at)})
    jane.world.clock.forward(minutes=5)
    asked = jane.authorize(max_age=60)
    assert "again=1" in asked["Location"]
    jane.browser.post(f"/t/{jane.tenant.slug}/account/confirm", {"password": PASSWORD})
    assert "again=1" in jane.authorize(max_age=60)["Location"], "a confirmation is no sign-in"
    jane.browser.post(page, given)
    assert "again=1" in jane.authorize(max_age=60)["Location"], "neither is half of one"
    jane.browser.post(f"{page}/second", {"code": code(secret, jane.world.clock.at)})
    told = opened(jane.tokens(max_age=60)["id_token"])
    assert (told["amr"], told["auth_time"]) == (["mfa", "otp", "pwd"], int(jane.world.clock.at.timestamp()))
