"""Rows of resources against privileges: ``{% load matrices %}``.

Drawn by the template language, 25 of them took as long as all the rest of a role's page.
"""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from iam_portal.templatetags.portal import icon

register = template.Library()
DEEPEST = 5  # further in, rows are not moved


@register.simple_tag
def matrix_rows(lines: Iterable[Any], editing: Any = False) -> SafeString:
    """``accesscontrol.views.matrix.Line`` each; ``editing``: with boxes to tick."""
    drawn = _Cells(bool(editing))
    return SafeString("".join(_row(line, drawn) for line in lines))


class _Cells:
    """What all of them say, translated once."""

    def __init__(self, editing: bool) -> None:
        self.editing = editing
        self.none = format_html('<span class="matrix-none" title="{}">–</span>', _("not offered"))
        self.yes = icon("check", "", _("yes"))
        self.covered, self.covered_by = _("covered"), _("from %(name)s")

    def drawn(self, cell: Any) -> str:
        """``views.matrix.Cell``."""
        by = self._by(cell) if cell.by and not cell.given else ""
        label = conditional_escape(cell.word)
        return f'<td role="cell" data-label="{label}">{self._itself(cell)}{by}</td>'

    def _itself(self, cell: Any) -> str:
        if not cell.offered:
            return self.none
        if not self.editing:
            return self.yes if cell.given else ""
        state = f"{' checked' if cell.given else ''}{' disabled' if cell.locked else ''}"
        value, label = conditional_escape(cell.box), conditional_escape(cell.label)
        box = '<input class="form-check-input" type="checkbox" name="p"'
        return f'{box} value="{value}" aria-label="{label}"{state}>'

    def _by(self, cell: Any) -> str:
        return format_html(
            '<span class="matrix-by" title="{}">{}</span>', self.covered_by % {"name": cell.by}, self.covered
        )


def _row(line: Any, drawn: _Cells) -> str:
    node, moved, part = line.node, "", ""
    if line.heading:
        heading = conditional_escape(line.heading)
        part = (
            '<tr role="row" class="matrix-part"><th role="rowheader" scope="rowgroup" colspan="6">'
            f"{heading}</th></tr>\n"
        )
    if node.depth and not line.path:
        moved = f" matrix-in-{min(node.depth, DEEPEST)}"
    notes = [f"{node.type}/{node.key}", *_inside(line.path), *line.notes]
    said = "".join(f'<span class="table-note">{conditional_escape(note)}</span>' for note in notes)
    return (
        f'{part}<tr role="row">\n<th role="rowheader" scope="row" class="matrix-name{moved}">'
        f"{conditional_escape(node.name)}{said}</th>\n{''.join(map(drawn.drawn, line.cells))}\n</tr>\n"
    )


def _inside(path: str) -> list[str]:
    return [_("in %(path)s") % {"path": path}] if path else []
