"""Form controls, drawn here to the letter as Django's own templates would draw them.

Those draw each option by a template of its own: most of what a page with a long list of time zones took.
"""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from django.forms.renderers import TemplatesSetting
from django.utils.safestring import SafeString

from iam_portal.templatetags.tables import said

Widget = Mapping[str, Any]
_FOLDER = "django/forms/widgets/"


class Controls(TemplatesSetting):
    """Django's renderer. What is not drawn here is drawn by its template."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        draw = _DRAWN.get(template_name)
        return draw(context["widget"]) if draw else str(super().render(template_name, context, request))


def _line(widget: Widget) -> str:
    value = widget["value"]
    filled = "" if value is None else f' value="{_text(value)}"'
    named = f'type="{said(widget["type"])}" name="{said(widget["name"])}"'
    return f"<input {named}{filled}{_attributes(widget)}>"


def _area(widget: Widget) -> str:
    filled = said(widget["value"]) if widget["value"] else ""
    return f'<textarea name="{said(widget["name"])}"{_attributes(widget)}>\n{filled}</textarea>'


def _list(widget: Widget) -> str:
    parts = [f'<select name="{said(widget["name"])}"{_attributes(widget)}>']
    for name, options, _index in widget["optgroups"]:
        if name:
            parts.append(f'\n  <optgroup label="{said(name)}">')
        parts += [f"\n  {_option(option)}\n" for option in options]
        if name:
            parts.append("\n  </optgroup>")
    return "".join((*parts, "\n</select>"))


def _option(option: Widget) -> str:
    attributes = _attributes(option) if option["attrs"] else ""
    return f'<option value="{_text(option["value"])}"{attributes}>{said(option["label"])}</option>'


def _attributes(widget: Widget) -> str:
    found = ""
    for name, value in widget["attrs"].items():
        if value is not False:
            found += f" {said(name)}" if value is True else f' {said(name)}="{_text(value)}"'
    return found


def _text(value: Any) -> str:
    """As the filter ``stringformat:'s'`` prints it: escaped, unless it is safe text itself."""
    return value if isinstance(value, SafeString) else escape(str(value))


_LINES = "input text hidden password email url number date datetime time checkbox file color search tel"
_DRAWN: dict[str, Callable[[Widget], str]] = {
    **{f"{_FOLDER}{name}.html": _line for name in _LINES.split()},
    f"{_FOLDER}textarea.html": _area,
    f"{_FOLDER}select.html": _list,
}
