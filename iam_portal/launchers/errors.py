"""The table of refusals: every code that an answer can carry, what it means, and what to do about it.

``manage.py errors docs/errors.md`` writes it from the classes and from :mod:`iam_portal.openapi.codes`.
"""

import re
from collections.abc import Iterable, Iterator

from django.urls import get_resolver

from iam_portal.errors import DomainError
from iam_portal.openapi.codes import ANYWHERE, EVENTS, FRAMEWORK, REMEDIES
from iam_portal.openapi.refusals import meaning
from iam_portal.problem import STATUS

_TITLE = """\
# Refusals

Written by `make errors` from the code; a test fails when it is old.

A refusal of the REST APIs is a problem document (RFC 9457, `application/problem+json`). `code` is stable and
for programs, `detail` a sentence for people; nothing was changed. `errors` lists every objection with a
`pointer` into what was sent, `reasons` the links of a decision. Further members belong to the code.

```json
{"type": "about:blank", "title": "Bad request", "status": 400, "code": "invalid",
 "detail": "Some values cannot be accepted. Nothing was changed.",
 "instance": "/iam/access-management/v1/tenants/7311c0de-…/users",
 "errors": [{"pointer": "/email", "code": "invalid", "detail": "Enter a valid email address."}]}
```

Which codes a door can answer with stands at each operation of [the REST API](openapi.yaml). The doors of
OAuth and OpenID Connect answer as their RFCs say, with `error` and `error_description`: see
[OAuth for integrators](oauth.md).
"""


def codes() -> dict[str, tuple[int, str]]:
    """Every code with its status and meaning; the first word said of a code counts."""
    assert get_resolver().url_patterns  # reads every module that a door can reach
    found = {**FRAMEWORK, **ANYWHERE, **EVENTS}
    for refusal in sorted(_classes(DomainError), key=lambda each: each.__module__):
        if refusal.code not in ("refused", *found):
            found[refusal.code] = STATUS[refusal.kind], meaning(refusal)
    return dict(sorted(found.items(), key=lambda item: (item[1][0], item[0])))


def document() -> str:
    """The whole file, as Markdown."""
    lines = [_TITLE, "| status | code | meaning | what to do |", "|---|---|---|---|"]
    lines += [
        f"| {status} | `{code}` | {_cell(said)} | {_cell(REMEDIES.get(code, ''))} |"
        for code, (status, said) in codes().items()
    ]
    return "\n".join(lines) + "\n"


def _classes(parent: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in parent.__subclasses__():
        yield from _ours([child])
        yield from _classes(child)


def _ours(found: Iterable[type[DomainError]]) -> Iterator[type[DomainError]]:
    """Tests make refusals of their own."""
    return (each for each in found if not each.__module__.startswith("tests."))


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
