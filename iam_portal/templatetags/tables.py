"""The rows of ``_table.html``. By the template language, cell for cell, they took half a page's time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from django.template.loader import get_template
from django.utils.formats import localize
from django.utils.safestring import SafeString

Cell = Mapping[str, Any]
Draw = Callable[..., Any]
BLANK = "–"


def drawn(rows: Iterable[Any], columns: Sequence[Mapping[str, Any]], draw: Mapping[str, Draw]) -> SafeString:
    """All rows. Everything that a cell brings is escaped here, or drawn by what escapes it itself."""
    labels = ["" if column.get("hidden_label") else said(column["label"]) for column in columns]
    heads = [
        (f'<td role="cell" data-label="{label}" class="', "num" if column.get("numeric") else "")
        for label, column in zip(labels, columns, strict=True)
    ]
    return SafeString("".join(_row(row["cells"], heads, draw) for row in rows))


def said(value: Any) -> str:
    """A value as a template prints it. Django's own escaping looks first whether it is to be put off."""
    text = value if isinstance(value, str) else str(localize(value))
    return text if isinstance(text, SafeString) else escape(text)


def _row(cells: Sequence[Cell], heads: Sequence[tuple[str, str]], draw: Mapping[str, Draw]) -> str:
    parts = ['<tr role="row">\n']
    for number, cell in enumerate(cells):
        opened, numeric = heads[min(number, len(heads) - 1)]
        marks = numeric + (" table-name" if number == 0 else "") + _marks(cell)
        parts.append(f'{opened}{marks}"><div>{_inside(cell, draw)}</div></td>\n')
    return "".join((*parts, "</tr>\n"))


def _marks(cell: Cell) -> str:
    found = ""
    if cell.get("action"):
        found = " text-nowrap" if cell.get("text") or cell.get("day") else " table-act"
    return f"{found} table-blank" if cell.get("text") == BLANK else found


def _inside(cell: Cell, draw: Mapping[str, Draw]) -> str:
    text = said(cell.get("text", ""))
    parts = [f'<a href="{said(cell["url"])}">{text}</a>' if cell.get("url") else text]
    if cell.get("state"):
        parts.append(draw["state"](cell["state"], cell.get("word") or ""))
    parts += [said(draw[name](cell[name])) for name in ("at", "day") if cell.get(name)]
    if cell.get("code"):
        parts.append(f"<code>{said(cell['code'])}</code>")
    if cell.get("copy_id"):
        parts.append(get_template("iam_portal/_copy.html").render({"text": cell["copy_id"]}))
    if cell.get("note"):
        parts.append(f'<span class="table-note">{said(draw["note"](cell["note"]))}</span>')
    if cell.get("action"):
        parts.append(_action(cell["action"], draw, beside=bool(cell.get("text") or cell.get("day"))))
    return "".join(parts)


def _action(action: Mapping[str, Any], draw: Mapping[str, Draw], *, beside: bool) -> str:
    css = "btn btn-sm ms-2" if beside else "btn btn-sm"
    dialog = " data-dialog" if action.get("dialog") else ""
    sign = draw["icon"](action["icon"]) if action.get("icon") else ""
    url, label = said(action.get("url", "")), said(action.get("label", ""))
    return f'<a class="{css}" href="{url}"{dialog}>{sign}{label}</a>'
