"""Every reader of what others write takes it or says no, and means by it what the next reader means.

``make fuzz`` tries more, of other kinds each time.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.readers import readers

READERS = readers()


@pytest.mark.parametrize("name", READERS)
def test_it_is_taken_or_refused(name: str) -> None:
    reader = READERS[name]

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(reader.written)
    def try_it(value: Any) -> None:
        reader.try_one(value)

    try_it()


@pytest.mark.parametrize("name", READERS)
def test_what_is_right_is_taken(name: str) -> None:
    """Else everything would be refused at the first look, and a green run would say nothing."""
    READERS[name].read(READERS[name].good)
