"""Many acts by one request (RFC 7644 §3.7), each for itself; one may name what another of them makes."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.api.scim import _keeping as keeping
from accesscontrol.api.scim._door import Desk, ScimAPI, refusal_of
from accesscontrol.scim.patching import folded
from accesscontrol.scim.refused import ScimRefused
from accesscontrol.scim.schemas import LARGEST_BULK, MOST_BULK
from iam_portal.bodies import TooLarge
from iam_portal.errors import DomainError, NotFound
from iam_portal.gate import Permission, require
from tenants import history

MESSAGE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_PATH = re.compile(r"/(Users|Groups)(?:/([^/?#]{1,200}))?")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REFERENCE = "bulkId:"
DEEPEST = 20  # levels of a body: nothing that is kept here has so many
_NEEDS: Final = {"POST": "add", "PUT": "modify", "PATCH": "modify", "DELETE": "delete"}
_Act = Callable[..., dict[str, Any] | None]
_ACTS: Final[dict[tuple[str, str], _Act]] = {
    ("Users", "PUT"): keeping.replace_person,
    ("Users", "PATCH"): keeping.patch_person,
    ("Groups", "PUT"): keeping.replace_team,
    ("Groups", "PATCH"): keeping.patch_team,
}
_MAKE: Final = {"Users": keeping.create_person, "Groups": keeping.create_team}
_END: Final = {"Users": keeping.delete_person, "Groups": keeping.delete_team}


@dataclass(frozen=True, slots=True)
class Task:
    """One operation, as it was sent."""

    place: int
    method: str
    kind: str
    row: str  # an id, a reference, or nothing
    bulk_id: str
    version: str | None
    data: Any
    asks: frozenset[str]  # the names of others that it needs first


@dataclass(slots=True)
class Round:
    """What has become of the operations so far."""

    desk: Desk
    ids: dict[str, str] = field(default_factory=dict)  # by bulkId
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    failures: int = 0


class Bulk(ScimAPI):
    """At most 100 operations, in an order in which each finds what it names."""

    permissions = {"POST": "Users:add|Users:modify|Users:delete|Groups:add|Groups:modify|Groups:delete"}

    def post(self, request: Request, **kwargs: Any) -> Response:
        """A result for each; after as many failures as ``failOnErrors`` says, the rest is left out.

        Each is made as a whole or refused as a whole, with the permission of its own door.
        """
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BULK:
            raise TooLarge(f"A bulk request has at most {LARGEST_BULK} bytes.")
        said = folded(request.data)
        given, most = said.get("operations"), said.get("failonerrors")
        if not isinstance(given, list) or not given:
            raise ScimRefused("invalidSyntax", "A bulk request has a list of Operations.")
        if len(given) > MOST_BULK:
            raise TooLarge(f"A bulk request has at most {MOST_BULK} operations.")
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise ScimRefused("invalidValue", "failOnErrors is a whole number from 1.")
        turn = Round(self.desk())
        self._serve(_tasks(given), turn, most)
        results = [turn.results[place] for place in sorted(turn.results)]
        return Response({"schemas": [MESSAGE], "Operations": results})

    def _serve(self, tasks: list[Task], turn: Round, most: int | None) -> None:
        """Those first that name nobody who is still to come; a ring of names is refused, not followed."""
        waiting = tasks
        while waiting and (most is None or turn.failures < most):
            coming = {task.bulk_id for task in waiting if task.method == "POST" and task.bulk_id}
            task = next((each for each in waiting if not each.asks & coming), None)
            if task is None:
                task = waiting[0]
            waiting = [each for each in waiting if each is not task]
            _serve_one(task, turn)


def _serve_one(task: Task, turn: Round) -> None:
    told: dict[str, Any] = {"method": task.method}
    if task.bulk_id:
        told["bulkId"] = task.bulk_id
    try:
        document, status = _act(task, turn)
    except (DomainError, ValidationError, APIException) as refusal:
        history.record_refusal(refusal)  # the act took its savepoint back
        problem = refusal_of(refusal)
        turn.failures += 1
        where = {"location": f"{turn.desk.base}/{task.kind}/{task.row}"} if task.row else {}
        turn.results[task.place] = {**told, **where, "status": problem["status"], "response": problem}
        return
    if document is not None:
        told |= {"location": document["meta"]["location"], "version": document["meta"]["version"]}
        if task.bulk_id:
            turn.ids[task.bulk_id] = document["id"]
    else:
        told["location"] = f"{turn.desk.base}/{task.kind}/{task.row}"
    turn.results[task.place] = {**told, "status": str(status)}


def _act(task: Task, turn: Round) -> tuple[dict[str, Any] | None, int]:
    desk = turn.desk
    permission = Permission.parse(f"{task.kind}:{_NEEDS[task.method]}")
    require(actor=desk.by, tenant_id=desk.tenant.pk, permission=permission, at=desk.at)
    if missing := sorted(task.asks - turn.ids.keys()):
        raise ScimRefused("invalidValue", f"Nothing was made as {', '.join(missing)}.")
    data = _resolved(task.data, turn.ids)
    if task.method == "POST":
        return _MAKE[task.kind](desk, data), 201
    row = turn.ids[task.row.removeprefix(_REFERENCE)] if task.row.startswith(_REFERENCE) else task.row
    try:
        row_id = UUID(row)
    except ValueError:
        raise NotFound from None
    if task.method == "DELETE":
        _END[task.kind](desk, row_id, task.version)
        return None, 204
    return _ACTS[task.kind, task.method](desk, row_id, data, task.version), 200


def _tasks(given: list[Any]) -> list[Task]:
    tasks = [_task(place, folded(each)) for place, each in enumerate(given)]
    names = [task.bulk_id for task in tasks if task.bulk_id]
    if len(names) != len(set(names)):
        raise ScimRefused("invalidValue", "Each bulkId stands once.")
    return tasks


def _task(place: int, said: Mapping[str, Any]) -> Task:
    method, path, name = said.get("method"), said.get("path"), said.get("bulkid") or ""
    method = method.upper() if isinstance(method, str) else ""
    found = _PATH.fullmatch(path) if isinstance(path, str) else None
    if method not in _NEEDS or found is None or (method == "POST") != (found[2] is None):
        raise ScimRefused("invalidPath", f"Operation {place + 1} has no method and path that there are.")
    if not isinstance(name, str) or (name and not _NAME.fullmatch(name)) or (method == "POST" and not name):
        raise ScimRefused("invalidValue", f"Operation {place + 1} needs a bulkId of plain characters.")
    version = said.get("version")
    if version is not None and not isinstance(version, str):
        raise ScimRefused("invalidValue", f"The version of operation {place + 1} is a text.")
    if _is_deep(said.get("data")):
        raise ScimRefused("invalidValue", f"Operation {place + 1} is nested deeper than anything here.")
    row = found[2] or ""
    asks = set(_references(said.get("data")))
    if row.startswith(_REFERENCE):
        asks.add(row.removeprefix(_REFERENCE))
    return Task(place, method, found[1], row, name, version, said.get("data"), frozenset(asks))


def _is_deep(data: Any) -> bool:
    """Level by level: what goes down by calls would end before the nesting does."""
    level = [data]
    for _ in range(DEEPEST):
        inside = [
            each.values() if isinstance(each, dict) else each
            for each in level
            if isinstance(each, dict | list)
        ]
        level = [one for each in inside for one in each]
    return bool(level)


def _references(data: Any) -> list[str]:
    """Names of others in the values of a body."""
    found = re.findall(r'"bulkId:([A-Za-z0-9._-]{1,64})"', json.dumps(data))
    return list(dict.fromkeys(found))


def _resolved(data: Any, ids: Mapping[str, str]) -> Any:
    """The body with ids in the place of names."""
    if isinstance(data, str) and data.startswith(_REFERENCE):
        return ids.get(data.removeprefix(_REFERENCE), data)
    if isinstance(data, list):
        return [_resolved(each, ids) for each in data]
    if isinstance(data, dict):
        return {name: _resolved(each, ids) for name, each in data.items()}
    return data
