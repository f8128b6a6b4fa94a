"""The picture of growth shows every curve, each with a name of its own place."""

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

from tests.benchmarks.curves import LEFT, LINE, LOWEST, RIGHT, TOP, WIDTH, Chart, apart

SVG = "{http://www.w3.org/2000/svg}"


def _chart(**curves: list[float]) -> Chart:
    return Chart(
        title="What <one> costs",
        across="organizations",
        up="ms",
        places=[10, 100, 1_000],
        curves=curves,
        notes={name: f"{name} & more" for name in curves},
    )


def test_every_curve_is_drawn_within_the_grid_and_named() -> None:
    root = ElementTree.fromstring(_chart(token=[0.4, 0.4, 0.5], page=[8, 9, 40]).svg())

    points = [(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in root.iter(f"{SVG}circle")]
    assert len(points) == 6
    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= LOWEST for x, y in points)
    assert points[0][1] > points[3][1]  # what costs more lies higher
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {"What <one> costs", "token token & more", "page page & more", "0.1", "100", "1,000"} <= set(texts)


def test_curves_that_are_alike_have_a_grid_too() -> None:
    assert _chart(one=[10, 10, 10], other=[10, 10, 10]).svg().count("<circle") == 6


def test_one_world_alone_is_drawn() -> None:
    assert replace(_chart(one=[10]), places=[10]).svg().count("<circle") == 1


def test_names_keep_their_distance_and_stay_above_the_lowest_line() -> None:
    for heights in ([100, 101, 102, 300], [LOWEST] * 6, [LOWEST, 80, LOWEST - 3, 82.5]):
        moved = apart(heights)

        assert all(below - above >= LINE for above, below in pairwise(sorted(moved)))
        assert max(moved) <= LOWEST
        assert all((a < b) <= (x < y) for a, x in zip(heights, moved, strict=True)
                   for b, y in zip(heights, moved, strict=True))  # fmt: skip
