"""The picture of the network as geometry: nothing lies upon anything, and it is always the same."""

import pytest

from applications.views._network_drawing import Box, Picture, Way, fan, pair, shortened, wrapped


def boxes(count: int, ways: int = 1) -> list[Box]:
    way = [Way("Provision 1", "x", "/", ("in-force",), number % 2 == 0) for number in range(ways)]
    return [Box(f"Partner {number}", "x", "/", tuple(way)) for number in range(count)]


@pytest.mark.parametrize("picture", [fan("Acme", boxes(n, w)) for n in (1, 2, 7, 40) for w in (0, 1, 4)])
def test_nothing_lies_upon_anything(picture: Picture) -> None:
    """Boxes and pills, as rectangles, also in the picture of a pair."""
    for shown in (picture, pair("Acme", "Beta", [node.box for node in picture.nodes])):
        placed = [(node.x, node.y, 176, node.height) for node in shown.nodes]
        placed += [(hub.x, hub.y, 136, hub.height) for hub in shown.hubs]
        placed += [(pill.x, pill.y, 148, 24) for node in shown.nodes for pill in node.pills]
        for place, (x, y, width, height) in enumerate(placed):
            assert 0 <= x <= x + width <= 936
            assert 0 <= y <= y + height <= shown.height
            for other_x, other_y, other_width, other_height in placed[place + 1 :]:
                apart = x + width <= other_x or other_x + other_width <= x
                assert apart or y + height <= other_y or other_y + other_height <= y


def test_the_same_rows_make_the_same_picture() -> None:
    assert fan("Acme", boxes(9, 2)) == fan("Acme", boxes(9, 2))


def test_long_names_are_cut_by_their_width() -> None:
    assert shortened("Beta") == "Beta"
    assert shortened("x" * 40) == "x" * 20 + "…"
    assert shortened("工" * 40) == "工" * 10 + "…"
    assert shortened("", 3) == ""


def test_the_name_in_the_middle_stands_on_a_few_lines() -> None:
    assert wrapped("Acme") == ["Acme"]
    assert wrapped("Nordwerk Maschinenbau") == ["Nordwerk", "Maschinenbau"]
    assert wrapped("A very long name of a company indeed") == ["A very long", "name of a", "company indeed"]
    assert wrapped("one two three " * 9) == ["one two three", "one two three", "one two three…"]
    assert wrapped("") == [""]
