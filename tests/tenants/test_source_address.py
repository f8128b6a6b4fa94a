"""Whose address a request has: nobody makes his up, however many proxies stand in front."""

from types import SimpleNamespace

import pytest
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from iam_portal import checks
from iam_portal.tracing import source_address
from iam_portal.walls import tenant_scope
from tenants.actions import attempts
from tenants.models import SignInFailure, UserSession
from tests.applications.story import party
from tests.support.factories import PASSWORD

PEER = "10.0.0.7"
CASES = [
    (0, None, PEER),
    (0, "203.0.113.5", PEER),  # nobody in front: whatever is sent was made up
    (1, "203.0.113.5", "203.0.113.5"),
    (1, "198.51.100.1, 203.0.113.5", "203.0.113.5"),  # the caller sent an entry of his own
    (1, "10.0.0.7,127.0.0.1 ,203.0.113.5", "203.0.113.5"),
    (2, "203.0.113.5, 10.0.0.1", "203.0.113.5"),
    (2, "198.51.100.1, 203.0.113.5, 10.0.0.1", "203.0.113.5"),
    (2, "203.0.113.5", PEER),  # came past one of the proxies
    (1, None, PEER),
    (1, "", PEER),
    (1, "203.0.113.5,", PEER),
    (1, "203.0.113.5, unknown", PEER),
    (1, "203.0.113.5:4711", PEER),
    (1, "203.0.113.5' OR 1=1", PEER),
    (1, "2001:DB8::0:1", "2001:db8::1"),
    (1, "::ffff:203.0.113.5", "203.0.113.5"),
    (1, "fe80::1%anything at all", PEER),
    (-1, "198.51.100.1, 203.0.113.5", PEER),
]


@pytest.mark.parametrize(("proxies", "header", "expected"), CASES)
def test_only_what_our_proxies_saw_is_believed(
    settings: Settings, proxies: int, header: str | None, expected: str
) -> None:
    settings.PORTAL_TRUSTED_PROXIES = proxies
    headers = {} if header is None else {"X-Forwarded-For": header}
    request = RequestFactory().get("/", REMOTE_ADDR=PEER, headers=headers)
    assert source_address(request) == expected


def test_a_made_up_address_neither_hides_a_guesser_nor_shuts_anybody_out(
    db: None, settings: Settings
) -> None:
    """Through the door: each guess claims another address before the proxy's own entry."""
    settings.PORTAL_TRUSTED_PROXIES = 1
    acme = party("acme")

    def attempt(came_from: str, password: str, claimed: str = "192.0.2.77") -> int:
        given = {"username": "jane", "password": password}
        headers = {"X-Forwarded-For": f"{claimed}, {came_from}"}
        return Client().post("/t/acme/sign-in", given, headers=headers).status_code

    for number in range(attempts.FAILURES):
        assert attempt("198.51.100.1", "wrong", claimed=f"203.0.113.{number}") == 200
    assert attempt("198.51.100.1", PASSWORD, claimed="203.0.113.99") == 429
    assert attempt("203.0.113.1", PASSWORD) == 302, "it was named by the guesser only"
    with tenant_scope(acme.tenant.id):
        assert set(SignInFailure.objects.values_list("source_address", flat=True)) == {"198.51.100.1"}
        assert UserSession.objects.filter(source_address="203.0.113.1").count() == 1


TLS_PROXY = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.parametrize(
    ("proxies", "header", "refused"),
    [(0, None, False), (1, TLS_PROXY, False), (2, None, False), (-1, None, True), (0, TLS_PROXY, True)],
)
def test_a_proxy_that_nobody_counted_fails_the_deployment_check(
    monkeypatch: pytest.MonkeyPatch, proxies: int, header: tuple[str, str] | None, refused: bool
) -> None:
    values = SimpleNamespace(PORTAL_TRUSTED_PROXIES=proxies, SECURE_PROXY_SSL_HEADER=header)
    monkeypatch.setattr(checks, "settings", values)
    found = checks.uncounted_proxies(None)
    assert [message.id for message in found] == (["iam.E011"] if refused else [])
    assert all(message.hint for message in found)
