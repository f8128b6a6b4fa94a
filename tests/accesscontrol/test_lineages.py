"""What contains a resource, outwards: it ends, whatever rows say."""

from uuid import UUID, uuid4

from accesscontrol.decide import DEEPEST, Placed, Protected, lineages


def line(number: int, *, closed: bool = False) -> list[Placed]:
    """So many, each below the one before; ``closed``: and the first below the last."""
    ids: list[UUID | None] = [uuid4() for _ in range(number)]
    above = [ids[-1] if closed else None, *ids]
    return [
        Placed(each, Protected("urn:x", str(place), ""), None, above[place])
        for place, each in enumerate(ids)
        if each is not None
    ]


def test_no_more_levels_are_looked_at_than_can_be() -> None:
    rows = line(DEEPEST + 30)
    for order in (rows, rows[::-1]):
        found = lineages(order)
        assert [each.key for each in found[rows[2].id]] == ["2", "1", "0"]
        assert [len(found[row.id]) for row in rows[-30:]] == [DEEPEST] * 30
        assert found[rows[-1].id][-1].key == "30"


def test_a_round_ends() -> None:
    rows = line(3, closed=True)
    assert {len(of) for of in lineages(rows).values()} <= {1, 2, 3}
