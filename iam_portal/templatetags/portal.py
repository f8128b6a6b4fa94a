"""What the console's templates print with: ``{% load portal %}``."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from django import template
from django.forms import BoundField, widgets
from django.forms.boundfield import BoundWidget
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from iam_portal.templatetags import moments, states, tables
from iam_portal.templatetags import privileges as words
from iam_portal.templatetags import timeline as lines
from iam_portal.templatetags.unchanging import unchanging

register = template.Library()
register.tag(unchanging)
AS_DRAWN = "was"  # the hidden field with what a form was drawn with


class _Blanks(dict[str, Any]):
    """Reads as blank where it has nothing.

    Templates forgive that of every dictionary, but look for an attribute and an index first, and list all
    names of the type: of a table's cells, which have one or two of twelve members, half a page's time.
    """

    def __missing__(self, key: str) -> str:
        return ""


@register.filter
def blanks(rows: Iterable[Any]) -> list[Any]:
    """For a loop over dictionaries that have few of the members that are asked for."""
    return [_Blanks(row) if isinstance(row, dict) else row for row in rows]


@register.filter
def moment(value: datetime | None, at: datetime | None = None) -> SafeString | str:
    """``3 Mar 2027, 14:00 CET (in 5 days)``; ``at`` is the page's now, the clock's by default."""
    if not value:
        return ""
    text = f"{moments.plain(value)} ({moments.distance(value, at or timezone.now())})"
    return moments.element(value, text)


@register.filter
def relative(value: datetime | None, at: datetime | None = None) -> SafeString | str:
    """``in 5 days``, with the whole moment in the title."""
    if not value:
        return ""
    return moments.element(value, moments.distance(value, at or timezone.now()))


@register.filter
def day(value: datetime | None) -> SafeString | str:
    """``3 Mar 2027`` where the hour would only be noise; the title still has it."""
    if not value:
        return ""
    return moments.element(value, moments.on_day(timezone.localtime(value)), "day")


@register.filter
def on_day(value: datetime) -> str:
    """The day's words alone, for an attribute."""
    return moments.on_day(value)


@register.filter
def dated(text: Any) -> SafeString | str:
    """The sentence of a reason with its moments in the reader's zone."""
    return moments.dated(str(text)) if text else ""


@register.filter
def privilege(name: str) -> str:
    """``{{ "read"|privilege }}``: in the reader's language."""
    return words.word(name)


@register.filter
def privileges(names: Iterable[str]) -> str:
    """Several of them, with commas."""
    return words.joined(names)


@register.filter
def since(reason: Mapping[str, Any]) -> SafeString | str:
    """A reason's moment: only how long ago when the sentence names it, else the whole."""
    at = reason.get("at") if isinstance(reason, Mapping) else getattr(reason, "at", None)
    text = reason.get("text", "") if isinstance(reason, Mapping) else getattr(reason, "text", "")
    return relative(at) if moments.says_when(str(text)) else moment(at)


@register.filter
def span_text(during: Any) -> SafeString | str:
    """A ``tstzrange`` or a pair of moments in words; None stays empty."""
    return moments.in_words(during) if during else ""


@register.simple_tag
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """One drawing of the sprite; hidden from screen readers unless it has a label."""
    return _labelled(name, css, label) if label else _plain(name, css)


@cache
def _plain(name: str, css: str) -> SafeString:
    """Dozens on a page, all from code and templates, always the same."""
    return _labelled(name, css, "")


def _labelled(name: str, css: str, label: str) -> SafeString:
    spoken = format_html('role="img" aria-label="{}"', label) if label else 'aria-hidden="true"'
    return format_html(
        '<svg class="icon {}" {}><use href="{}#{}"/></svg>',
        css,
        SafeString(spoken),
        static("iam_portal/icons.svg"),
        name,
    )


@register.simple_tag
def state_badge(state: str, word: str = "") -> SafeString:
    """Shape and word of a state; ``word`` replaces the usual one."""
    seen = states.look(state)
    return format_html(
        '<span class="state state-{}">{}{}</span>',
        seen.shape,
        icon(f"state-{seen.shape}"),
        word or seen.word,
    )


@register.simple_tag
def table_rows(rows: Iterable[Any], columns: list[dict[str, Any]]) -> SafeString:
    """The rows of ``_table.html``, each a table row."""
    draw: dict[str, tables.Draw] = {
        "state": state_badge,
        "at": moment,
        "day": day,
        "note": dated,
        "icon": icon,
    }
    return tables.drawn(rows, columns, draw)


@register.simple_tag
def state_icon(state: str) -> SafeString:
    """The shape of a state alone; its word stands beside it."""
    return icon(f"state-{states.look(state).shape}")


@register.filter
def shape(state: str) -> str:
    """The class that colours a state's shape."""
    return f"shape-{states.look(state).shape}"


@register.inclusion_tag("iam_portal/_timeline.html")
def timeline(
    rows: Iterable[Mapping[str, Any]],
    at: datetime | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> dict[str, Any]:
    """Draws rows ``{label, url?, note?, spans: [{during, state, title?}]}`` with ``at`` marked."""
    now = timezone.now()
    at = at or now
    same_day = timezone.localtime(at).date() == timezone.localtime(now).date()
    today = _("Today") if same_day else moments.on_day(timezone.localtime(at))
    return {"line": lines.draw(rows, at=at, start=start, end=end), "today_label": today}


@register.filter
def kind(field: BoundField) -> str:
    """How ``_field.html`` lays a field out: check, group, secret, moment or plain."""
    widget = field.field.widget
    if isinstance(widget, widgets.CheckboxInput):
        return "check"
    if isinstance(widget, widgets.RadioSelect | widgets.CheckboxSelectMultiple):
        return "group"
    if isinstance(widget, widgets.PasswordInput):
        return "secret"
    return "moment" if getattr(widget, "input_type", "") == "datetime-local" else "plain"


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """The widget of a bound field with the classes it needs and its help and errors announced."""
    widget = field.field.widget
    css = "form-select" if isinstance(widget, widgets.Select) else "form-control"
    if kind(field) == "check":
        css = "form-check-input"
    own = widget.attrs.get("class", "")
    invalid = "is-invalid" if field.errors else ""
    return field.as_widget(attrs={"class": " ".join(filter(None, (css, own, invalid)))})


_CHECKED, _DISABLED = SafeString(" checked"), SafeString(" disabled")
_BOX = (
    '<label class="form-check" for="{}"><input class="form-check-input" type="{}" name="{}" value="{}"'
    ' id="{}"{}{}><span class="form-check-label">{}</span></label>'
)


@register.simple_tag
def boxes(field: BoundField) -> SafeString:
    """The choices of a group, each with its box. By a template's loop, a hundred of them took 10 ms."""
    return format_html_join("", _BOX, (_box(choice) for choice in field.subwidgets))


@register.simple_tag
def datalist(name: str, rows: Iterable[tuple[str, str]]) -> SafeString:
    """What a field offers while one is typing: values, each with what it stands for."""
    options = "".join(
        f'<option value="{tables.said(value)}">{tables.said(text)}</option>' for value, text in rows
    )
    return SafeString(f'<datalist id="{tables.said(name)}">{options}</datalist>')


def _box(choice: BoundWidget) -> tuple[Any, ...]:
    data, anchor = choice.data, choice.id_for_label
    checked = _CHECKED if data["selected"] else ""
    disabled = _DISABLED if data["attrs"].get("disabled") else ""
    return anchor, data["type"], data["name"], data["value"], anchor, checked, disabled, choice.choice_label


def sent_values(field: BoundField) -> list[str]:
    """What a browser would send of a field as it is drawn."""
    value, widget = field.value(), field.field.widget
    if isinstance(widget, widgets.CheckboxInput):
        return ["on"] if value and value != "False" else []
    written = widget.format_value(value)
    values = written if isinstance(written, list | tuple) else [written]
    return [str(one).replace("\r\n", "\n").strip() for one in values if one not in (None, "")]


@register.simple_tag
def as_drawn(form: Any) -> SafeString:
    """What the form was drawn with first, carried along: who is overtaken is shown what he began with."""
    if form.is_bound:
        drawn = form.data.get(AS_DRAWN, "")
    else:
        drawn = json.dumps({name: sent_values(form[name]) for name in form.fields})
    return format_html('<input type="hidden" name="{}" value="{}">', AS_DRAWN, drawn)


@register.filter
def undo(message: Any) -> dict[str, Any] | None:
    """The opposite act that a message offers: its address and its fields."""
    tag = message.extra_tags or ""
    return json.loads(tag) if tag.startswith("{") else None


@register.filter
def problems(form: Any) -> list[tuple[str, str, str]]:
    """The form's errors as (id of the control, label, text), in the order of the fields."""
    found = []
    for field in form:
        anchor = field.id_for_label or f"{field.auto_id}_group"
        found += [(anchor, str(field.label), text) for text in field.errors]
    return found
