"""Every form of the console, through whatever may happen to it: nothing is lost, doubled or overwritten.

The forms come from the table of doors, what is typed into them from ``tests/support/changing_pages``.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import F
from django.http import HttpResponse
from pytest_django import DjangoDbBlocker

from iam_portal.launchers import doors
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.http import cookie_name, kept_input
from tenants.models import HistoryEvent, KeptInput, UserSession
from tests.support.changing import Attempt, Change, Stage, make_stage
from tests.support.changing_pages import CHANGES
from tests.support.factories import make_user, sign_in
from tests.support.forms import Forms
from tests.support.once import made_once, savepoint

DOORS = {f"{door.method} {door.address}": door for door in doors.doors()}
# Of people who are not signed in yet, or go: no session can run out over them.
# An application that was signed in to by that session: the sign-in ended with it.
ENDED_WITH_IT = {"POST /t/{slug}/account/applications/{authorization_id}/end"}
# An invitation's code is never kept; this form stands on the page of the partner.
NOT_FILLED = {"POST /t/{slug}/partners/redeem", "POST /t/{slug}/partners/{partnership_id}/accepting"}
WITHOUT_SESSION = {
    f"POST /t/{{slug}}/{name}" for name in ("sign-in", "sign-out", "sign-out/asked", "set-password")
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
        rows = HistoryEvent.objects.filter(id__gt=row).exclude(action__startswith="session.")
        return list(rows.values_list("action", flat=True))


def asked(attempt: Attempt, address: str) -> HttpResponse:
    """The browser goes to an address of the portal, by itself."""
    attempt.address, _, attempt.query = address.partition("?")
    return attempt._request("GET")


# --- a session that runs out --------------------------------------------------------------------------


def run_out(attempt: Attempt) -> str:
    """His sessions end; the form is sent. Where the sign-in page leads to afterwards."""
    who, before = attempt.who, latest()
    with tenant_scope(who.tenant.id):
        UserSession.objects.filter(user=who.user).update(expires_at=F("created_at"))
    sent = attempt.send()
    address = sent["Location"]
    assert sent.status_code == 302 and address.startswith(f"/t/{who.tenant.slug}/sign-in"), sent
    assert done_since(before) == []
    for value in attempt.body.values():
        assert len(str(value)) < 8 or str(value) not in address
    if kept_input.COOKIE in sent.cookies:
        attempt.cookies[kept_input.COOKIE] = sent.cookies[kept_input.COOKIE].value
    shown = asked(attempt, address)
    assert shown.status_code == 200
    return next(form["next"] for form in Forms(shown.content.decode()).found if "next" in form)


@pytest.mark.parametrize(("name", "change"), forms(but=WITHOUT_SESSION | ENDED_WITH_IT))
def test_it_comes_back_filled_and_is_not_repeated(stage: Stage, name: str, change: Change) -> None:
    attempt = Attempt(DOORS[name], change, stage)
    typed = {name: value for name, value in attempt.body.items() if not kept_input._NEVER.search(name)}
    back = run_out(attempt)
    tenant = attempt.who.tenant
    other = make_user(tenant, "other", at=stage.at)
    before = latest()
    attempt.cookies[cookie_name(tenant.id)] = sign_in(other, at=stage.at)
    assert "Nothing was done yet" not in asked(attempt, back).content.decode(), "he is somebody else"
    attempt.cookies[cookie_name(tenant.id)] = sign_in(attempt.who.user, at=stage.at)
    page = asked(attempt, back)
    if page.status_code == 302:
        attempt.cookies["messages"] = page.cookies["messages"].value
        page = asked(attempt, page["Location"])
    assert page.status_code == 200, (page.status_code, page.content[:2000])
    assert done_since(before) == []
    if not (typed and hasattr(DOORS[name].view, "get")):
        return
    assert "Nothing was done yet" in page.content.decode()
    if name in NOT_FILLED:
        return
    found = [form for form in Forms(page.content.decode()).found if set(typed) & set(form)]
    form = max(found, key=lambda form: len(set(typed) & set(form)))
    for field in set(form) & set(typed) - {"shown", "step"}:
        value = typed[field] if isinstance(typed[field], str) else typed[field][-1]
        assert form[field].replace("\r\n", "\n") == value.replace("\r\n", "\n"), field
    assert not KeptInput.objects.exists()
    assert "Nothing was done yet" not in asked(attempt, back).content.decode(), "it comes back once"
