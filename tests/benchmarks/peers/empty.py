"""The floor: what a request costs that asks nothing."""

import json
from collections.abc import Callable
from typing import Any

BODY = json.dumps({"access_token": "none", "active": True}).encode()
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """A fixed answer to everything."""
    start_response("200 OK", HEADERS)
    return [BODY]
