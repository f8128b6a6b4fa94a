"""What a test needs and this machine may lack: skipped with the reason, in CI a failure."""

import os
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """Skip and print why; where everything has been installed (``CI=true``) it must not be lacking."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"In CI nothing may be lacking: {reason}", pytrace=False)
    pytest.skip(reason)
