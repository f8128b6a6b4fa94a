"""Curves as a picture: plain SVG over a logarithmic grid, readable on a light and on a dark page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 860, 470
LEFT, RIGHT, TOP, BOTTOM = 62, 300, 60, 56
LOWEST = HEIGHT - BOTTOM
COLOURS = ("#2b7bd9", "#c8611f", "#1f9368", "#b0469c", "#7d67cf", "#9a7b0f")
LINE = 18  # between two names at the right
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.soft { fill: #57606a }
.grid { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .soft { fill: #9da7b1 }
  .grid { stroke: #3d444d }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Both axes go by powers of ten. Each curve is named at its end, with its note."""

    title: str
    across: str
    up: str
    places: Sequence[int]
    curves: Mapping[str, Sequence[float]]
    notes: Mapping[str, str]

    def svg(self) -> str:
        """The whole picture."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style>",
            f'<text class="title" x="10" y="22">{escape(self.title)}</text>',
            _text(10, TOP - 16, self.up, "start"),
            *self._grid(),
        ]
        ends = apart([self._y(curve[-1]) for curve in self.curves.values()])
        for number, (name, end) in enumerate(zip(self.curves, ends, strict=True)):
            parts += self._curve(name, COLOURS[number % len(COLOURS)], end)
        return "\n".join([*parts, "</svg>"]) + "\n"

    def _grid(self) -> list[str]:
        low, high = self._decades()
        right = self._x(self.places[-1])
        parts = [_text(right, HEIGHT - 10, self.across, "end")]
        for power in range(low, high + 1):
            at = self._y(10.0**power)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{right:.1f}" y1="{at:.1f}" y2="{at:.1f}"/>')
            parts.append(_text(LEFT - 8, at + 4, f"{10.0**power:,g}", "end"))
        return parts + [_text(self._x(place), LOWEST + 22, f"{place:,}", "middle") for place in self.places]

    def _curve(self, name: str, colour: str, end: float) -> list[str]:
        """Line, points, and a thread to the name, which may have moved."""
        curve = self.curves[name]
        points = [(self._x(place), self._y(value)) for place, value in zip(self.places, curve, strict=True)]
        across, up = points[-1]
        note = f'<tspan class="soft"> {escape(self.notes[name])}</tspan>'
        return [
            _line(points, colour, 2.5),
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in points),
            _line([(across + 6, up), (across + 22, end)], colour, 1),
            f'<text x="{across + 26:.1f}" y="{end + 4:.1f}">{escape(name)}{note}</text>',
        ]

    def _decades(self) -> tuple[int, int]:
        values = [value for curve in self.curves.values() for value in curve]
        low = math.floor(math.log10(min(values)))
        return low, max(low + 1, math.ceil(math.log10(max(values))))

    def _x(self, place: float) -> float:
        first, last = math.log10(self.places[0]), math.log10(self.places[-1])
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(place) - first) / (last - first or 1)

    def _y(self, value: float) -> float:
        low, high = self._decades()
        return LOWEST - (LOWEST - TOP) * (math.log10(value) - low) / (high - low)


def apart(heights: Sequence[float]) -> list[float]:
    """The heights of names, moved so that none lies upon another nor below the grid."""
    found, order = list(heights), sorted(range(len(heights)), key=heights.__getitem__)
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + LINE)
    for below, number in enumerate(reversed(order)):
        found[number] = min(found[number], LOWEST - LINE * below)
    return found


def _line(points: Sequence[tuple[float, float]], colour: str, width: float) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(across: float, up: float, text: str, anchor: str) -> str:
    return f'<text class="soft" x="{across:.1f}" y="{up:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
