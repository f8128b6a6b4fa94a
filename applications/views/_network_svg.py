"""The picture of a network as SVG. By the template language 64 ways took 4.4 ms, so 0.3.

All numbers are whole, so that no language writes them with a comma. Words are escaped here.
"""

from collections.abc import Iterable

from django.templatetags.static import static
from django.utils.safestring import SafeString

from applications.views._network_drawing import HEIGHT, HUB, NODE, PILL, Hub, Line, Picture, Pill, Placed
from iam_portal.templatetags.tables import said

_SIGN = 'width="12" height="12"'


def drawn(picture: Picture) -> SafeString:
    """Lines below hubs below nodes with their pills."""
    icons = said(static("iam_portal/icons.svg"))
    return SafeString(
        "\n".join(
            (
                "".join(map(_lines, picture.nodes)),
                "".join(map(_hub, picture.hubs)),
                "".join(f"{_node(node)}\n{_pills(node.pills, icons)}" for node in picture.nodes),
            )
        )
    )


def _lines(node: Placed) -> str:
    return "".join(map(_line, (*(pill.line for pill in node.pills), *node.beyond)))


def _line(line: Line) -> str:
    paths = f'<path d="{line.path}"/><path class="net-head" d="{line.head}"/>'
    return f'<g class="net-{said(line.shape)}">{paths}</g>'


def _hub(hub: Hub) -> str:
    lines = "".join(f'<text x="50%" y="{y}">{said(line)}</text>' for line, y in hub.lines)
    return (
        f'<svg class="net-hub" x="{hub.x}" y="{hub.y}" width="{HUB}" height="{hub.height}">'
        f'<title>{said(hub.title)}</title><rect x="1" y="1" width="{HUB - 2}" height="{hub.inside}" rx="8"/>'
        f"{lines}</svg>"
    )


def _node(node: Placed) -> str:
    opened, closed = (f'<a href="{said(node.box.url)}">', "</a>") if node.box.url else ("<g>", "</g>")
    return (
        f"{opened}<title>{said(node.box.title)}</title>"
        f'<svg class="net-node" x="{node.x}" y="{node.y}" width="{NODE}" height="{node.height}">'
        f'<rect x="1" y="1" width="{NODE - 2}" height="{node.inside}" rx="6"/>'
        f'<text x="50%" y="50%">{said(node.label)}</text></svg>{closed}'
    )


def _pills(pills: Iterable[Pill], icons: str) -> str:
    return "".join(_pill(pill, icons) for pill in pills)


def _pill(pill: Pill, icons: str) -> str:
    signs = "".join(
        f'<use class="net-{said(shape)}" href="{icons}#state-{said(shape)}" x="{x}" y="6" {_SIGN}/>'
        for shape, x in pill.icons
    )
    return (
        f'<a href="{said(pill.way.url)}" class="net-{said(pill.line.shape)}">'
        f"<title>{said(pill.way.title)}</title>"
        f'<svg class="net-pill" x="{pill.x}" y="{pill.y}" width="{PILL}" height="{HEIGHT}">'
        f'<rect x="1" y="1" width="{PILL - 2}" height="{HEIGHT - 2}" rx="6"/>{signs}'
        f'<text x="{pill.text_x}" y="50%">{said(pill.way.text)}</text></svg></a>\n'
    )
