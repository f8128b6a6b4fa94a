"""What is drawn in Python is what a template would draw of it: all that people typed is escaped."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, Template
from django.utils.html import strip_spaces_between_tags
from django.utils.translation import override

from applications.views import _network_svg as svg
from applications.views._network_drawing import Box, Way, fan, pair
from applications.views._task import OPEN, Task
from iam_portal.templatetags.held import service_rows
from iam_portal.templatetags.recorded import record_rows
from iam_portal.templatetags.tasks import task_rows

NASTY = "\"><b>&'é{{ x }}"
AT = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
WRITTEN = Path(__file__).parent / "drawn_rows"


def tasks() -> list[Task]:
    here, dialog = {"label": NASTY, "url": NASTY}, {"label": "Open", "url": "/a?b=c&d=e", "dialog": "yes"}
    return [
        Task(OPEN, "key", NASTY, NASTY, AT, here),
        Task(OPEN, "clock", "Fleet", "", None, dialog),
    ]


def services() -> list[dict[str, Any]]:
    reasons = [{"code": NASTY, "text": f"{NASTY} 3 Mar 2026, 14:00 UTC", "at": AT, "url": NASTY}]
    row = {"name": NASTY, "note": NASTY, "url": "", "state": "allowed", "roles": NASTY, "last": AT}
    told = {**row, "url": NASTY, "sentence": NASTY, "why": {"allowed": True, "reasons": reasons}}
    return [
        told,
        {**told, "state": "refused", "roles": "", "last": None, "why": {"allowed": False, "reasons": []}},
        {**row, "state": "not_available", "word": NASTY, "during": (AT, None), "why": None, "sentence": ""},
    ]


def record() -> list[dict[str, Any]]:
    event = SimpleNamespace(action=NASTY)
    names = {"actor": NASTY, "phrase": NASTY, "subject": NASTY, "tail": NASTY, "icon": "user"}
    line = {**names, "event": event, "actor_url": NASTY, "subject_url": NASTY, "source_address": NASTY}
    bare = {**line, "actor_url": "", "subject_url": "", "tail": "", "source_address": ""}
    fields = [{"name": NASTY, "before": NASTY, "after": "b"}, {"name": "a", "before": "", "after": NASTY}]
    none = [{"name": "a", "before": NASTY, "after": ""}, {"name": "b", "before": "1", "after": "1"}]
    row = {"at": AT, "url": NASTY, "request_id": NASTY, "details": [*fields, *none]}
    return [
        {**row, "line": SimpleNamespace(**line)},
        {**row, "line": SimpleNamespace(**bare), "request_id": "", "details": []},
        {**row, "line": SimpleNamespace(**{**bare, "subject": ""})},
    ]


def boxes() -> list[Box]:
    ways = [Way(NASTY, NASTY, NASTY, ("in-force", "paused", "draft"), out) for out in (True, False)]
    return [Box(NASTY, NASTY, NASTY, tuple(ways)), Box("b", "b", "", tuple(ways[:1])), Box("c", NASTY, NASTY)]


DRAWN: list[tuple[str, Callable[[Any], str], Any]] = [
    ("tasks.html", task_rows, tasks()),
    ("services.html", service_rows, services()),
    ("record.html", record_rows, record()),
    ("picture.html", svg.drawn, fan(NASTY, boxes(), Box("and 1,234 more", NASTY, "#list"))),
    ("picture.html", svg.drawn, pair(NASTY, NASTY * 9, boxes() * 20)),
]


@pytest.mark.parametrize(("written", "draw", "it"), DRAWN)
@pytest.mark.parametrize("language", ["en", "de"])
def test_it_is_drawn_as_the_template_would(
    written: str, draw: Callable[[Any], str], it: Any, language: str
) -> None:
    with override(language):
        by_template = Template((WRITTEN / written).read_text()).render(Context({"it": it}))
        drawn = draw(it)
    assert _plain(drawn) == _plain(by_template)
    assert "<b>" not in drawn and drawn.count("<") > 20


def _plain(text: str) -> str:
    """Without the blanks between tags."""
    return strip_spaces_between_tags(" ".join(text.split())).replace("> <", "><").strip()
