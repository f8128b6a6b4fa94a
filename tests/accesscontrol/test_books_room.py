"""How much a process keeps of what applications declare, and who gives way."""

from typing import Any

from accesscontrol import kept


def test_of_one_owner_what_was_used_longest_ago_gives_way() -> None:
    shelf = kept.Books(most=10)
    for name in "abc":
        shelf.put(f"of.{name}", _weighing(3))
    assert _there(shelf, "a")
    shelf.put("of.d", _weighing(4))
    assert _there(shelf, "abcd") == "acd"
    shelf.put("of.a", _weighing(6))  # in its own place; "c" was used before "d"
    assert _there(shelf, "abcd") == "ad"
    shelf.put("of.d", _weighing(11))  # for which there is never room
    assert _there(shelf, "abcd") == "a"
    shelf.put("of.e", _weighing(5))
    assert _there(shelf, "ade") == "e"
    shelf.put("of.f", _weighing(5))
    assert _there(shelf, "def") == "ef"


def test_whoever_has_most_gives_way() -> None:
    shelf = kept.Books(most=10)
    shelf.put("small.a", _weighing(3))
    for name in "abc":
        shelf.put(f"of.{name}", _weighing(3))
    assert shelf.get("small.a") and _there(shelf, "abc") == "bc"
    shelf.put("of.d", _weighing(10))
    assert shelf.get("small.a") and _there(shelf, "abcd") == ""


def test_emptied_there_is_all_the_room() -> None:
    shelf = kept.Books(most=10)
    for _ in range(2):
        shelf.put("of.a", _weighing(6))
        shelf.put("of.b", _weighing(4))
        assert _there(shelf, "ab") == "ab"
        shelf.clear()
        assert _there(shelf, "ab") == ""


def _there(shelf: kept.Books, names: str) -> str:
    return "".join(name for name in names if shelf.get(f"of.{name}"))


def _weighing(weight: int) -> kept.Book:
    """Nothing but itself, and its permissions."""
    fact: Any = object()
    book = kept.Book((), {"role": (fact,) * (weight - 1)})
    assert book.weight == weight
    return book
