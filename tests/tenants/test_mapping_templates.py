"""Names that are put together of what an identity provider says."""

from typing import Any

import pytest

from tenants.actions import mapping


@pytest.mark.parametrize(
    ("template", "claims", "text"),
    [
        ("{a}", {"a": "x"}, "x"),
        ("{a}-{b}", {"a": "x", "b": 7}, "x-7"),
        ("{a}-{b}", {"a": "x"}, ""),
        ("{a}", {"a": ["x"]}, ""),
        ("{a}", {"a": True}, ""),
        ("{a.b}", {"a": {"b": "x"}}, "x"),
        ("{a.b}", {"a.b": "y", "a": {"b": "x"}}, "y"),
        ("{a}", {"a": "{b}", "b": "x"}, "{b}"),
        ("{__class__}", {}, ""),
    ],
)
def test_a_template(template: str, claims: dict[str, Any], text: str) -> None:
    assert mapping.filled(template, claims) == text
