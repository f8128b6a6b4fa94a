"""One true example of each operation: what was sent and what came, taken from the tests' own requests.

``make examples`` collects them; a test holds each against the description of its door.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")


@cache
def known() -> dict[str, Any]:
    """By operation: ``request`` (a body, if one was sent), ``status`` and ``reply``."""
    return dict(json.loads(FILE.read_text())) if FILE.exists() else {}


def add(operation: dict[str, Any]) -> None:
    """Into the bodies of the operation's description."""
    found = known().get(operation["operationId"])
    if found is None:
        return
    body = operation.get("requestBody", {}).get("content", {})
    if "request" in found:
        for content in body.values():
            if content.get("schema", {}).get("format") != "binary":
                content["example"] = found["request"]
    reply = operation["responses"].get(str(found["status"]), {}).get("content", {})
    if "reply" in found and "application/json" in reply:
        reply["application/json"]["example"] = found["reply"]
