"""Requests that schemathesis makes up from the description of the API, answered in this process."""

import io
from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from schemathesis.transport.requests import REQUESTS_TRANSPORT

from tests.support import described
from tests.support.knocking import Knocker
from tests.support.town import Town

BASE = "http://testserver"
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# Taken from what the requester already is, never made up.
_OWN = {"content-type", "content-length", "user-agent", "authorization", "cookie"}


@cache
def operations() -> dict[str, Any]:
    """By name, ready to make requests of."""
    schema = schemathesis.openapi.from_dict(described.document())
    found = [result.ok() for result in schema.get_all_operations()]
    return {operation.definition.raw["operationId"]: operation for operation in found}


def known_to(town: Town, operation: Any) -> dict[str, str]:
    """The parts of its address that are there in the town; the others are made up."""
    names = [parameter.name for parameter in operation.path_parameters]
    return {name: town.rows[name] for name in names if name in town.rows}


def require_described(case: Any, visitor: Knocker, unseen: Iterable[str] = ()) -> int:
    """The status of the answer, which is as the description says; a group of failures otherwise.

    ``unseen``: words that it must not hold, in lower case: they stand in rows of others only.
    """
    answer = _answered(case, visitor)
    told = f"{_words(answer.content)} {answer.headers}".lower()
    assert not [word for word in unseen if word in told], told[:2000]
    # In a batch each is refused for itself: what is wrong with one is no reason to refuse them all.
    batch = case.operation.definition.raw["operationId"].endswith("_batch")
    case.validate_response(answer, checks=CHECKS if batch else [*CHECKS, checks.negative_data_rejection])
    return int(answer.status_code)


def _words(content: bytes) -> str:
    """All that can be read in it; a workbook is unpacked."""
    if not content.startswith(b"PK"):
        return content.decode(errors="replace")
    with ZipFile(io.BytesIO(content)) as packed:
        return " ".join(packed.read(name).decode(errors="replace") for name in packed.namelist())


def _answered(case: Any, visitor: Knocker) -> schemathesis.Response:
    """What it changed is taken back."""
    sent = REQUESTS_TRANSPORT.serialize_case(case, base_url=BASE)
    prepared = requests.Request(**sent).prepare()
    address, kind = urlsplit(str(prepared.url)), str(prepared.headers.get("Content-Type", ""))
    headers = {name: value for name, value in prepared.headers.items() if name.lower() not in _OWN}
    body = prepared.body or b""
    reply = Knocker({**headers, **visitor.headers}, visitor.cookies).knock(
        str(prepared.method), address.path, body, kind, address.query
    )
    return schemathesis.Response(
        status_code=reply.status_code,
        headers={name.lower(): [value] for name, value in reply.headers.items()},
        content=reply.getvalue(),
        request=prepared,
        elapsed=0.0,
        verify=False,
        message=reply.reason_phrase,
        encoding="utf-8",
    )
