"""The picture of a network: from nodes and ways to places in an SVG. Pure, and the same at every drawing.

All numbers are whole: a template prints fractions with the comma of the reader's language.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple
from unicodedata import combining, east_asian_width

WIDTH = 936
NODE, PILL, HUB = 176, 148, 136  # widths; between a pill and the hub runs the line
GAP = 6
PITCH, HEIGHT = 28, 24  # of pills below each other
APART = 12  # two nodes
LEAST = 40  # height of a node with no more than one way
LETTERS, HUB_LETTERS = 21, 14  # in the box of a node, in a line of a hub
LINES, LEADING = 3, 18  # of a hub
FIRST_ICON, ICON = 8, 15


class Way(NamedTuple):
    """What lies between a node and the hub; ``out`` leads away from the hub. Words are ready."""

    text: str
    title: str
    url: str
    shapes: tuple[str, ...]
    out: bool


class Box(NamedTuple):
    """A node; without an address it is no link."""

    text: str
    title: str
    url: str
    ways: tuple[Way, ...] = ()


class Line(NamedTuple):
    """A curve, and the head of its arrow."""

    shape: str
    path: str
    head: str


class Pill(NamedTuple):
    """A way in its place."""

    way: Way
    x: int
    y: int
    icons: tuple[tuple[str, int], ...]
    text_x: int
    line: Line


class Placed(NamedTuple):
    """A node in its place; ``beyond`` are the lines on its other side."""

    box: Box
    label: str
    x: int
    y: int
    height: int
    pills: tuple[Pill, ...]
    beyond: tuple[Line, ...] = ()

    @property
    def inside(self) -> int:
        """The height of the box within its border."""
        return self.height - 2


class Hub(NamedTuple):
    """What the lines run to; ``lines`` are parts of its name with their places in the box."""

    lines: tuple[tuple[str, int], ...]
    title: str
    x: int
    y: int
    height: int

    @property
    def inside(self) -> int:
        """The height of the box within its border."""
        return self.height - 2


class Picture(NamedTuple):
    """Everything in its place."""

    height: int
    nodes: tuple[Placed, ...]
    hubs: tuple[Hub, ...]


class _Column(NamedTuple):
    """Where the things of one column stand; ``side`` is 1 right of the hub and -1 left of it."""

    node_x: int
    pill_x: int
    side: int
    hub_x: int

    @property
    def inner_x(self) -> int:
        """The end of a pill at which its line begins."""
        return self.pill_x if self.side > 0 else self.pill_x + PILL


_MIDDLE = (WIDTH - HUB) // 2
_LEFT = _Column(0, NODE + GAP, -1, _MIDDLE)
_RIGHT = _Column(WIDTH - NODE, WIDTH - NODE - GAP - PILL, 1, _MIDDLE + HUB)
_BETWEEN = _Column(360, 360 - GAP - PILL, 1, HUB)


def fan(name: str, boxes: Sequence[Box], more: Box | None = None) -> Picture:
    """The hub in the middle; who rather gives at its left, who rather receives at its right."""
    left, right = _halves(boxes)
    if more is not None:
        right.append(more)
    height = max(_tall(left), _tall(right), LEAST * 2)
    hub = _hub(name, _MIDDLE, height, max(_ways(left), _ways(right)))
    placed = [*_placed(left, _LEFT, hub, height), *_placed(right, _RIGHT, hub, height)]
    return Picture(height, tuple(placed), (hub,))


def pair(name: str, partner: str, boxes: Sequence[Box], more: Box | None = None) -> Picture:
    """Two hubs, and between them what the one shares with the other."""
    boxes = [*boxes, more] if more is not None else list(boxes)
    height = max(_tall(boxes), LEAST * 2)
    hub = _hub(name, 0, height, _ways(boxes))
    far = _hub(partner, WIDTH - HUB, height, _ways(boxes))
    ends = iter(_ends(far, _ways(boxes)))
    nodes = [_through(node, far, ends) for node in _placed(boxes, _BETWEEN, hub, height)]
    return Picture(height, tuple(nodes), (hub, far))


def shortened(text: str, letters: int = LETTERS) -> str:
    """As much of the text as a box holds; wide letters count twice, accents not at all."""
    sizes = [0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text]
    room = [size <= letters for size in accumulate(sizes)]
    return text if all(room) else text[: max(1, sum(size <= letters - 1 for size in accumulate(sizes)))] + "…"


def wrapped(text: str) -> list[str]:
    """A name on a few short lines, by its words."""
    lines: list[str] = []
    for word in text.split() or [text]:
        if lines and len(f"{lines[-1]} {word}") <= HUB_LETTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > LINES:
        lines[LINES - 1 :] = [" ".join(lines[LINES - 1 :])]
    return [shortened(line, HUB_LETTERS) for line in lines]


def _halves(boxes: Sequence[Box]) -> tuple[list[Box], list[Box]]:
    ordered = sorted(boxes, key=_rank)
    if len(ordered) == 1:
        return (ordered, []) if _rank(ordered[0]) == 0 else ([], ordered)
    tops = list(accumulate(_high(box) + APART for box in ordered))
    left = sum(2 * top <= tops[-1] for top in tops) if tops else 0
    return ordered[:left], ordered[left:]


def _rank(box: Box) -> int:
    """Only gives, both or neither, only receives."""
    ways = {way.out for way in box.ways}
    return 1 if len(ways) != 1 else 2 if True in ways else 0


def _high(box: Box) -> int:
    return max(LEAST, PITCH * len(box.ways) - (PITCH - HEIGHT) + 8)


def _tall(boxes: Sequence[Box]) -> int:
    return sum(_high(box) + APART for box in boxes) - APART if boxes else 0


def _ways(boxes: Sequence[Box]) -> int:
    return sum(len(box.ways) for box in boxes)


def _hub(name: str, x: int, height: int, ways: int) -> Hub:
    tall = min(height, max(LEAST * 2, 16 * (ways + 1)))
    parts = wrapped(name)
    first = tall // 2 - LEADING * (len(parts) - 1) // 2
    lines = tuple((part, first + LEADING * number) for number, part in enumerate(parts))
    return Hub(lines, name, x, (height - tall) // 2, tall)


def _ends(hub: Hub, ways: int) -> list[int]:
    """Where lines meet the hub, one below the other."""
    return [hub.y + hub.height * number // (ways + 1) for number in range(1, ways + 1)]


def _placed(boxes: Sequence[Box], column: _Column, hub: Hub, height: int) -> Iterator[Placed]:
    top = (height - _tall(boxes)) // 2
    ends = iter(_ends(hub, _ways(boxes)))
    for box in boxes:
        high = _high(box)
        first = top + (high - (PITCH * len(box.ways) - (PITCH - HEIGHT))) // 2
        pills = tuple(
            _pill(way, column, first + PITCH * number, next(ends)) for number, way in enumerate(box.ways)
        )
        yield Placed(box, shortened(box.text), column.node_x, top, high, pills)
        top += high + APART


def _pill(way: Way, column: _Column, y: int, end: int) -> Pill:
    icons = tuple((shape, FIRST_ICON + ICON * number) for number, shape in enumerate(way.shapes))
    line = _line(way, (column.inner_x, y + HEIGHT // 2), (column.hub_x, end), forth=not way.out)
    return Pill(way, column.pill_x, y, icons, FIRST_ICON + ICON * len(icons) + 3, line)


def _line(way: Way, start: tuple[int, int], end: tuple[int, int], *, forth: bool) -> Line:
    """A curve that leaves and arrives level; ``forth``: the arrow is at its end, else at its start."""
    middle = (start[0] + end[0]) // 2
    path = f"M{start[0]} {start[1]}C{middle} {start[1]} {middle} {end[1]} {end[0]} {end[1]}"
    tip, other = (end, start) if forth else (start, end)
    back = 8 if other[0] > tip[0] else -8
    return Line(way.shapes[0], path, f"M{tip[0]} {tip[1]}l{back} -5v10z")


def _through(node: Placed, far: Hub, ends: Iterator[int]) -> Placed:
    """Each way goes on behind the node, in the same direction."""
    lines = tuple(
        _line(pill.way, (node.x + NODE, pill.y + HEIGHT // 2), (far.x, next(ends)), forth=pill.way.out)
        for pill in node.pills
    )
    return node._replace(beyond=lines)
