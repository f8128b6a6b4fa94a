"""Examples of every operation, from what the tests sent and got: ``make examples``.

What was recorded (``tests.support.described``) is made quiet: ids, moments, secrets and digests become
fixed ones. An example that is there stays while it fits the description.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iam_portal.openapi.examples import FILE
from tests.support import described

JSON = dict[str, Any]
LONGEST = 2_500  # characters of an example that is still read
BASE = "https://iam.example.com"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_SECRET = {
    "clientSecret",
    "secret",
    "token",
    "link",
    "code",
    "hint",
    "access_token",
    "refresh_token",
    "id_token",
}
_DIGEST = re.compile(r"\bi-[0-9a-f]{32}\b")
_EPOCH = datetime(2027, 1, 1, 8, tzinfo=UTC)


def main(folder: Path) -> None:
    """Writes the file, and says which operations have none."""
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    names = {each["operationId"]: each for each in described.operations().values()}
    found = {name: example for name, example in known.items() if name in names and fits(names[name], example)}
    for name, operation in names.items():
        if name not in found and not name.startswith("oauth_"):
            best = max(_recorded(folder, name, operation), key=_worth, default=None)
            if best is not None:
                found[name] = quiet(best)
    FILE.write_text(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    print("without an example:", *missing(found))


def missing(found: JSON) -> list[str]:
    """Operations that have none. Those of OAuth stand in their description."""
    names = [each["operationId"] for each in described.operations().values()]
    return sorted(name for name in names if name not in found and not name.startswith("oauth_"))


def fits(operation: JSON, example: JSON) -> bool:
    """Whether what was sent and what came is as described."""
    return wrong(operation, example) == []


def wrong(operation: JSON, example: JSON) -> list[str]:
    """Each part that is not as described."""
    response = operation["responses"].get(str(example["status"]))
    if response is None:
        return [f"status {example['status']}"]
    found = []
    if "reply" in example:
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        found += described.errors(example["reply"], schema) if schema else ["a reply"]
    body = operation.get("requestBody")
    if "request" in example and body:
        found += described.errors(example["request"], body["content"]["application/json"]["schema"])
    return found


def quiet(example: JSON) -> JSON:
    """The same, as it would be at any time."""
    text = json.dumps(_without_secrets(example), ensure_ascii=False).replace("http://testserver", BASE)
    for number, value in enumerate(dict.fromkeys(_UUID.findall(text)), 1):
        text = text.replace(value, f"7311c0de-0000-4000-8000-{number:012}")
    moments = sorted({match[0] for match in _MOMENT.finditer(text)}, key=datetime.fromisoformat)
    for number, value in enumerate(moments):
        text = text.replace(value, f"{_EPOCH + timedelta(days=number):%Y-%m-%dT%H:%M:%SZ}")
    return dict(json.loads(_DIGEST.sub(f"i-{'0123456789abcdef' * 2}", text)))


def _recorded(folder: Path, name: str, operation: JSON) -> Iterator[JSON]:
    for path in sorted(folder.glob(f"{name}-*.jsonl")):
        for line in path.read_text().splitlines():
            example = json.loads(line)
            reply = example.get("reply")
            if isinstance(reply, dict) and isinstance(reply.get("items"), list):
                del reply["items"][2:]
            if len(json.dumps(example)) <= LONGEST and fits(operation, quiet(example)):
                yield example


def _worth(example: JSON) -> tuple[bool, int]:
    """One that shows something, and the longest of these."""
    reply = example.get("reply", {})
    return not (isinstance(reply, dict) and reply.get("items") == []), len(json.dumps(example))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "…"
            if name in _SECRET and isinstance(part, str) and len(part) > 30
            else _without_secrets(part)
            for name, part in value.items()
        }
    return [_without_secrets(part) for part in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
