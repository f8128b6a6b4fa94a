"""The rows of the matrix in the form of a role: searched, filtered, paged, with what was ticked elsewhere."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accesscontrol.views.material import Material, material
from accesscontrol.views.matrix import Matrix
from accesscontrol.views.role_choices import Granting
from accesscontrol.views.role_drafts import Draft
from accesscontrol.views.role_pages import left_out, scope
from applications.trees import Node, forest
from tenants.http.paging import LONGEST
from tenants.views.console import ConsolePage

SIZE = 25  # rows of a page: with five boxes each it stays light


def part(
    page: ConsolePage, draft: Draft, stored: Mapping[UUID, frozenset[str]], applications: set[str]
) -> dict[str, Any]:
    """What the template draws of the matrix. ``stored`` and its applications are what the role holds now."""
    stuff = material(tenant=page.tenant, at=page.at, also=applications)
    text, wanted, show = (_typed(page, name) for name in ("q", "application", "show"))
    woods = forest(
        scope(page, stuff, wanted), tenant_id=page.tenant.pk, at=page.at, roles=stuff.roles, text=text
    )
    matrix = Matrix(
        woods,
        draft.over(stored),
        stuff.running,
        stuff.names,
        granting=Granting.of(page.actor, tenant=page.tenant, at=page.at, read=page.answers),
        bases=draft.bases(stored),
        searched=bool(text),
    )
    rows = [node for node in woods.nodes.values() if node.found and _belongs(matrix, node, draft, show)]
    start = _start(page, len(rows))
    shown = rows[start : start + SIZE]
    count = len(rows)
    return {
        "lines": matrix.lines(shown),
        "kept": draft.carried(stored, without=[node.id for node in shown]),
        "q": text,
        "show": show,
        "chosen": wanted,
        "choices": _choices(stuff),
        "start": start,
        "has_previous": start > 0,
        "has_next": start + SIZE < count,
        "count_text": ngettext("%(count)d resource", "%(count)d resources", count) % {"count": count},
        "left_out": left_out(woods, stuff.names),
    }


def _belongs(matrix: Matrix, node: Node, draft: Draft, show: str) -> bool:
    """Whether it is a row: held, or changed; or of use for a role, unless only the others are shown."""
    if matrix.held.get(node.id) or node.id in draft.changes:
        return True
    return show != "chosen" and bool(matrix.usable(node))


def _typed(page: ConsolePage, name: str) -> str:
    """Of the form, or of the address with which it was opened."""
    given = page.request.POST if page.request.method == "POST" else page.request.GET
    return given.get(name, "").replace("\0", "").strip()[:LONGEST]


def _start(page: ConsolePage, count: int) -> int:
    """Where the page begins: forwards or back from the one that was drawn; a search begins at the first."""
    text, go = _typed(page, "from"), page.request.POST.get("go")
    here = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    here = {"next": here + SIZE, "previous": here - SIZE, "save": here}.get(str(go), 0)
    return max(0, min(here, (count - 1) // SIZE * SIZE))


def _choices(stuff: Material) -> list[tuple[str, str]]:
    return [("", _("All applications")), *stuff.names.items()]
