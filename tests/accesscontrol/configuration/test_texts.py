"""What the strict readers take, and what the steps are for any tree. No database."""

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesscontrol.configuration import json_text, yaml_text
from accesscontrol.configuration.comparing import Comparison, by_depth
from accesscontrol.configuration.comparing_mappings import mappings
from accesscontrol.configuration.parsing import Contradiction, depths_of, parse
from accesscontrol.configuration.shape import SECTIONS, Configuration, Group, Names, ProviderMapping
from accesscontrol.configuration.shape import document as written
from accesscontrol.configuration.steps import lines
from accesscontrol.serializers.configuration import ConfigurationDocument
from iam_portal.errors import Invalid
from iam_portal.launchers.portal import ROOT


def test_only_true_false_and_null_are_more_than_text() -> None:
    text = (
        "a: no\nb: 0123\nc: 12:30:00\nd: 2026-01-01\ne: 1.0\nf: True\ng: true\nh:\ni: ~\nj: 'null'\nk: ~.x\n"
    )
    words = {"a": "no", "b": "0123", "c": "12:30:00", "d": "2026-01-01", "e": "1.0", "f": "True"}
    others = {"g": True, "h": None, "i": None, "j": "null", "k": "~.x"}
    assert yaml_text.read(text) == words | others


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: {b: 1, b: 2}",
        "a: &x [1]\nb: *x",
        "a: *x",
        "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]),
        "a: &x {b: c}\nd:\n  <<: *x",
        "a: !!python/object/apply:os.system [x]",
        "a: !!binary aGk=",
        "a: !!str b",
        "a: !mine b",
        "--- a\n--- b",
        "a: [",
        "a: b: c",
        "? [a]\n: b",
        "[" * 100_000,
        "- " * 100_000,
        '"\\ud800"',
        "a: \x00",
        b"\xff\xfe\x00",
        b"a: \xed\xa0\x80",
        "%YAML 3.0\n--- a",
    ],
    ids=lambda text: repr(text)[:24],
)
def test_what_surprises_is_refused(text: str | bytes) -> None:
    with pytest.raises(yaml_text.NotYaml) as refused:
        yaml_text.read(text)
    assert len(refused.value.detail) < 200


def test_a_merge_key_is_a_key_like_others() -> None:
    assert yaml_text.read("<<: {a: b}") == {"<<": {"a": "b"}}


PLAIN = st.recursive(
    st.none() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert yaml_text.read(yaml_text.write(value)) == value


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_anything_is_read_or_refused(text: str | bytes) -> None:
    for reader in (yaml_text, json_text):
        with suppress(Invalid):
            json.dumps(reader.read(text), ensure_ascii=False).encode()


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": NaN}', '"\\ud800"', "[" * 100_000, b"\xff", ""])
def test_json_that_surprises_is_refused(text: str | bytes) -> None:
    with pytest.raises(json_text.NotJson):
        json_text.read(text)


class Counted(str):
    """Counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str(self) == str(other)

    __hash__ = str.__hash__


def test_a_name_given_twice_is_found_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(Counted(number), None) for number in [*range(2000), 1999]]
    monkeypatch.setattr(Counted, "compared", 0)
    with pytest.raises(json_text.NotJson, match="1999"):
        json_text._once(pairs)
    assert Counted.compared < 20 * len(pairs)


class Parents(dict[str, str | None]):
    """Counts how often somebody asks for a parent."""

    asked = 0

    def __getitem__(self, key: str) -> str | None:
        self.asked += 1
        return super().__getitem__(key)


@given(st.dictionaries(st.integers(0, 12).map(str), st.none() | st.integers(0, 12).map(str)))
def test_depths_are_those_of_walking_up(parents: dict[str, str | None]) -> None:
    def walked(name: str | None) -> int | None:
        for depth in range(len(parents) + 1):
            if name is None or name not in parents:
                return depth
            name = parents[name]
        return None

    counted = Parents(parents)
    assert depths_of(counted) == {name: walked(name) for name in parents}
    assert counted.asked <= len(parents)


@pytest.mark.parametrize(("depth", "refused"), [(50, False), (51, True)])
def test_groups_stand_at_most_so_deep(depth: int, refused: bool) -> None:
    chain = [
        {
            "name": f"G{n}",
            "description": "",
            "members": [],
            "memberships": [],
            "parent": f"g{n - 1}" if n else None,
        }
        for n in reversed(range(depth))
    ]
    if not refused:
        assert len(parse({"groups": chain}, Names("acme")).groups or ()) == depth
        return
    with pytest.raises(Contradiction) as found:
        parse({"groups": chain}, Names("acme"))
    assert [(one["pointer"], one["code"]) for one in found.value.errors] == [("/groups/0/parent", "too_deep")]


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 30)), st.data())
def test_in_the_order_of_depth_no_move_meets_a_loop(wanted: dict[int, int], data: st.DataObject) -> None:
    """From any tree to any other, one group after the other, none ever stands below itself."""
    final = {key: parent if parent < key else None for key, parent in wanted.items()}
    final = {key: parent if parent in final else None for key, parent in final.items()}
    order = data.draw(st.permutations(list(final)))
    now = {key: data.draw(st.sampled_from([None, *order[:place]])) for place, key in enumerate(order)}
    groups = {
        str(key): Group(name=str(key), parent=None if up is None else str(up)) for key, up in final.items()
    }
    for name in by_depth(groups):
        now[int(name)] = final[int(name)]
        above, steps = final[int(name)], 0
        while above is not None:
            assert above != int(name)
            above, steps = now[above], steps + 1
            assert steps <= len(now)
    assert now == final


def test_the_document_of_the_guide_is_one() -> None:
    guide = (ROOT / "docs" / "automation.md").read_text()
    document, pipeline = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    read = ConfigurationDocument(data=yaml_text.read(document))
    read.is_valid(raise_exception=True)
    names = Names("acme")
    made = parse(read.validated_data, names)
    assert made.sections() == SECTIONS
    again = ConfigurationDocument(data=written(made, names))
    again.is_valid(raise_exception=True)
    assert parse(again.validated_data, names).applications == made.applications
    assert yaml_text.read(pipeline).keys() == {"stages", "default", "plan", "apply"}


_MAPPINGS = st.lists(
    st.builds(
        ProviderMapping,
        provider=st.sampled_from(["a", "b"]),
        kind=st.just("group"),
        when=st.sampled_from(["first", "every"]),
        claim=st.sampled_from(["c", "d"]),
        value=st.sampled_from(["1", "2"]),
        group=st.sampled_from(["G", "H"]),
    ),
    max_size=8,
)


@given(_MAPPINGS, _MAPPINGS.map(dict.fromkeys).map(tuple))
def test_the_steps_of_mappings_lead_where_they_should(
    standing: list[ProviderMapping], wanted: tuple[ProviderMapping, ...]
) -> None:
    """From any rows, alike ones too, to any document; what stays or becomes another keeps its group."""
    rows = {UUID(int=number): one for number, one in enumerate(standing)}
    state: Any = SimpleNamespace(
        configuration=Configuration(),
        groups={"g": "G", "h": "H"},
        providers={"a": 1, "b": 2},
        mappings=tuple((one, pk) for pk, one in rows.items()),
        moving=frozenset(rows),
    )
    found = mappings(
        Comparison(state, Configuration(mappings=wanted), Names("acme"), [], ("", ""), datetime.now(UTC))
    )
    for step in found:
        was, pk = step.was or (None, uuid4())
        assert rows.pop(pk, None) == was
        if step.wanted is not None:
            assert was is None or (was.provider, was.group) == (step.wanted.provider, step.wanted.group)
            rows[pk] = step.wanted
    assert set(rows.values()) == set(wanted)
    least = max(0, len({*wanted} - {*standing}), len([one for one in standing if one not in wanted]))
    assert least <= len(found) <= len(standing) + len(wanted)


def test_own_ids_are_written_short() -> None:
    names = Names("acme")
    assert (names.short("acme.meter"), names.short("acme-2.meter"), names.short("acme")) == (
        "~.meter",
        "acme-2.meter",
        "acme",
    )
    assert (names.full("~.meter"), names.full("acme.meter"), Names("b").full("~.meter")) == (
        "acme.meter",
        "acme.meter",
        "b.meter",
    )


def test_a_difference_reads_line_by_line() -> None:
    was = {"name": "A", "parent": "P", "roles": [{"a": 1}, {"b": 2}], "in": {"x": "1"}}
    wanted = {"name": "B", "note": "n", "roles": [{"b": 2}, {"c": 3}], "in": {"x": "2"}}
    assert lines(was, wanted) == (
        "~ name: A → B",
        "+ note: n",
        '- roles: {"a": 1}',
        '+ roles: {"c": 3}',
        "~ in.x: 1 → 2",
        "- parent: P",
    )
    many = lines({}, {"items": [str(number) for number in range(500)]})
    assert (len(many), many[-1]) == (201, "… and 300 more")
