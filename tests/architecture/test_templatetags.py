"""What the templates print with: moments, spans, states and the geometry of the time line."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.test import RequestFactory
from django.utils import timezone, translation

from iam_portal.spans import Span
from iam_portal.templatetags import moments, portal, states, timeline

AT = datetime(2027, 2, 26, 13, 0, tzinfo=UTC)
SPRITE = Path(__file__).parents[2] / "static/iam_portal/icons.svg"


@pytest.fixture(autouse=True)
def _berlin() -> Iterator[None]:
    with timezone.override(ZoneInfo("Europe/Berlin")), translation.override("en"):
        yield


def span(start: datetime | None, end: datetime | None, state: str = "in_force") -> dict[str, object]:
    return {"during": (start, end), "state": state}


def bars(*spans: dict[str, object], start: datetime, end: datetime) -> list[tuple[str, str]]:
    line = timeline.draw([{"label": "Role", "spans": spans}], at=AT, start=start, end=end)
    return [(bar.x, bar.width) for bar in line.lanes[0].bars]


def test_the_sentence_of_a_reason_is_shown_in_the_readers_zone() -> None:
    shown = portal.dated("Paused by <Jane> on 26 Feb 2027, 23:30 UTC, until 31 Feb 2027, 10:00 UTC.")
    assert shown == (
        'Paused by &lt;Jane&gt; on <time datetime="2027-02-26T23:30:00Z" title="2027-02-26 23:30:00 UTC">'
        "27 Feb 2027, 00:30 CET</time>, until 31 Feb 2027, 10:00 UTC."
    )


def test_a_moment_that_the_sentence_names_is_not_named_twice() -> None:
    at = timezone.now() - timedelta(days=3)
    assert ">3 days ago<" in portal.since({"text": "Paused on 26 Feb 2027, 23:30 UTC.", "at": at})
    assert f"{at.astimezone(ZoneInfo('Europe/Berlin')):%Y}" in portal.since({"text": "Assigned.", "at": at})
    assert portal.since({"text": "Owned."}) == ""


def test_moment_shows_the_zone_the_distance_and_utc() -> None:
    shown = portal.moment(datetime(2027, 3, 3, 13, 0, tzinfo=UTC), AT)
    assert shown == (
        '<time datetime="2027-03-03T13:00:00Z" title="2027-03-03 13:00:00 UTC">'
        "3 Mar 2027, 14:00 CET (in 5 days)</time>"
    )


def test_nothing_prints_nothing() -> None:
    assert portal.moment(None) == portal.relative(None) == portal.day(None) == portal.span_text(None) == ""


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(seconds=10), "now"),
        (timedelta(seconds=-40), "1 minute ago"),
        (timedelta(minutes=59, seconds=40), "in 1 hour"),
        (timedelta(hours=-3), "3 hours ago"),
        (timedelta(hours=23, minutes=40), "in 1 day"),
        (timedelta(days=-59), "59 days ago"),
        (timedelta(days=61), "in 2 months"),
        (timedelta(days=-730), "2 years ago"),
    ],
)
def test_distance(delta: timedelta, words: str) -> None:
    assert moments.distance(AT + delta, AT) == words


@pytest.mark.parametrize(
    ("during", "words"),
    [
        (
            (AT, AT + timedelta(days=60)),
            ["from", "26 Feb 2027, 14:00 CET", "until", "27 Apr 2027, 15:00 CEST"],
        ),
        ((AT, None), ["from", "26 Feb 2027", "no end"]),
        (Span(None, AT), ["until", "26 Feb 2027"]),
        ((None, None), ["always"]),
    ],
)
def test_span_in_words(during: object, words: list[str]) -> None:
    shown = portal.span_text(during)
    assert [word for word in words if word not in shown] == []


def test_texts_are_escaped() -> None:
    assert "<b>" not in portal.state_badge("<b>") + portal.icon("<b>", "<b>", "<b>")


def test_an_unknown_state_is_shown_by_its_own_name() -> None:
    assert states.look("half-done") == states.Look("draft", "Half done")


def test_the_sprite_has_a_drawing_for_each_state() -> None:
    root = ElementTree.parse(SPRITE).getroot()
    drawn = {symbol.get("id") for symbol in root}
    assert {f"state-{seen.shape}" for seen in states.LOOKS.values()} <= drawn


def test_spans_become_fractions_of_the_window() -> None:
    start, end = AT, AT + timedelta(days=100)
    middle = AT + timedelta(days=25)
    assert bars(span(start, middle), span(middle, end), start=start, end=end) == [
        ("0.00%", "25.00%"),
        ("25.00%", "75.00%"),
    ]


def test_open_ends_reach_the_edges() -> None:
    start, end = AT - timedelta(days=50), AT + timedelta(days=50)
    assert bars(span(None, None), start=start, end=end) == [("0.00%", "100.00%")]
    assert bars(span(AT, None), start=start, end=end) == [("50.00%", "50.00%")]


def test_spans_outside_the_window_and_empty_ones_are_left_out() -> None:
    """Half-open: a span that ends where the window begins has no part in it."""
    start, end = AT, AT + timedelta(days=10)
    before, after, empty = (
        span(None, start),
        span(end, None),
        span(AT + timedelta(days=1), AT + timedelta(days=1)),
    )
    assert bars(before, after, empty, start=start, end=end) == []


def test_the_window_holds_every_end_and_now() -> None:
    rows = [{"label": "Role", "spans": [span(AT + timedelta(days=30), AT + timedelta(days=90))]}]
    line = timeline.draw(rows, at=AT)
    assert line.today is not None
    assert 0 < float(line.today.rstrip("%")) < line.lanes[0].bars[0].start * 100


def test_now_outside_the_window_is_not_marked() -> None:
    assert timeline.draw([], at=AT, start=AT + timedelta(days=1), end=AT + timedelta(days=9)).today is None


@pytest.mark.parametrize("days", [1, 3, 20, 62, 63, 200, 400, 1500, 9000])
def test_ticks_are_few_and_inside(days: int) -> None:
    end = AT + timedelta(days=days)
    marks = list(timeline.ticks(AT, end))
    assert len(marks) <= timeline.MOST_TICKS + 1
    assert all(AT <= moment < end for moment, _ in marks)


def test_month_ticks_stand_on_the_first_across_the_change_of_the_clock() -> None:
    marks = [moment for moment, _ in timeline.ticks(AT, AT + timedelta(days=120))]
    assert {timezone.localtime(moment).strftime("%d %H:%M") for moment in marks} == {"01 00:00"}


def test_the_legend_names_each_state_once() -> None:
    spans = [span(AT, None), span(AT, None), span(AT, None, "paused")]
    line = timeline.draw([{"label": "Role", "spans": spans}], at=AT)
    assert line.legend == [("in-force", "In force"), ("paused", "Paused")]


def test_what_never_changes_is_drawn_once_for_each_language_and_knows_nothing_of_the_page() -> None:
    inside = '<{{ secret }}>{% translate "Users" %}{% csrf_token %}'
    lines = f"{{% load i18n portal %}}{{% unchanging %}}{inside}{{% endunchanging %}}"
    template = engines["django"].from_string(lines)
    request = RequestFactory().get("/")
    first = template.render({"secret": "of Jane"}, request)
    assert first == template.render({"secret": "of Bob"}, request) == "<>Users"
    with translation.override("de"):
        assert template.render({}, request) == "<>Konten"
    assert template.render({}, request) == first
