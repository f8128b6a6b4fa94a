"""Every form of the console, through whatever may happen to it: nothing is lost, doubled or overwritten.

The forms come from the table of doors, what is typed into them from ``tests/support/changing_pages``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse
from pytest_django import DjangoDbBlocker

from iam_portal.launchers import doors
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.http import cookie_name, kept_input
from tenants.models import HistoryEvent, KeptInput, UserSession
from tests.support.changing import Attempt, Change, Stage, make_stage
from tests.support.changing_pages import CHANGES
from tests.support.factories import sign_in
from tests.support.forms import Forms
from tests.support.once import made_once, savepoint

pytestmark = pytest.mark.exhaustive(2)

DOORS = {f"{door.method} {door.address}": door for door in doors.doors()}
# Of people who are not signed in yet, or go: no session can run out over them.
# An application that was signed in to by that session: the sign-in ended with it.
ENDED_WITH_IT = {"POST /t/{slug}/account/applications/{authorization_id}/end"}
# An invitation's code is never kept; this form stands on the page of the partner.
NOT_FILLED = {"POST /t/{slug}/partners/redeem", "POST /t/{slug}/partners/{partnership_id}/accepting"}
WITHOUT_SESSION = {
    f"POST /t/{{slug}}/{name}"
    for name in (
        "sign-in",
        "sign-in/second",
        "sign-in/set-up",
        "sign-in/passkey",
        "sign-out",
        "sign-out/asked",
        "set-password",
    )
}


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    with made_once(django_db_blocker):
        yield make_stage()


@pytest.fixture
def stage(made: Stage, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    with savepoint(django_db_blocker):
        yield made


def forms(*, but: set[str] = frozenset()) -> list[Any]:
    return [
        pytest.param(name, change, id=f"{name.removeprefix('POST /t/{slug}/')}-{number}")
        for name, changes in CHANGES.items()
        for number, change in enumerate(changes)
        if name not in but
    ]


def latest() -> int:
    with cross_tenant():
        return HistoryEvent.objects.order_by("-id").values_list("id", flat=True)[0]


def done_since(row: int) -> list[str]:
    with cross_tenant():
        return list(HistoryEvent.objects.filter(id__gt=row).values_list("action", flat=True))


def asked(attempt: Attempt, address: str) -> HttpResponse:
    """The browser goes to an address of the portal, by itself."""
    attempt.address, _, attempt.query = address.partition("?")
    return attempt._request("GET")


@contextmanager
def taken_back(attempt: Attempt) -> Iterator[None]:
    """Nothing that happens here is there afterwards; nor where the browser went."""
    kept = attempt.address, attempt.query, dict(attempt.cookies), dict(attempt.body)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    attempt.address, attempt.query, attempt.cookies, attempt.body = kept


@pytest.mark.parametrize(("name", "change"), forms(but=WITHOUT_SESSION))
def test_a_form_survives(stage: Stage, name: str, change: Change) -> None:
    """A session that runs out over it, a page that is older than its row, and a second click."""
    attempt = Attempt(DOORS[name], change, stage)
    if name not in ENDED_WITH_IT:
        with taken_back(attempt):
            comes_back_filled_and_is_not_repeated(attempt, name)
    if name not in NOT_COMPARED and str(attempt.body.get("revision", "")).isdigit():
        with taken_back(attempt):
            overwrites_nothing(attempt, change)
    is_done_once(attempt, name)


# --- a session that runs out --------------------------------------------------------------------------


def run_out(attempt: Attempt) -> str:
    """His sessions end; the form is sent. Where the sign-in page leads to afterwards."""
    who, before = attempt.who, latest()
    with tenant_scope(who.tenant.id):
        UserSession.objects.filter(user=who.user).update(expires_at=F("created_at"))
    sent = attempt.send()
    address = urlsplit(sent["Location"])
    assert (sent.status_code, address.path) == (302, f"/t/{who.tenant.slug}/sign-in")
    assert done_since(before) == []
    led = unquote(sent["Location"]).replace(attempt.address, "")  # which may have what is typed to confirm
    for value in attempt.body.values():
        assert len(str(value)) < 8 or str(value) not in led
    if kept_input.COOKIE in sent.cookies:
        attempt.cookies[kept_input.COOKIE] = sent.cookies[kept_input.COOKIE].value
    return parse_qs(address.query)["next"][0]


def comes_back_filled_and_is_not_repeated(attempt: Attempt, name: str) -> None:
    typed = {name: value for name, value in attempt.body.items() if not kept_input._NEVER.search(name)}
    back, tenant = run_out(attempt), attempt.who.tenant
    attempt.cookies[cookie_name(tenant.id)] = sign_in(attempt.who.user, at=attempt.stage.at)
    before = latest()
    page = asked(attempt, back)
    if page.status_code == 302:
        attempt.cookies["messages"] = page.cookies["messages"].value
        page = asked(attempt, page["Location"])
    assert page.status_code == 200, (page.status_code, page.content[:2000])
    assert done_since(before) == []
    if not (typed and hasattr(DOORS[name].view, "get")):
        return
    assert "Nothing was done yet" in page.content.decode()
    assert not KeptInput.objects.exists()
    if name not in NOT_FILLED:
        is_filled(page, typed)


def is_filled(page: HttpResponse, typed: dict[str, Any]) -> None:
    found = [form for form in Forms(page.content.decode()).found if set(typed) & set(form)]
    form = max(found, key=lambda form: len(set(typed) & set(form)))
    for field in set(form) & set(typed) - {"shown", "step", "seen"}:
        value = typed[field] if isinstance(typed[field], str) else typed[field][-1]
        if "-----BEGIN" not in value:
            assert form[field].replace("\r\n", "\n") == value.replace("\r\n", "\n"), field


# --- sent twice, with the old page of the back button, or by a tab that was overtaken ------------------

# Sent again, they do it again, and that is what they are for: a second link, other codes, another copy.
AGAIN = {
    f"POST /t/{{slug}}/{name}"
    for name in (
        "account/copy",
        "account/email",
        "account/factors/codes",
        "platform/organizations/{organization_id}/invite-again",
        "users/{user_id}/copy",
        "users/{user_id}/send-link",
        "webhooks/{webhook_id}/test",
        "webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    )
}
# What these do is the same whatever was changed of the row that they are about.
NOT_COMPARED = {*AGAIN, "POST /t/{slug}/webhooks/{webhook_id}/secrets/{secret_id}/revoke"}


def is_done_once(attempt: Attempt, name: str) -> None:
    before = latest()
    first = attempt.send()
    once = sorted(done_since(before))
    assert first.status_code in (200, 302)
    assert once
    second = attempt.send()
    assert second.status_code in (200, 302, 404, 412), (second.status_code, second.content[:2000])
    if name not in AGAIN:
        assert sorted(done_since(before)) == once


def overwrites_nothing(attempt: Attempt, change: Change) -> None:
    """It is answered with what differs, or with a word about it; what was typed is in the answer."""
    attempt.body["revision"] = str(int(attempt.body["revision"]) - 1)
    before = latest()
    reply = attempt.send()
    assert done_since(before) == []
    assert reply.status_code in (200, 302, 412), (reply.status_code, reply.content[:2000])
    if reply.status_code == 302:
        assert "messages" in reply.cookies, "nothing was said"
        return
    page = reply.content.decode()
    assert reply.status_code == 412 or "meanwhile" in page
    typed = change.body.values() if isinstance(change.body, dict) else ()
    assert [value for value in typed if isinstance(value, str) and escape(value) not in page] == []


# --- whatever is typed --------------------------------------------------------------------------------

SCRIPT = "</textarea><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
HOSTILE = {
    "script": SCRIPT,
    "long": "x" * 10_000,
    "right to left": "\u202eשלום\u2067 مرحبا 🦊👩‍👩‍👧",
    "nothing": " \t\u200b ",
    "null": "a\0b",
}


PUT_OUT = {f"POST /t/{{slug}}/{name}" for name in ("sign-out", "sign-out/asked")}
# Chosen from what the page offers, or its own: not typed, so not drawn again when it is none of them.
CHOSEN = {
    "days",
    "welcome",
    "keeps",
    "single",
    "pem",
    "key",
    "anchor",
    "algorithm",
    "when",
}  # or it may hold a private key by mistake
NOT_TYPED = {"revision", "act", "go", "was", "step"}


@pytest.mark.parametrize(("name", "change"), forms(but=PUT_OUT))
def test_anything_may_be_typed_into_any_field(stage: Stage, name: str, change: Change) -> None:
    """Into all at once, and script into each alone: no error page, no markup; the input is drawn again."""
    attempt = Attempt(DOORS[name], change, stage)
    own = dict(attempt.body)
    free = [field for field, value in own.items() if isinstance(value, str) and field not in NOT_TYPED]
    tries = [(text, free) for text in HOSTILE.values()]
    tries += [(SCRIPT, [field]) for field in free if len(free) > 1]
    for text, fields in tries:
        with taken_back(attempt):
            attempt.body = {**own, **dict.fromkeys(fields, text)}
            pages = answered(attempt, follows=text == SCRIPT)
        for page in pages:
            assert page.status_code < 500, (fields, page.content[:3000])
            written = page.content.decode()
            assert "<script>alert" not in written, fields
            assert "<img src=x" not in written, fields
        if len(pages) == 1 and pages[0].status_code == 200 and text != HOSTILE["nothing"]:
            drawn_again(pages[0], {field: text for field in fields if field in typed_by_hand(change)})


def answered(attempt: Attempt, *, follows: bool) -> list[HttpResponse]:
    """What the form is answered with, and the page that it leads to."""
    reply = attempt.send()
    if not follows or reply.status_code != 302 or not reply["Location"].startswith("/t/"):
        return [reply]
    attempt.cookies.update({key: cookie.value for key, cookie in reply.cookies.items()})
    return [reply, asked(attempt, reply["Location"])]


def typed_by_hand(change: Change) -> set[str]:
    """Text of the form's own, no choice and no secret."""
    texts = change.body.items() if isinstance(change.body, dict) else ()
    return {
        field
        for field, value in texts
        if isinstance(value, str) and field not in CHOSEN and not kept_input._NEVER.search(field)
    }


def drawn_again(page: HttpResponse, typed: dict[str, str]) -> None:
    for form in Forms(page.content.decode()).found:
        for field in set(form) & set(typed):
            assert form[field] == typed[field], field
