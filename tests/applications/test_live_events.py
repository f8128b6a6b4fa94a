"""Events that wait, through the event service: nothing missed, nothing twice, nothing that is not allowed."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from accesscontrol.actions import assignments
from accesscontrol.models import Assignment
from applications import events
from applications.actions import applications
from iam_portal.live import hub
from iam_portal.walls import tenant_scope
from tenants.actions import sessions
from tenants.http import cookie_name
from tenants.models import UserSession
from tests.applications.outbox import ROLES, ROOT, ask, now, write
from tests.applications.waiting import World
from tests.support.factories import SYSTEM, acting, make_tenant
from tests.support.knocking import give, person, service
from tests.support.live import Live, running

# --- pages that wait ----------------------------------------------------------------------------------


def test_a_page_waits_until_something_of_its_own_commits(world: World, settings: Settings) -> None:
    settings.PORTAL_EVENTS_URL = "https://events.example.com"
    headers = world.reader.headers
    page = ask(world.reader, world.address(after=0)) | {"status": 200}
    assert page["live"] == f"https://events.example.com{ROOT}/tenants/{world.acme.id}/events"
    begin = time.monotonic()
    at_once = world.live.get(world.address(after=0, wait=30, limit=500), headers)
    assert time.monotonic() - begin < 10
    assert at_once.json["items"]
    after = at_once.json["next"]
    assert world.live.get(world.address(after=after), headers).json["items"] == []

    thread = world.now_and_then(lambda: write(world.beta, 1), lambda: write(world.acme, 2))
    reply = world.live.get(world.address(after=after, wait=30), headers)
    thread.join()
    assert time.monotonic() - begin < 25
    assert [item["subject"] for item in reply.json["items"]] == ["thing-2"]
    assert reply.json["items"][0]["tenantid"] == str(world.acme.id)
    assert reply.fields["Content-Type"] == "application/json"
    assert "default-src 'none'" in reply.fields["Content-Security-Policy"]

    begin = time.monotonic()
    thread = world.now_and_then(lambda: write(world.beta, 3))
    empty = world.live.get(world.address(after=reply.json["next"], wait=1), headers)
    thread.join()
    assert 0.9 < time.monotonic() - begin < 10
    assert (empty.status, empty.json["items"]) == (200, [])


def test_a_right_that_was_taken_away_ends_the_waiting(world: World) -> None:
    def withdraw() -> None:
        with tenant_scope(world.acme.id):
            of_reader = Assignment.objects.filter(application="acme.reader")
            held = list(of_reader.filter(application_role__key__in=ROLES))
        for row in held:
            assignments.withdraw(tenant=world.acme, assignment_id=row.pk, by=SYSTEM, at=now())

    give(world.acme, "activity-log-reader", principal_application_id="acme.reader")  # shows no events
    write(world.acme, 1)
    with world.live.stream(world.address(after=world.latest() - 1), world.reader.headers) as stream:
        first = next(stream.events())
        thread = world.now_and_then(withdraw, lambda: write(world.acme, 2))
        waited = world.live.get(world.address(after=first.id, wait=20), world.reader.headers)
        thread.join()
        told = list(stream.events())
    assert first.data["subject"] == "thing-1"
    # The withdrawal is an event itself, which he may not read any more.
    assert [(sent.event, sent.id, sent.data["status"]) for sent in told] == [("error", "", 403)]
    assert waited.status == 403
    assert stream.last == first.id, "a reader goes on after the last real event"


def test_a_session_that_ended_and_an_application_that_was_suspended(world: World) -> None:
    user, cookie = person(world.acme, "jane", "user-reader")
    browser = {"Cookie": f"{cookie_name(world.acme.id)}={cookie}"}
    own = service(world.acme, "own", "user-reader")
    after = world.latest()
    suspend = {"tenant": world.acme, "application_id": "acme.own", "reason": "", "by": SYSTEM}

    def sign_out() -> None:
        with tenant_scope(world.acme.id):
            session = UserSession.objects.get(user=user)
            sessions.sign_out(session=session, by=acting(user), at=now())

    with (
        world.live.stream(world.address(after=after), browser) as person_reads,
        world.live.stream(f"{ROOT}/application/events?after={after}", own.headers) as application_reads,
    ):
        thread = world.now_and_then(
            lambda: write(world.beta, 1, application_id="acme.own"),  # of this application, elsewhere
            sign_out,
            lambda: applications.suspend(**suspend, at=now()),
        )
        mine, theirs = list(application_reads.events()), list(person_reads.events())
        thread.join()
    assert (mine[0].event, mine[0].data["subject"]) == ("iam.application.available.v1", "thing-1")
    assert mine[-1].data["status"] == 401
    assert [(sent.event, sent.data["status"]) for sent in theirs] == [("error", 401)]


def test_an_open_stream_keeps_no_session_from_idling(world: World) -> None:
    user, cookie = person(world.acme, "jane", "user-reader")
    with tenant_scope(world.acme.id):
        UserSession.objects.filter(user=user).update(seen_at=now() - timedelta(minutes=5))
        seen = UserSession.objects.get(user=user).seen_at
    browser = {"Cookie": f"{cookie_name(world.acme.id)}={cookie}"}
    after = world.latest()
    with world.live.stream(world.address(after=after), browser) as stream:
        with tenant_scope(world.acme.id):
            first = UserSession.objects.get(user=user).seen_at
            assert first > seen, "the person has asked"
            UserSession.objects.filter(user=user).update(seen_at=seen)
        write(world.acme, 1)
        assert next(stream.events()).data["subject"] == "thing-1"
        with tenant_scope(world.acme.id):
            assert UserSession.objects.get(user=user).seen_at == seen


def test_a_page_that_comes_back_by_itself_keeps_no_session_from_idling(world: World) -> None:
    user, cookie = person(world.acme, "jane", "user-reader")
    past = now() - timedelta(minutes=5)
    with tenant_scope(world.acme.id):
        UserSession.objects.filter(user=user).update(seen_at=past)
    script = {"Cookie": f"{cookie_name(world.acme.id)}={cookie}", "Sec-Fetch-Dest": "empty"}
    with world.live.stream(world.address(after=world.latest()), script) as stream:
        assert stream.status == 200
    with tenant_scope(world.acme.id):
        assert UserSession.objects.get(user=user).seen_at == past


def test_the_portals_own_pages_and_no_others_may_read_it(world: World, settings: Settings) -> None:
    """The service is another port of the portal's host, to which the browser sends the session's cookie."""
    _, cookie = person(world.acme, "jane", "user-reader")
    session = {"Cookie": f"{cookie_name(world.acme.id)}={cookie}"}
    address, own = world.address(after=world.latest()), {"Origin": "https://iam.example.com"}
    settings.PORTAL_BASE_URL = "https://iam.example.com:443/root"
    foreign = (
        "https://iam.example.com:8443",
        "http://iam.example.com",
        "https://iam.example.com.evil.example",
        "https://iam.example.com, https://evil.example",
        "null",
        "",
    )
    names = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials")

    def allowed(fields: Mapping[str, str]) -> tuple[str | None, ...]:
        return tuple(fields.get(name) for name in names)

    yes, no = ("https://iam.example.com", "true"), (None, None)
    with world.live.stream(address, {**session, **own}) as stream:
        assert (stream.status, allowed(stream.reply.headers)) == (200, yes)
    for status, headers in ((200, session), (401, {})):
        reply = world.live.get(address, {**headers, **own})
        assert (reply.status, allowed(reply.fields)) == (status, yes), "its script is told why"
        assert "Origin" in str(reply.fields["Vary"])
    for origin in foreign:
        assert allowed(world.live.get(address, {**session, "Origin": origin}).fields) == no, origin
    settings.PORTAL_EVENT_STREAMS_PER_CALLER = 0
    busy = world.live.get(f"{address}&wait=1", {**session, **own})
    assert (busy.status, allowed(busy.fields)) == (429, yes)
    asked = world.live.get(address, {**own, "Access-Control-Request-Method": "GET"}, method="OPTIONS")
    assert (asked.status, asked.fields.get("Access-Control-Allow-Methods")) == (405, None)


# --- streams ------------------------------------------------------------------------------------------


def test_a_stream_goes_on_where_it_broke_off(world: World) -> None:
    """Over reconnections, a restart of the service, and a lost connection to the database."""
    start, total = world.latest(), 60

    def writes() -> None:
        try:
            for number in range(total):
                write(world.acme, number)
                time.sleep(0.02)
        finally:
            connection.close()

    seen: list[int] = []
    last = str(start)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(writes)
        for turn in range(100):
            resume = {**world.reader.headers, "Last-Event-ID": last}
            with world.live.stream(world.address(after=0, limit=7), resume) as stream:
                assert stream.reply.headers["Content-Type"] == "text/event-stream"
                for sent in stream.events():
                    seen.append(sent.data["position"])
                    if len(seen) % 9 == 0 or len(seen) == total:
                        break
                last = stream.last or last
            if len(seen) >= total:
                break
            disturb(world.live, turn)
        writing.result()
    assert seen == list(range(start + 1, start + total + 1))
    assert world.live.get("/readyz").status == 200


def disturb(live: Live, turn: int) -> None:
    if turn == 1:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
            )
            assert cursor.fetchall() == [(True,)]
    if turn == 2:
        live.stop()
        live.start()


def test_what_nobody_was_told_of_is_found(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that never came: the next look finds what it spoke of."""
    monkeypatch.setattr(events, "CHANNEL", "another_channel")
    monkeypatch.setattr(hub, "POLL", 0.3)
    acme = make_tenant("acme", at=now())
    reader = service(acme, "reader", *ROLES)
    with running() as live:
        world = World(acme, acme, reader, live)
        with live.stream(world.address(after="latest"), reader.headers) as stream:
            write(acme, 1)
            assert next(stream.events()).data["subject"] == "thing-1"
