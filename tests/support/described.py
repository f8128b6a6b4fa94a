"""The written description of the API, and every answer that the tests get, held against it.

``watch`` hooks into Django's test client once for all tests: an answer of a REST or OAuth door must have a
status, a code, a form, a tag and a body as ``docs/openapi.yaml`` says. The cheap parts are looked at always,
a body of each door and status a few times only.
"""

import json
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.http import HttpResponseBase
from django.test import Client
from jsonschema import Draft202012Validator

from iam_portal.launchers.portal import ROOT

JSON = dict[str, Any]
PROBLEM = "application/problem+json"
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_SAMPLES, _LARGEST = 3, 65_536  # bodies that are looked into, of each door and status, and their bytes
_looked_into: Counter[tuple[str, int]] = Counter()


class NotAsDescribed(AssertionError):
    """The answer, or the description, is wrong: which of them, a person has to say."""


@cache
def document() -> JSON:
    """As it is written; another test holds it against the code."""
    return dict(yaml.load((ROOT / "docs" / "openapi.yaml").read_bytes(), Loader=yaml.CSafeLoader))


@cache
def operations() -> dict[tuple[str, str], JSON]:
    """By method and address, as in the table of doors."""
    return {
        (method.upper(), path): operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def watch() -> None:
    """Every answer that any test client gets from now on."""
    plain = Client.request

    def request(self: Client, **sent: Any) -> Any:
        reply = plain(self, **sent)
        compare(reply, sent)
        return reply

    Client.request = request  # type: ignore[method-assign]


def compare(reply: Any, sent: JSON) -> None:
    """NotAsDescribed, unless the answer is none of a described door, or of one that broke."""
    match = reply.wsgi_request.resolver_match
    path = "/" + _PARAMETER.sub(r"{\1}", match.route) if match is not None and match.route else ""
    operation = operations().get((reply.wsgi_request.method, path))
    if operation is None or reply.status_code >= 500:
        return
    name = operation["operationId"]
    response = _resolved(operation["responses"].get(str(reply.status_code), {}))
    if not response:
        raise NotAsDescribed(f"{name} answers {reply.status_code}: {_body(reply)!r:.300}")
    if "ETag" in reply.headers and "ETag" not in response.get("headers", {}) and reply.status_code < 300:
        raise NotAsDescribed(f"{name} answers {reply.status_code} with an ETag")
    _compare_body(name, reply, response)
    if os.environ.get(RECORD) and 200 <= reply.status_code < 300:
        _record(name, reply, sent)


def _compare_body(name: str, reply: Any, response: JSON) -> None:
    kind = reply.headers.get("Content-Type", "").partition(";")[0]
    if getattr(reply, "streaming", False) or not (reply.content or "content" in response):
        return
    content = response.get("content", {}).get(kind)
    if content is None and kind == PROBLEM and _body(reply)["code"] == "bad_request":
        return  # more than a form may hold: said by the framework before any door
    if content is None:
        raise NotAsDescribed(f"{name} answers {reply.status_code} as {kind or 'nothing'}")
    if not kind.endswith("json") or kind.endswith("ndjson"):  # lines are no document
        return
    schema = content.get("schema", {})
    if kind == PROBLEM:
        code, codes = _body(reply)["code"], schema["allOf"][1]["properties"]["code"]["enum"]
        if code not in codes:
            raise NotAsDescribed(f"{name} answers {reply.status_code} {code}, not one of {codes}")
    _looked_into[name, reply.status_code] += 1
    if _looked_into[name, reply.status_code] <= _SAMPLES and len(reply.content) <= _LARGEST:
        wrong = errors(_body(reply), schema)
        if wrong:
            raise NotAsDescribed(f"{name} answers {reply.status_code} with {wrong}")


def errors(value: Any, schema: JSON) -> list[str]:
    """What of the value is not as the schema says."""
    whole = {**schema, "components": document()["components"]}
    checker = Draft202012Validator.FORMAT_CHECKER
    found = Draft202012Validator(whole, format_checker=checker).iter_errors(value)
    return [f"/{'/'.join(map(str, each.absolute_path))}: {each.message:.200}" for each in found]


def _resolved(response: JSON) -> JSON:
    if "$ref" in response:
        return dict(document()["components"]["responses"][response["$ref"].rpartition("/")[2]])
    return response


def _body(reply: HttpResponseBase) -> Any:
    content = getattr(reply, "content", b"")
    return json.loads(content) if content[:1] in (b"{", b"[") else content


# --- examples ---------------------------------------------------------------------------------------------

RECORD = "RECORD_EXAMPLES"  # a folder: what is sent and answered is written there, for ``make examples``


def _record(name: str, reply: Any, sent: JSON) -> None:
    payload = sent.get("wsgi.input")
    raw = (
        payload._FakePayload__content.getvalue() if payload is not None else b""
    )  # read to its end it is false
    found: JSON = {"status": reply.status_code}
    if raw[:1] == b"{":
        found["request"] = json.loads(raw)
    if reply.headers.get("Content-Type", "") == "application/json":
        found["reply"] = _body(reply)
    with (Path(os.environ[RECORD]) / f"{name}-{os.getpid()}.jsonl").open("a") as file:
        file.write(json.dumps(found) + "\n")
