"""The list of events follows what happens: by the event service's stream, and by the clock without it."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.support import browsing
from tests.support.browsing import Login
from tests.support.portal import RunningPortal
from tests.support.stage import Side, sides

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECOND = 1_000  # ms


def registered(side: Side, name: str) -> str:
    made = side.act("POST", "applications", {"name": name, "displayName": name.title()})
    assert made.status == 201, made
    return str(made.body["applicationId"])


def newest(page: Page, application_id: str) -> None:
    expect(page.locator("#list tbody tr").first).to_contain_text(application_id)


def test_a_new_event_appears_by_itself(opened: Opener, running_portal: RunningPortal) -> None:
    """The page's clock stands still unless the test turns it: what comes meanwhile came by the stream."""
    login = Login.of(running_portal.story["provider"])
    side, _ = sides(running_portal.story)
    page, watch = opened()
    browsing.sign_in(page, running_portal.address, login)
    page.clock.install()
    page.clock.pause_at("2100-01-01")
    service = running_portal.environment["PORTAL_EVENTS_URL"]
    with page.expect_response(lambda reply: reply.url.startswith(service)) as streamed:
        page.goto(f"/t/{login.slug}/events")
    stream = streamed.value
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
    assert stream.headers["access-control-allow-origin"] == running_portal.address
    for name in ("live-one", "live-two"):  # the second one after all that the page asked when it came
        newest(page, registered(side, name))
    expect(page.locator("#status")).to_have_text("New events stand at the top.")

    with running_portal.without_events():
        quiet = len(watch.troubles)
        first = registered(side, "live-three")
        page.clock.run_for(5 * SECOND)
        newest(page, first)
        page.clock.run_for(30 * SECOND)  # looks for the stream, too, and finds nobody
        second = registered(side, "live-four")
        page.clock.run_for(5 * SECOND)
        newest(page, second)
        expect(page.get_by_role("button", name="Following")).to_be_visible()
    for trouble in watch.troubles[quiet:]:
        assert "ERR_CONNECTION_REFUSED" in trouble or "ERR_INCOMPLETE_CHUNKED" in trouble, trouble
    del watch.troubles[quiet:]

    with page.expect_response(lambda reply: reply.url.startswith(service)):
        page.clock.run_for(30 * SECOND)
    newest(page, registered(side, "live-five"))
    rows = page.locator("#list tbody tr").all_inner_texts()  # each with its position
    assert len(set(rows)) == len(rows), "nothing came twice"
