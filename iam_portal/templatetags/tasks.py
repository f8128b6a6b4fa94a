"""The rows of ``_tasks.html``: ``{% load tasks %}``.

By the template language a hundred of them take 3.4 ms, so 1.2.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from django import template
from django.utils.safestring import SafeString

from iam_portal.templatetags.portal import icon, relative
from iam_portal.templatetags.tables import said

register = template.Library()


class Waiting(Protocol):
    """What a row shows."""

    @property
    def icon(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def action(self) -> dict[str, Any]: ...


@register.simple_tag
def task_rows(tasks: Iterable[Waiting]) -> SafeString:
    """What waits, each with the way there."""
    return SafeString("".join(map(_row, tasks)))


def _row(task: Waiting) -> str:
    action = task.action
    dialog = " data-dialog" if action.get("dialog") else ""
    return (
        f'<li><span class="history-icon">{icon(task.icon)}</span><div><p>{said(task.text)}</p>'
        f'<p class="history-note">{said(task.note)} {relative(task.at)}</p></div>'
        f'<a class="btn btn-sm" href="{said(action["url"])}"{dialog}>{said(action["label"])}</a></li>\n'
    )
