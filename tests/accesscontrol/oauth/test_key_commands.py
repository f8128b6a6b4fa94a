"""What operators type, and what they read; and the job that does it without them."""

import os
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import settings as portal
from django.core.management import CommandError, call_command

from accesscontrol import jobs
from accesscontrol.actions import keys
from accesscontrol.models import SigningKey
from applications import hashers
from applications.delivery import sealed
from applications.models import ClientSecret, Webhook, WebhookSecret
from iam_portal import wall_seals
from iam_portal.schedule import JOBS
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.actions import anchors, verification
from tenants.actions import apps as authenticator_apps
from tests.accesscontrol.oauth.conftest import World
from tests.support.authenticating import code, with_app
from tests.support.factories import make_user

BOTH = ["ES256", "RS256"]


def said(command: str, *arguments: str) -> str:
    output = StringIO()
    call_command(command, *arguments, stdout=output)
    return output.getvalue()


def rotate(*arguments: str) -> list[list[str]]:
    """The rows of the list that every call ends with: key, algorithm, state, moments."""
    rows = said("rotate_signing_keys", *arguments).splitlines()
    start = next(number for number, row in enumerate(rows) if row.startswith("key "))
    return [row.split() for row in rows[start + 1 :]]


def column(rows: list[list[str]], number: int) -> list[str]:
    return [row[number] for row in rows]


def test_plan_list_and_move(shared: World) -> None:
    assert column(rotate("--list"), 2) == ["active", "active"]
    rows = rotate()
    assert (column(rows, 1), column(rows, 2)) == (sorted(BOTH * 2), ["active", "next"] * 2)
    tomorrow = (shared.clock.at + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert rows[0][4] == rows[1][3] == tomorrow
    assert rotate() == rotate("--list") == rows
    later = (shared.clock.at + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert column(rotate("--at", later, "--algorithm", "ES256"), 3)[1::2] == [later, tomorrow]
    shared.clock.forward(hours=1)
    soon = (shared.clock.at + timedelta(seconds=15)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert column(rotate("--now"), 3)[1::2] == [soon, soon]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--at", "tomorrow"),
        ("--at", "2027-01-31T06:00:00"),
        ("--at", "2027-13-31T06:00:00Z"),
        ("--at", "2020-01-31T06:00:00Z"),
        ("--at", "9999-12-31T23:59:59Z"),
        ("--now", "--list"),
        ("--compromised",),
        ("--compromised", "made-up"),
        ("--algorithm", "HS256"),
    ],
)
def test_wrong_words_change_nothing(shared: World, arguments: tuple[str, ...]) -> None:
    before = list(SigningKey.objects.values_list())
    with pytest.raises(CommandError):
        rotate(*arguments)
    assert list(SigningKey.objects.values_list()) == before


def test_compromised_says_what_it_breaks_and_shows_nothing_private(shared: World) -> None:
    old = keys.signing_key(algorithm="ES256", at=shared.clock.at)
    private = keys.unseal(SigningKey.objects.get(kid=old.kid).private_sealed)["d"]
    text = said("rotate_signing_keys", "--compromised", old.kid, "--by", "Olga")
    new = keys.signing_key(algorithm="ES256", at=shared.clock.at).kid
    for part in (f"{old.kid} (ES256) is withdrawn", "within 5 s", "up to 305 s", f"{new} signs now"):
        assert part in text
    assert private not in text
    assert "published only since" in text
    assert "nothing was changed" in said("rotate_signing_keys", "--compromised", old.kid)

    rotate("--algorithm", "RS256")
    shared.clock.forward(hours=1)
    old = keys.signing_key(algorithm="RS256", at=shared.clock.at)
    assert "published since" in said("rotate_signing_keys", "--compromised", old.kid)


def test_the_job_is_scheduled_often_enough(shared: World) -> None:
    entry = next(job for job in JOBS.values() if job["task"] == jobs.rotate_signing_keys.name)
    assert timedelta(seconds=entry["schedule"]) < portal.SIGNING_KEY_AHEAD
    shared.clock.forward(days=89)
    jobs.rotate_signing_keys()
    jobs.rotate_signing_keys()
    assert column(rotate("--list"), 2) == ["active", "next"] * 2


class TestNewEncryptionKey:
    """``reseal_secrets``, with a new key first in the ring."""

    @pytest.fixture
    def secret(self, shared: World) -> WebhookSecret:
        with tenant_scope(shared.acme.id):
            hook = Webhook.objects.create(
                tenant=shared.acme,
                url="https://x.example",
                types=["*"],
                position=0,
                created_at=shared.clock.at,
            )
            return sealed.seal_new(hook, at=shared.clock.at)[0]

    def test_everything_is_sealed_anew_once(
        self, shared: World, secret: WebhookSecret, settings: Any
    ) -> None:
        jane = make_user(shared.acme, at=shared.clock.at)
        known, _codes = with_app(jane, at=shared.clock.at)
        old, new = settings.PORTAL_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
        settings.PORTAL_ENCRYPTION_KEYS = [new, old]
        first, again = said("reseal_secrets"), said("reseal_secrets")
        assert "private signing keys: 2 sealed anew, 0 unreadable" in first
        assert "webhook secrets: 1 sealed anew, 0 unreadable" in first
        assert "secrets of authenticator apps: 1 sealed anew, 0 unreadable" in first
        assert again.count(": 0 sealed anew, 0 unreadable") == 5
        settings.PORTAL_ENCRYPTION_KEYS = [new]
        keys._held.keys = {}
        keys.forget()
        assert keys.without_signer(at=shared.clock.at) == []
        with tenant_scope(shared.acme.id):
            assert len(sealed.living(secret.webhook, at=shared.clock.at)) == 1
            assert authenticator_apps.use(user=jane, code=code(known, shared.clock.at), at=shared.clock.at)
        keys._held.keys = {}

    def test_the_chains_of_history_hold_under_the_new_key_alone(self, shared: World, settings: Any) -> None:
        """Notes of walks and anchors are sealed, too: with the old key gone each chain would look forged."""
        at, old = shared.clock.at, settings.PORTAL_ENCRYPTION_KEYS[0]
        assert verification.check(tenant_id=shared.acme.id, at=at) is None
        with cross_tenant():
            anchors.make(tenant_id=shared.acme.id, month=at.date(), links=[(1, "")], at=at).save()
        settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), old]
        assert "notes and anchors of history: 2 sealed anew, 0 unreadable" in said("reseal_secrets")
        settings.PORTAL_ENCRYPTION_KEYS = settings.PORTAL_ENCRYPTION_KEYS[:1]
        assert verification.verify(tenant_id=shared.acme.id) is None

    def test_what_still_needs_an_old_key_or_pepper_is_told(
        self, shared: World, secret: WebhookSecret, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shared.application(shared.acme, "lamps")
        settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.PORTAL_ENCRYPTION_KEYS]
        both = {**hashers.peppers(), 2: bytes(32)}
        monkeypatch.setattr(hashers, "peppers", lambda: both)
        with pytest.raises(SystemExit) as stopped:
            call_command("needed_secrets", stdout=(told := StringIO()))
        assert stopped.value.code == 1
        assert "encryption key 1: 0, the newest" in told.getvalue()
        assert re.search(r"encryption key 2: [1-9]\d*, still needed", told.getvalue())
        assert re.search(r"pepper 1: [1-9]\d*, still needed", told.getvalue())
        said("reseal_secrets")
        ClientSecret.objects.update(pepper=2)  # as when each has got a new one
        with pytest.raises(SystemExit) as stopped:
            call_command("needed_secrets", stdout=(told := StringIO()))
        assert stopped.value.code == 0
        assert "encryption key 2: 0, may go" in told.getvalue()
        assert "pepper 1: 0, may go" in told.getvalue()

    def test_no_old_key_may_go_before_the_wall_knows_the_newest(
        self, shared: World, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else every process would see nobody's rows with the next restart."""
        ring = (os.urandom(32), *wall_seals.keys())
        settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.PORTAL_ENCRYPTION_KEYS]
        ClientSecret.objects.update(pepper=1)
        assert said("reseal_secrets").endswith("the older ones may go.\n")
        monkeypatch.setattr(wall_seals, "keys", lambda: ring)
        assert "run seal_wall as the owner before the older ones go" in said("reseal_secrets")
        with pytest.raises(SystemExit) as stopped:
            call_command("needed_secrets", stdout=(told := StringIO()))
        assert stopped.value.code == 1
        assert "encryption key 2: 0, still needed" in told.getvalue()
        assert "run seal_wall as the owner" in told.getvalue()

    def test_what_no_key_opens_is_told_and_left(
        self, shared: World, secret: WebhookSecret, settings: Any
    ) -> None:
        settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        with cross_tenant():
            before = set(WebhookSecret.objects.values_list("sealed"))
        with pytest.raises(SystemExit) as stopped:
            said("reseal_secrets")
        assert stopped.value.code == 1
        with cross_tenant():
            assert set(WebhookSecret.objects.values_list("sealed")) == before

    def test_no_sealed_column_is_forgotten(self) -> None:
        """A new one belongs into the command."""
        found = {
            f"{model._meta.label}.{field.name}"
            for model in apps.get_models()
            for field in model._meta.fields
            if field.name.endswith("sealed")
        }
        rows = ("KeptInput", "OrganizationsAsked", "ProviderArrival")  # of an hour at most, or a mail
        passing = {f"tenants.{row}.sealed" for row in rows}
        assert found - passing == {
            "accesscontrol.SigningKey.private_sealed",
            "applications.WebhookSecret.sealed",
            "tenants.AuthenticatorApp.secret_sealed",
            "tenants.IdentityProvider.secret_sealed",
            "tenants.ProviderSession.leaving_sealed",
        }
