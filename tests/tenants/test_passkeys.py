"""Passkeys: made, used after the password or in its place, and every way in which one is not taken."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from iam_portal.walls import tenant_scope
from tenants.actions import challenges, users
from tenants.actions.entering import Origin, enter
from tenants.models import Passkey, RecoveryCode, SpentChallenge, Tenant, UserSession
from tests.support.authenticating import Device, decoded, encoded
from tests.support.factories import SYSTEM, make_tenant
from tests.support.once import made_once, savepoint
from tests.tenants.second_factors import Visit, acme, options


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Visit, Device]]:
    """Jane, who has made a passkey in her account."""
    with made_once(django_db_blocker):
        jane, device = acme(), Device()
        jane.password()
        assert jane.make_passkey(device).status_code == 200
        yield jane, device


@pytest.fixture
def jane(shared: tuple[Visit, Device], django_db_blocker: DjangoDbBlocker) -> Iterator[Visit]:
    with savepoint(django_db_blocker):
        yield shared[0].again()


@pytest.fixture
def device(shared: tuple[Visit, Device]) -> Device:
    """As it is: how often it was used goes back with the rows."""
    known = shared[1]
    return Device(key=known.key, credential_id=known.credential_id, handle=known.handle)


def the_passkey(jane: Visit) -> Passkey:
    with jane.in_scope():
        return Passkey.objects.get()


def test_making_one_gives_recovery_codes_once(jane: Visit) -> None:
    with jane.in_scope():
        Passkey.objects.all().delete()
        RecoveryCode.objects.all().delete()
    jane.password()
    first = jane.make_passkey(Device())
    assert len(first.context["codes"]) == 10
    assert jane.make_passkey(Device(), name="other")["Location"] == "/t/acme/account/factors"
    assert [action for action in jane.history() if action.startswith("factor.")][-3:] == [
        "factor.added",
        "factor.codes_made",
        "factor.added",
    ]


def test_what_is_kept_of_it(jane: Visit, device: Device) -> None:
    row = the_passkey(jane)
    assert (row.name, row.credential_id, row.transports) == ("key", encoded(device.credential_id), ["usb"])
    assert (row.discoverable, row.synced, row.sign_count) == (True, False, 0)


def test_in_with_it_alone(jane: Visit, device: Device) -> None:
    answer = jane.sign_in_with(device, next="/t/acme/account")

    assert answer["Location"] == "/t/acme/account" and jane.is_in
    with jane.in_scope():
        assert UserSession.objects.latest("created_at").methods == ["hwk", "mfa"]
    assert the_passkey(jane).sign_count == 1


def test_a_synced_key_is_said_to_be_one(jane: Visit, device: Device) -> None:
    device.syncs = True
    jane.sign_in_with(device)
    with jane.in_scope():
        assert UserSession.objects.latest("created_at").methods == ["mfa", "swk"]


def test_after_the_password(jane: Visit, device: Device) -> None:
    assert jane.password()["Location"].startswith("/t/acme/sign-in/second")
    asked = options(jane.get("sign-in/second").context["asked"])
    assert [each["id"] for each in asked["allowCredentials"]] == [encoded(device.credential_id)]
    assert jane.prove_with(device).status_code == 302 and jane.is_in
    with jane.in_scope():
        assert UserSession.objects.latest("created_at").methods == ["hwk", "mfa", "pwd"]


def test_an_answer_is_good_once(jane: Visit, device: Device) -> None:
    asked = jane.get("sign-in/passkey").json()
    sent = {"credential": device.answer(asked["options"]), "challenge": asked["challenge"]}
    assert jane.post("sign-in/passkey", **sent).status_code == 302

    thief = jane.again()
    with jane.in_scope():
        Passkey.objects.update(sign_count=0)
    assert thief.post("sign-in/passkey", **sent).status_code == 200 and not thief.is_in


SPOILT: dict[str, dict[str, Any]] = {
    "another site's": {"origin": "https://testserver.evil.example"},
    "another port's": {"origin": "http://testserver:8443"},
    "of another host": {"host": "evil.example"},
    "without its owner": {"verifies": False},
    "of another key": {"key": Device().key},
    "unknown": {"credential_id": b"x" * 32},
    "of another person": {"handle": b"y" * 16},
    "of nobody": {"handle": b""},
}


@pytest.mark.parametrize("wrong", SPOILT.values(), ids=SPOILT)
def test_what_is_not_taken(jane: Visit, device: Device, wrong: dict[str, Any]) -> None:
    for name, value in wrong.items():
        setattr(device, name, value)
    refused = jane.sign_in_with(device)
    assert refused.status_code == 200 and not jane.is_in
    assert "was not accepted" in refused.content.decode()


def test_a_copied_key_is_noticed(jane: Visit, device: Device) -> None:
    jane.sign_in_with(device)
    copy = Device(key=device.key, credential_id=device.credential_id, handle=device.handle)
    thief = jane.again()
    assert thief.sign_in_with(copy).status_code == 200 and not thief.is_in
    assert "factor.copied" in jane.history()
    device.count = 1
    assert jane.again().sign_in_with(device).status_code == 302, "its owner goes on"


def test_a_challenge_has_one_purpose_one_browser_and_some_minutes(jane: Visit, device: Device) -> None:
    jane.password()
    step = jane.get("sign-in/second").context["asked"]
    as_sign_in = {"credential": device.answer(options(step)), "challenge": step["challenge"]}
    assert jane.post("sign-in/passkey", **as_sign_in).status_code == 200

    other = jane.again()
    other.password()
    assert other.post("sign-in/second", **as_sign_in).status_code == 200 and not other.is_in

    long_ago = timezone.now() - challenges.LIFETIME - timedelta(seconds=1)
    given = {
        "tenant_id": jane.tenant.id,
        "purpose": challenges.Purpose.SIGN_IN,
        "bound_to": "",
        "at": long_ago,
    }
    raw, signed = challenges.give(**given)
    late = {"credential": device.answer({"challenge": encoded(raw)}), "challenge": signed}
    assert jane.post("sign-in/passkey", **late).status_code == 200 and not jane.is_in


def test_another_organizations_passkey_is_none_here(jane: Visit, device: Device) -> None:
    neighbour = Visit.of(make_tenant("neighbour", at=timezone.now()))
    refused = neighbour.sign_in_with(device)
    assert refused.status_code == 200 and not neighbour.is_in

    asked = neighbour.get("sign-in/passkey").json()
    sent = {"credential": device.answer(asked["options"]), "challenge": asked["challenge"]}
    assert jane.post("sign-in/passkey", **sent).status_code == 200, "nor a challenge of theirs here"


def test_somebody_elses_passkey_is_no_second_step(jane: Visit, device: Device) -> None:
    joe, his = Visit.of(jane.tenant, "joe"), Device()
    joe.password()
    joe.make_passkey(his)
    jane.password()
    assert jane.prove_with(his).status_code == 200 and not jane.is_in


def test_one_that_was_removed_is_none(jane: Visit, device: Device) -> None:
    jane.sign_in_with(device)
    removed = jane.post(f"account/factors/{the_passkey(jane).pk}/remove")
    assert removed.status_code == 302
    thief = jane.again()
    assert thief.sign_in_with(device).status_code == 200 and not thief.is_in
    assert thief.password()["Location"] == "/t/acme/", "the password alone is enough again"
    with jane.in_scope():
        assert not RecoveryCode.objects.exists()


def test_who_was_deactivated_does_not_come_in(jane: Visit, device: Device) -> None:
    with jane.in_scope():
        users.deactivate(tenant=jane.tenant, user_id=jane.user.id, by=SYSTEM, at=timezone.now())
    assert jane.sign_in_with(device).status_code == 200 and not jane.is_in


def test_the_options_look_alike_for_an_organization_that_does_not_exist(jane: Visit) -> None:
    here, nowhere = jane.get("sign-in/passkey").json(), jane.client.get("/t/nowhere/sign-in/passkey").json()
    assert {**here["options"], "challenge": ""} == {**nowhere["options"], "challenge": ""}
    assert str(jane.tenant.id) not in str(decoded(here["challenge"].split(":")[0]))
    sent = {"credential": "{}", "challenge": nowhere["challenge"]}
    refused = [jane.client.post(f"/t/{slug}/sign-in/passkey", sent) for slug in ("acme", "nowhere")]
    assert [answer.status_code for answer in refused] == [200, 200]


TRIED = {
    "no challenge": lambda _visit, _asked: {"credential": "{}", "challenge": "x"},
    "its own challenge": lambda _visit, asked: {"credential": "{}", "challenge": asked["challenge"]},
    "a key that nobody has": lambda _visit, asked: {
        "credential": Device(handle=b"y" * 16).answer(asked["options"]),
        "challenge": asked["challenge"],
    },
    "no credential": lambda _visit, asked: {"credential": "[", "challenge": asked["challenge"]},
    "nothing": lambda _visit, _asked: {},
}


@pytest.mark.parametrize("tried", TRIED.values(), ids=list(TRIED))
@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
def test_nobody_learns_by_it_which_organizations_there_are(
    jane: Visit, tried: Any, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = Tenant.objects.get(is_platform=True)
    seen = []
    for slug in (jane.tenant.slug, "nowhere"):
        visitor, at = Client(), timezone.now()
        asked = visitor.get(f"/t/{slug}/sign-in/passkey").json()
        sent = tried(visitor, asked)
        with monkeypatch.context() as patched, CaptureQueriesContext(connection) as queries:
            patched.setattr(timezone, "now", lambda at=at: at + timedelta(minutes=6 * late))
            answer = visitor.post(f"/t/{slug}/sign-in/passkey", sent)
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
        written = sorted(q["sql"].split(" WHERE ")[0] for q in queries if "passkey" in q["sql"].lower())
        spent = sum("spentchallenge" in q["sql"].lower() for q in queries)
        seen.append((answer.status_code, page.replace(slug, "SLUG"), sorted(answer.cookies), written, spent))
    assert seen[0] == seen[1]
    assert "was not accepted" in seen[0][1]
    with tenant_scope(platform.id):
        assert not SpentChallenge.objects.filter(tenant=platform).exists()


def test_asking_for_options_leaves_nothing_behind(jane: Visit) -> None:
    with jane.in_scope():
        before = SpentChallenge.objects.count()
    for _ in range(3):
        jane.get("sign-in/passkey")
    with jane.in_scope():
        assert SpentChallenge.objects.count() == before


NO_ANSWERS = [
    "",
    "x",
    "[]",
    "{}",
    "null",
    "1e999",
    '{"id": 7}',
    '{"id": "\\u0000"}',
    "[" * 5000,
    "{" * 20_001,
]


@pytest.mark.parametrize("sent", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
@pytest.mark.parametrize("path", ["sign-in/passkey", "sign-in/second"])
def test_what_is_no_answer(jane: Visit, path: str, sent: str) -> None:
    jane.password()
    challenge = jane.get("sign-in/passkey").json()["challenge"]
    for given in ({"challenge": challenge}, {"challenge": "x"}, {"challenge": "a:b:c"}, {}):
        answer = jane.post(path, credential=sent, **given)
        assert answer.status_code == 200 and not jane.is_in


PARTS = ["clientDataJSON", "attestationObject"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("value", ["", "AAAA", "!", None, 7, [], {}])
def test_what_is_no_new_passkey(jane: Visit, part: str, value: object) -> None:
    jane.client.cookies[f"iam_session_{jane.tenant.id.hex}"] = _session_of(jane)
    asked = jane.get("account/factors/passkey").context["asked"]
    answer = json.loads(Device().make(options(asked)))
    answer["response"][part] = value
    sent = {"name": "key", "credential": json.dumps(answer), "challenge": asked["challenge"]}
    refused = jane.post("account/factors/passkey", **sent)
    assert refused.status_code == 200 and "was not made" in refused.content.decode()


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"host": "evil"}, {"verifies": False}])
def test_a_new_one_that_is_not_taken(jane: Visit, wrong: dict[str, Any]) -> None:
    jane.client.cookies[f"iam_session_{jane.tenant.id.hex}"] = _session_of(jane)
    assert jane.make_passkey(Device(**wrong)).status_code == 200
    with jane.in_scope():
        assert Passkey.objects.count() == 1


def _session_of(jane: Visit) -> str:
    """As if by a passkey, without one."""
    with jane.in_scope():
        given = {"user": jane.user, "former": None, "methods": ["hwk"], "origin": Origin()}
        return enter(**given, at=timezone.now()).token
