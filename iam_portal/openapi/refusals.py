"""The refusals of a door as its description has them: by status, each with the codes that it can carry."""

from collections.abc import Iterable
from typing import Any

from iam_portal.errors import DomainError
from iam_portal.openapi.codes import FRAMEWORK
from iam_portal.problem import MEDIA_TYPE, STATUS, TITLES

JSON = dict[str, Any]
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
# The same at nearly every door: said once, and referred to.
_NAMES = {
    401: "NotSignedIn",
    403: "NotAllowed",
    404: "NotFound",
    406: "NotAcceptable",
    413: "TooLarge",
    415: "UnsupportedMediaType",
}
_USUAL = {
    401: {"not_authenticated", "authentication_failed"},
    403: {"forbidden", "permission_denied"},
    404: {"not_found"},
    406: {"not_acceptable"},
    413: {"too_large"},
    415: {"unsupported_media_type"},
}
_HEADERS = {
    401: ("WWW-Authenticate", "How to prove who one is (RFC 9110 §11.6.1)."),
    429: ("Retry-After", "Seconds to wait."),
}


def meaning(refusal: type[DomainError]) -> str:
    """The first sentences of what is written at the class, on one line."""
    if refusal.code in FRAMEWORK:
        return FRAMEWORK[refusal.code][1]
    return " ".join((refusal.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")


def responses(usual: Iterable[int], raised: Iterable[type[DomainError]]) -> JSON:
    """By status: those of the framework (``usual``), and those that the handler raises."""
    codes: dict[int, dict[str, str]] = {}
    for code, (status, said) in FRAMEWORK.items():
        if status in usual:
            codes.setdefault(status, {})[code] = said
    for refusal in raised:
        codes.setdefault(STATUS[refusal.kind], {}).setdefault(refusal.code, meaning(refusal))
    return {str(status): _response(status, codes[status]) for status in sorted(codes)}


def shared() -> JSON:
    """The components that :func:`responses` refers to."""
    found = {}
    for status, name in _NAMES.items():
        codes = {code: FRAMEWORK[code][1] for code in _USUAL[status]}
        found[name] = _written(status, codes)
    return found


def _response(status: int, codes: dict[str, str]) -> JSON:
    if _USUAL.get(status) == set(codes):
        return {"$ref": f"#/components/responses/{_NAMES[status]}"}
    return _written(status, codes)


def _written(status: int, codes: dict[str, str]) -> JSON:
    lines = [f"- `{code}`: {codes[code]}" for code in sorted(codes)]
    coded = {"type": "object", "properties": {"code": {"enum": sorted(codes)}}}
    found: JSON = {
        "description": "\n".join([f"{TITLES[status]}.", "", *lines]),
        "content": {MEDIA_TYPE: {"schema": {"allOf": [_PROBLEM, coded]}}},
    }
    if status in _HEADERS:
        name, said = _HEADERS[status]
        found["headers"] = {name: {"description": said, "schema": {"type": "string"}}}
    return found
