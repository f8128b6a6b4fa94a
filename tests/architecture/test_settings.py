"""Production refuses what is unsafe, and every kind of answer carries the security headers."""

import base64
import os
import runpy
import secrets
import subprocess
import sys
import traceback
from collections.abc import Callable
from http.cookies import Morsel
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.urls import path
from pytest_django.fixtures import Settings

from accesscontrol.oauth.wire import FORM
from iam_portal import checks, csp, logs, pages
from iam_portal import settings as portal_settings
from iam_portal.launchers import keys
from iam_portal.launchers.portal import ROOT
from iam_portal.urls import urlpatterns as real_addresses
from tests.support.factories import PASSWORD, make_tenant, make_user

pytestmark = pytest.mark.slow

DOCUMENTED = ROOT / "docs" / "production.env.example"
SECRET = ("SECRET_KEY", "PORTAL_ENCRYPTION_KEYS", "PORTAL_SECRET_PEPPERS")
NEEDED = (*SECRET, "PORTAL_BASE_URL", "ALLOWED_HOSTS", "DATABASE_URL", "CELERY_BROKER_URL", "EMAIL_URL")


def started(environment: dict[str, str]) -> SimpleNamespace:
    """The settings as they are read under this environment, from the first line to the last."""
    with mock.patch.dict(os.environ, environment, clear=True), mock.patch.object(logs, "configure"):
        return SimpleNamespace(**runpy.run_path(portal_settings.__file__))


def refusal(environment: dict[str, str]) -> str:
    """What a process that does not start under it writes last, with the lines that it names."""
    with pytest.raises(ImproperlyConfigured) as refused:
        started(environment)
    return "".join(traceback.format_exception(refused.value))


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def production(**changed: str) -> dict[str, str]:
    return {**keys.filled(keys.read(DOCUMENTED)), **changed}


# --- what production refuses --------------------------------------------------------------------------


def test_production_starts_with_the_documented_environment() -> None:
    shown = "from iam_portal import settings as s; print(s.PRODUCTION, s.SECURE_HSTS_SECONDS, s.DEBUG)"
    done = run(production(), "-c", shown)

    assert done.stdout.split() == ["True", "31536000", "False"], done.stderr


def test_an_installation_is_a_production_unless_it_says_otherwise() -> None:
    environment = production()
    del environment["PORTAL_ENVIRONMENT"]

    assert started(environment).PRODUCTION is True


@pytest.mark.parametrize("name", NEEDED)
def test_nothing_that_matters_has_a_default(name: str) -> None:
    environment = production()
    del environment[name]

    assert name in refusal(environment).splitlines()[-1]


def test_production_refuses_the_keys_of_a_demo(tmp_path: Path) -> None:
    told = refusal(production(**keys.kept(tmp_path / "keys.env")))

    assert "SECRET_KEY is empty, or that of a demo or a test" in told


@pytest.mark.parametrize("name", SECRET)
def test_production_refuses_the_keys_of_the_tests(name: str) -> None:
    value = getattr(started({"PORTAL_ENVIRONMENT": "test"}), name)
    of_tests = ",".join(value) if isinstance(value, list) else value

    for value in (of_tests, ""):
        assert f"{name} is empty, or that of a demo or a test" in refusal(production(**{name: value}))


def of_bytes(number: int) -> str:
    return base64.b64encode(secrets.token_bytes(number)).decode()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("PORTAL_ENCRYPTION_KEYS", "no-key-at-all"),
        ("PORTAL_ENCRYPTION_KEYS", of_bytes(16)),
        ("PORTAL_ENCRYPTION_KEYS", "ä" * 44),
        ("PORTAL_SECRET_PEPPERS", of_bytes(32)),
        ("PORTAL_SECRET_PEPPERS", f"two:{of_bytes(32)}"),
        ("PORTAL_SECRET_PEPPERS", f"2:{of_bytes(31)}"),
        ("PORTAL_SECRET_PEPPERS", f"2:***{of_bytes(32)}"),
        ("PORTAL_SECRET_PEPPERS", f"1:{of_bytes(32)}"),  # the number of the first one
    ],
    ids=[
        "no base64",
        "short key",
        "no ascii",
        "no number",
        "word for a number",
        "short pepper",
        "stars",
        "twice",
    ],
)
def test_production_refuses_secrets_that_it_cannot_read(name: str, wrong: str) -> None:
    """At its start, not at the first token; without showing them."""
    whole = production()
    told = refusal({**whole, name: f"{whole[name]},{wrong}"})

    assert f"ImproperlyConfigured: Entry 2 of {name} is not " in told
    assert wrong not in told
    assert whole[name] not in told


def test_web_and_worker_need_no_owner_but_migrate_does() -> None:
    for absent in (True, False):
        environment = production(DATABASE_OWNER_URL="")
        if absent:
            del environment["DATABASE_OWNER_URL"]
        assert sorted(started(environment).DATABASES) == ["default"]

        done = run(environment, "manage.py", "migrate")
        assert done.returncode != 0
        assert done.stderr.startswith("CommandError: migrate needs DATABASE_OWNER_URL"), done.stderr


def test_a_database_pool_is_used_but_in_tests() -> None:
    assert started(production()).DATABASES["default"]["OPTIONS"]["pool"]["max_size"] == 6
    assert "pool" not in started({"PORTAL_ENVIRONMENT": "test"}).DATABASES["default"].get("OPTIONS", {})


# --- check --deploy -----------------------------------------------------------------------------------


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What our own checks look at, as it should be."""
    values = SimpleNamespace(
        PORTAL_ENVIRONMENT="production",
        PORTAL_BASE_URL="https://iam.example.com",
        ALLOWED_HOSTS=["iam.example.com"],
        DATABASES={"default": {"USER": "iam_web"}, "owner": {"USER": "iam_owner"}},
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        PORTAL_WEBHOOK_INSECURE_HTTP=False,
    )
    monkeypatch.setattr(checks, "settings", values)
    return values


def test_sound_settings_pass(sound: SimpleNamespace) -> None:
    assert checks.unsafe_settings(None) == []
    del sound.DATABASES["owner"]  # as in web and worker
    assert checks.unsafe_settings(None) == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("PORTAL_ENVIRONMENT", "demo", "iam.E001"),
        ("PORTAL_BASE_URL", "http://iam.example.com", "iam.E002"),
        ("ALLOWED_HOSTS", ["*"], "iam.E003"),
        ("PORTAL_WEBHOOK_INSECURE_HTTP", True, "iam.E013"),
        ("DATABASES", {"default": {"USER": "one"}, "owner": {"USER": "one"}}, "iam.E004"),
        *(
            ("EMAIL_BACKEND", f"django.core.mail.backends.{name}.EmailBackend", "iam.E005")
            for name in ("console", "dummy", "filebased", "locmem")
        ),
    ],
)
def test_unsafe_settings_are_errors_with_a_hint(
    sound: SimpleNamespace, name: str, value: Any, code: str
) -> None:
    setattr(sound, name, value)

    (message,) = checks.unsafe_settings(None)

    assert (message.id, message.is_serious()) == (code, True)
    assert message.hint


@pytest.mark.parametrize(
    ("address", "found"),
    [("", []), ("https://events.example.com", []), ("http://e.example.com", ["iam.E012"])],
)
def test_tokens_go_to_the_event_service_by_https_only(
    settings: Settings, address: str, found: list[str]
) -> None:
    settings.PORTAL_EVENTS_URL = address
    assert [message.id for message in checks.plain_events(None)] == found


def test_the_checks_are_asked_at_deployment() -> None:
    """The tests' own settings are unsafe in every way that a check knows of by its environment."""
    assert "iam.E001" in {message.id for message in run_checks(include_deployment_checks=True)}


# --- headers ------------------------------------------------------------------------------------------


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret that no answer may show")


urlpatterns = [*real_addresses, path("broken", broken), path("iam/broken", broken)]
handler400, handler403 = pages.bad_request, pages.forbidden
handler404, handler500 = pages.not_found, pages.server_error

TOKEN = "/oauth2/token"
INTROSPECT = "/auth/realms/acme/protocol/openid-connect/token/introspect"
ANSWERS: dict[str, tuple[int, Callable[[Browser], HttpResponse]]] = {
    "page": (200, lambda b: b.get("/t/acme/sign-in")),
    "redirect": (302, lambda b: b.get("/t/acme/users")),
    "unknown page": (404, lambda b: b.get("/nowhere")),
    "broken page": (500, lambda b: b.get("/broken")),
    "wrong host": (400, lambda b: b.get("/", headers={"Host": "evil.example"})),
    "wrong method": (405, lambda b: b.delete("/t/acme/sign-in")),
    "rest, nobody": (401, lambda b: b.get("/iam/access-management/v1/application/acl")),
    "rest, nowhere": (404, lambda b: b.get("/iam/nowhere")),
    "rest, broken": (500, lambda b: b.get("/iam/broken")),
    "token, refused": (401, lambda b: b.post(TOKEN, "grant_type=client_credentials", FORM)),
    "token, too many fields": (400, lambda b: b.post(TOKEN, "&".join(f"f{n}=" for n in range(1100)), FORM)),
    "introspection": (401, lambda b: b.post(INTROSPECT, "token=x", FORM)),
    "keys": (200, lambda b: b.get("/auth/realms/acme/protocol/openid-connect/certs")),
    "metadata": (200, lambda b: b.get("/auth/realms/acme/.well-known/openid-configuration")),
    "schema": (200, lambda b: b.get("/iam/schema/")),
    "reference": (200, lambda b: b.get("/iam/reference/")),
    "script of the reference": (200, lambda b: b.get("/static/iam_portal/reference.js")),
    "static file": (200, lambda b: b.get("/static/iam_portal/portal.css")),
    "probe": (200, lambda b: b.get("/livez")),
    "metrics": (200, lambda b: b.get("/metrics")),
}


@pytest.fixture
def visitor(db: None, settings: Settings, tmp_path: Path) -> Browser:
    settings.ROOT_URLCONF = __name__
    settings.STATIC_ROOT = str(tmp_path)
    make_user(make_tenant("acme"), "jane")
    return Browser(raise_request_exception=False)


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_carries_the_headers(visitor: Browser, kind: str) -> None:
    status, ask = ANSWERS[kind]

    reply = ask(visitor)

    assert reply.status_code == status, reply.content[:500]
    assert reply["Content-Security-Policy"] == csp.POLICY
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert reply["Referrer-Policy"] == "same-origin"
    assert reply["Cross-Origin-Opener-Policy"] == "same-origin"
    assert reply["X-Frame-Options"] == "DENY"
    assert "camera=()" in reply["Permissions-Policy"]
    assert "a secret that no answer may show" not in reply.getvalue().decode(errors="replace")


def test_the_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    directives = dict(part.split(" ", 1) for part in csp.POLICY.split("; "))

    assert directives["default-src"] == directives["base-uri"] == directives["frame-ancestors"] == "'none'"
    assert {directives["script-src"], directives["style-src"], directives["form-action"]} == {"'self'"}
    assert not any(word in csp.POLICY for word in ("unsafe", "*", "http", "blob:"))


def test_an_origin_is_written_as_browsers_write_it() -> None:
    for url, written in (
        ("https://IAM.example.com:443/root?x=1", "https://iam.example.com"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://iam.example.com:443", "http://iam.example.com:443"),
    ):
        assert csp.origin(url) == written


def test_an_https_installation_is_reached_by_https_only(visitor: Browser, settings: Settings) -> None:
    read = started(production())
    assert (read.SECURE_SSL_REDIRECT, read.SECURE_HSTS_SECONDS) == (True, 31_536_000)
    assert read.SECURE_HSTS_INCLUDE_SUBDOMAINS
    assert (read.SESSION_COOKIE_SECURE, read.CSRF_COOKIE_SECURE) == (True, True)

    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    visitor = Browser()
    assert visitor.get("/livez")["Location"] == "https://testserver/livez"
    assert visitor.get("/livez", secure=True)["Strict-Transport-Security"].startswith("max-age=31536000")


# --- cookies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("https", [True, False])
def test_cookies_are_kept_from_scripts_and_foreign_sites(
    visitor: Browser, settings: Settings, https: bool
) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = https
    settings.CSRF_COOKIE_NAME = (prefix := "__Host-" if https else "") + "csrftoken"  # as iam.E025 demands
    visitor.get("/t/acme/sign-in")
    reply = visitor.post("/t/acme/sign-in", {"username": "jane", "password": PASSWORD})
    assert reply.status_code == 302, reply.content

    cookies: dict[str, Morsel[str]] = dict(visitor.cookies)

    (session,) = (name for name in cookies if name.startswith(f"{prefix}iam_session_"))
    for name in (session, f"{prefix}csrftoken"):  # a __Host- one, RFC 6265bis
        assert (cookies[name]["path"], cookies[name]["domain"]) == ("/", "")
    for name, cookie in cookies.items():
        flags = (cookie["httponly"], cookie["samesite"], bool(cookie["secure"]))
        assert flags == (True, "Lax", https), name
