"""What somebody might write where something else is wanted, for hypothesis."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

_LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
JSON = st.recursive(
    _LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner), max_leaves=8
)
SIGNS = st.text(alphabet=":/?#[]@!$&'()*+,;=%\\. \t\r\n\0aA1éß\u2024\u3002\uff0f\u202e-_~", max_size=40)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def part(value: object) -> str:
    return b64(json.dumps(value).encode())


def object_of(values: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The object with a few members missing, or as nobody expects them."""
    names = st.sampled_from(sorted(values))
    changed = st.dictionaries(names | st.text(max_size=5), JSON, max_size=2)
    return st.builds(
        lambda gone, new: {name: value for name, value in {**values, **new}.items() if name not in gone},
        st.sets(names, max_size=1),
        changed,
    )


def patched(whole: str | bytes) -> st.SearchStrategy[Any]:
    """The whole with a part of it replaced."""
    patch = st.text(max_size=8) if isinstance(whole, str) else st.binary(max_size=8)
    places = st.integers(0, len(whole))
    return st.builds(
        lambda start, length, new: whole[:start] + new + whole[start + length :],
        places,
        st.integers(0, 30),
        patch,
    )
