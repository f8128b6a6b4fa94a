"""The network in words: what a box, a pill and a row of the table say, and where they lead."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from applications.http import address
from applications.models import Contract
from applications.views._contract import title
from applications.views._network import ORDER, Edge, Node
from applications.views._network_drawing import Box, Way
from applications.views._standing import is_provider, type_words
from iam_portal.templatetags.numbers import grouped
from iam_portal.templatetags.states import look
from tenants.models import Tenant

SHAPES = 3  # states that one pill shows; its title names all
LIST = "#list"


def partner(node: Node, slug: str, url: str) -> Box:
    """A partner; the box leads to the pair."""
    said = _("%(name)s: what you share, by application") % {"name": node.name}
    ways = tuple(_way(edge, node.name, slug, url) for edge in node.edges)
    return Box(node.name, said, url, ways)


def application(node: Node, partner_name: str, url: str, slug: str) -> Box:
    """An application between the two; ``url`` is that of its page, where there is one."""
    ways = tuple(_way(edge, f"{node.name}, {partner_name}", slug, LIST) for edge in node.edges)
    return Box(node.name, node.name, url, ways)


def rest(count: int) -> Box | None:
    """What stands for those that are not drawn."""
    if count < 1:
        return None
    return Box(
        _("and %(count)s more") % {"count": grouped(count)},
        _("They stand in the table"),
        LIST,
    )


def row(node: Node, url: str, partnership_url: str) -> list[dict[str, Any]]:
    """A partner in the table."""
    states = merged(node.edges)
    standing: dict[str, Any] = {"text": _("Nothing agreed")}
    if states:
        standing = {"state": states[0][0], "note": _several(states)}
    return [
        {"text": node.name, "url": url},
        standing,
        _counts(node, provided=True),
        _counts(node, provided=False),
        {"text": _("Partnership"), "url": partnership_url} if partnership_url else {"text": "–"},
    ]


def contract(line: Contract, tenant: Tenant, there: str) -> list[dict[str, Any]]:
    """A contract in the table of a pair, as it stood at the moment."""
    side = _("Provided") if is_provider(line, tenant) else _("Received")
    url = address("contract-detail", tenant.slug, contract_id=line.id)
    return [
        {"text": title(line, tenant), "url": url, "note": side},
        {"state": there},
        {"text": type_words(line.type)},
        {"day": line.starts_at} if line.starts_at else {"text": "–"},
        {"day": line.ends_at} if line.ends_at else {"text": "–"},
    ]


def legend(nodes: Iterable[Node]) -> list[tuple[str, str]]:
    """The states in the picture: shape and word."""
    states = merged(edge for node in nodes for edge in node.edges)
    return list(dict.fromkeys((look(state).shape, str(look(state).word)) for state, _count in states))


def counted(number: int) -> str:
    """The line under the table."""
    return ngettext("%(count)s partner", "%(count)s partners", number) % {"count": grouped(number)}


def applications_counted(number: int) -> str:
    """The same of a pair."""
    return ngettext("%(count)s application", "%(count)s applications", number) % {"count": grouped(number)}


def contracts_counted(number: int) -> str:
    """Under the table of a pair that fits on one page."""
    return ngettext("%(count)d contract", "%(count)d contracts", number) % {"count": number}


def merged(edges: Iterable[Edge]) -> list[tuple[str, int]]:
    """The states of all edges, what counts now first."""
    found: dict[str, int] = {}
    for edge in edges:
        for state, count in edge.states:
            found[state] = found.get(state, 0) + count
    return sorted(found.items(), key=lambda item: ORDER[item[0]])


def _way(edge: Edge, name: str, slug: str, otherwise: str) -> Way:
    """Contracts of one direction and type; the only one is linked itself."""
    text = f"{type_words(edge.type)}: {edge.total}"
    url = address("contract-detail", slug, contract_id=edge.contract_id) if edge.contract_id else otherwise
    shapes = tuple(dict.fromkeys(look(state).shape for state, _count in edge.states))
    return Way(text, _said(edge, name), url, shapes[:SHAPES], edge.provided)


def _said(edge: Edge, name: str) -> str:
    """An edge in a sentence, for who hovers and for who listens."""
    words = {"type": type_words(edge.type), "name": name, "states": _listed(edge.states)}
    if edge.provided:
        return _("%(type)s for %(name)s – %(states)s") % words
    return _("%(type)s from %(name)s – %(states)s") % words


def _listed(states: Iterable[tuple[str, int]]) -> str:
    """``In force: 2, Paused: 1``."""
    return ", ".join(f"{look(state).word}: {count}" for state, count in states)


def _several(states: list[tuple[str, int]]) -> str:
    """The states by number, where the badge does not say it all."""
    return _listed(states) if len(states) > 1 else ""


def _counts(node: Node, *, provided: bool) -> dict[str, Any]:
    parts = [f"{type_words(edge.type)}: {edge.total}" for edge in node.edges if edge.provided == provided]
    return {"text": ", ".join(parts) or "–"}
