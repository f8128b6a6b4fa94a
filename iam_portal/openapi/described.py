"""What a door says about itself in the description of the API; most of it is read off the door.

Name, summary, tag, what it needs, its revisions, its refusals and its example follow from address, declared
permission, code (:mod:`iam_portal.openapi.reach`) and the two tables ``summaries`` and ``examples.json``.
A handler's docstring tells the rest, ``extend_schema`` the shapes and the query.
"""

import re
from typing import Any, cast

from drf_spectacular.openapi import AutoSchema

from iam_portal.errors import DomainError
from iam_portal.openapi import examples, reach, refusals, words
from iam_portal.openapi.summaries import SUMMARIES

JSON = dict[str, Any]
_ROOT = re.compile(r"/iam/[a-z-]+/v1/(tenants/\{tenant_id\}/)?")
_REPLAYING = {
    "answered",
    "_again",
}  # in ``tenants.creating``: they hand on the tag of the reply, if it had one
_OWN_APPLICATION = "own-application"


class DoorSchema(AutoSchema):
    """The house's way to describe a REST door."""

    def get_operation(self, *args: Any, **kwargs: Any) -> JSON | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        self._reach = reach.of(cast(Any, type(self.view)), self.method)
        self._name_parameters(operation)
        self._add_revisions(operation)
        usual = self._usual(operation)
        raised = self._reach.refusals.union(*map(_refusals_of_reading, self._parsers(operation)))
        if self.method in getattr(self.view, "recent", ()):
            raised |= reach.of(cast(Any, type(self.view)), "initial").refusals
        operation["responses"] |= refusals.responses(usual, raised)
        examples.add(operation)
        if self._permission:
            operation["x-permission"] = self._permission
        return operation

    # --- words ----------------------------------------------------------------------------------------

    def get_operation_id(self) -> str:
        """From the address: the last nouns, and what the method does with them. Never from class names."""
        parts = [part for part in re.split(r"[/:]", _ROOT.sub("", self.path)) if not part.startswith("{")]
        name = "_".join(parts[-2:]).replace("-", "_")
        verb = {"PUT": "replace", "PATCH": "change", "DELETE": "delete", "POST": "", "GET": "read"}
        made = self.method == "POST" and "201" in map(str, self._described_statuses())
        return "_".join(filter(None, (name, "create" if made else verb[self.method])))

    def get_summary(self) -> str | None:
        return SUMMARIES.get(self.get_operation_id())

    def get_tags(self) -> list[str]:
        return [words.tag_of(_ROOT.sub("", self.path))]

    def get_description(self) -> str:  # type: ignore[override]
        """The handler's docstring, and whom the door lets in."""
        said = super().get_description().replace("``", "`")
        if self._permission == _OWN_APPLICATION:
            needs = "Takes the credentials of the application that it is about, or its service token."
        elif self._permission:
            wanted = " or ".join(f"`{part}`" for part in self._permission.split("|"))
            needs = f"Needs {wanted}."
        else:
            needs = "Takes a user's access token for its own application."
        return f"{said}\n\n{needs}" if said else needs

    @property
    def _permission(self) -> str:
        """What the view declares for the method."""
        single = getattr(self.view, "permission", None)
        return str(single or getattr(self.view, "permissions", {}).get(self.method, ""))

    def _described_statuses(self) -> list[Any]:
        shapes = self.get_response_serializers()
        return list(shapes) if isinstance(shapes, dict) else []

    def _name_parameters(self, operation: JSON) -> None:
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                parameter.setdefault("description", words.PATH.get(parameter["name"], ""))
                pattern = parameter["schema"].get("pattern", "")
                if pattern and re.fullmatch(r"[a-z|-]+", pattern):  # one of several acts
                    parameter["schema"] = {"type": "string", "enum": pattern.split("|")}

    # --- revisions ------------------------------------------------------------------------------------

    def _add_revisions(self, operation: JSON) -> None:
        """``If-Match`` where the handler asks for it, ``ETag`` where it answers with one."""
        if self.method != "GET" and "_if_match" in self._reach.functions:
            impact = "impact_revision" in self._reach.functions
            operation.setdefault("parameters", []).append(words.IF_MATCH_IMPACT if impact else words.IF_MATCH)
        tagged = self._reach.texts.get("ETag", set()) - _REPLAYING
        replayed = "Idempotency-Replayed" in self._reach.texts
        for status, response in operation["responses"].items():
            if tagged and status[0] in "23":
                response.setdefault("headers", {})["ETag"] = words.ETAG
            if replayed and status[0] == "2":
                response.setdefault("headers", {})["Idempotency-Replayed"] = words.REPLAYED
            if not response["description"]:
                response["description"] = words.FINE[status]

    # --- refusals -------------------------------------------------------------------------------------

    def _usual(self, operation: JSON) -> list[int]:
        """What the ways to the handler answer: authentication, permission, negotiation, the body."""
        usual = [401, 406]
        if hasattr(self.view, "permissions"):
            usual += [403, 404]
        elif self._permission == _OWN_APPLICATION and self.method != "GET":
            usual += [403]  # a token that was narrowed to some roles
        if "requestBody" in operation or (self.method != "GET" and "read" in self._reach.functions):
            usual += [400, 413, 415]
        return usual

    def _parsers(self, operation: JSON) -> list[type]:
        """What reads the body, if the door takes one."""
        return list(self.view.parser_classes) if "requestBody" in operation else []

    # --- shapes ---------------------------------------------------------------------------------------

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Any:
        """What refuses unknown fields says so."""
        schema = super()._map_basic_serializer(serializer, direction)
        if getattr(serializer, "refuses_unknown", False) and direction == "request":
            schema["additionalProperties"] = False
        return schema


def _refusals_of_reading(parser: type) -> set[type[DomainError]]:
    return reach.of(parser, "parse").refusals


def add_refusals(result: JSON, **_: Any) -> JSON:
    """What the descriptions of refusals refer to."""
    result["components"].setdefault("schemas", {})["Problem"] = words.PROBLEM
    result["components"]["responses"] = refusals.shared()
    return result
