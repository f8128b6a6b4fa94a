"""The record by REST: pages of it, one row, all of it as a file, and the state of its chain."""

import re
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid, NotFound
from tenants import questions
from tenants.http.exports import CSV, NDJSON, export
from tenants.models import HistoryAnchor, HistoryCheck, HistoryEvent
from tenants.questions import Asked
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, searched
from tenants.schema import PAGE, query
from tenants.serializers.history import ChainOut, HistoryPage, OneHistoryRow

_ACTION = re.compile(r"[a-z_]{1,40}\.(?:[a-z_]{1,40}|\*)")
_MOST_ACTIONS = 20
_LONGEST = 120
FILTERS = [
    query(
        "action",
        "What was done: `contract.paused`, or `contract.*` for all of them; several by commas.",
    ),
    query("actor", "The id of who did it."),
    query("subject", "What it was done to, as `type:id`."),
    query("subjectType", "Its type alone: `user`, `contract`, `application` …"),
    query("subjectId", "Its id alone."),
    query("from", "Not before this moment, RFC 3339.", OpenApiTypes.DATETIME),
    query("until", "Before this moment, RFC 3339.", OpenApiTypes.DATETIME),
    query("requestId", "The `X-Request-Id` of the request that did it."),
    query("search", "Part of the name of who did it, or of what it was done to."),
]


class _Lines(JSONRenderer):
    """Makes the media type acceptable. It renders refusals; the rows come as a stream."""

    media_type = NDJSON
    format = "ndjson"


class _Table(_Lines):
    media_type = CSV
    format = "csv"


class History(TenantAPI):
    """What was changed in the tenant, by whom."""

    permissions = {"GET": "ActivityLog:read"}
    renderer_classes = [JSONRenderer, _Table, _Lines]

    @extend_schema(
        parameters=[*FILTERS, *PAGE],
        responses={
            (200, "application/json"): HistoryPage,
            (200, CSV): OpenApiTypes.STR,
            (200, NDJSON): OpenApiTypes.STR,
        },
        operation_id="history_list",
    )
    def get(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Newest first, in the order in which changes were recorded.

        As `text/csv` or `application/x-ndjson` (or `format=csv`, `format=ndjson`) every row that fits, as a
        stream: complete or a broken connection. JSON lines end with one that says that they are complete; a
        cell of CSV that a spreadsheet would take for a formula begins with an apostrophe.
        """
        asked = self._asked()
        media_type = getattr(request.accepted_renderer, "media_type", "")
        if media_type in (CSV, NDJSON):
            if {"limit", "cursor"} & set(request.query_params):
                raise Invalid("A file takes filters, no limit and no cursor: it is complete.")
            return export(asked, tenant=self.tenant, media_type=media_type)
        limit = page_size(request) or 50
        rows = asked.rows(self.tenant)
        if (edge := self._edge()) is not None:
            rows = rows.filter(id__lt=edge)
        found = list(rows.order_by("-id")[: limit + 1])
        page = questions.with_names(found[:limit])
        following = next_page(request, [str(found[limit - 1].reference)]) if len(found) > limit else None
        return Response({"items": [questions.as_json(row) for row in page], "next": following})

    def _asked(self) -> Asked:
        kind, colon, object_id = self._text("subject").partition(":")
        if self._text("subject") and not (kind and colon and object_id):
            raise Invalid("subject is type:id.")
        given = self.request.query_params
        return Asked(
            actions=self._actions(),
            actor_id=self._text("actor"),
            subject_kind=kind or self._text("subjectType"),
            subject_id=object_id or self._text("subjectId"),
            since=self.moment("from") if "from" in given else None,
            until=self.moment("until") if "until" in given else None,
            request_id=self._text("requestId"),
            name=searched(self.request),
        )

    def _actions(self) -> tuple[str, ...]:
        if "action" not in self.request.query_params:
            return ()
        named = self._text("action", longest=_MOST_ACTIONS * 82).split(",")
        if len(named) > _MOST_ACTIONS or not all(_ACTION.fullmatch(action) for action in named):
            raise Invalid("action is like contract.paused or contract.*, at most 20 of them, between commas.")
        return tuple(action.removesuffix("*") for action in named)

    def _text(self, name: str, *, longest: int = _LONGEST) -> str:
        text = self.request.query_params.get(name, "")
        if len(text) > longest or not text.isprintable():
            raise Invalid(f"{name} is at most {longest} printable characters.")
        return text

    def _edge(self) -> int | None:
        """The row after which to go on: its name outside stands in the cursor, not its number."""
        cursor = cursor_of(self.request)
        if cursor is None:
            return None
        try:
            reference = UUID(cursor[0])
        except (ValueError, IndexError) as error:
            raise Invalid("The cursor is not one that was given out.") from error
        row = questions.one(tenant=self.tenant, reference=reference)
        if row is None:  # dropped meanwhile, and so is all that would follow
            raise Invalid("The cursor is not one that was given out, or the history there is kept no longer.")
        return row.event.id


class OneRow(TenantAPI):
    """One change."""

    permissions = {"GET": "ActivityLog:read"}

    @extend_schema(responses=OneHistoryRow, operation_id="history_read")
    def get(self, request: Request, row_id: UUID, **kwargs: Any) -> Response:
        """With its place in the chain. 404 for rows of others, and for those that are kept no longer."""
        tenant = self.tenant
        row = questions.one(tenant=tenant, reference=row_id)
        if row is None:
            raise NotFound
        chain = _place(row.event, questions.check_of(tenant))
        return Response({**questions.as_json(row), "chain": chain})


class Chain(TenantAPI):
    """The chain over the tenant's history."""

    permissions = {"GET": "ActivityLog:read"}

    @extend_schema(responses=ChainOut, operation_id="history_chain_read")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """How long it is, what waits for its link, and what the last walk over it found."""
        state = questions.chain_of(self.tenant)
        return Response(
            {
                "position": state.position,
                "hash": state.digest or None,
                "waiting": state.waiting,
                "waitingSince": rfc3339(state.waiting_since),
                "verification": _verification(state.check),
                "anchor": _anchor(state.anchor),
            }
        )


def _place(event: HistoryEvent, check: HistoryCheck | None) -> dict[str, Any]:
    link = questions.link_of(event)
    if link is None:
        return {"state": "waiting", "position": None, "hash": None}
    proven = check is not None and link.position <= check.position
    return {"state": "verified" if proven else "chained", "position": link.position, "hash": link.digest}


def _verification(check: HistoryCheck | None) -> dict[str, Any] | None:
    if check is None:
        return None
    return {
        "at": rfc3339(check.checked_at),
        "whole": not check.why,
        "position": check.position,
        "hash": check.digest,
        "why": check.why or None,
        "brokenAt": check.broken_at,
    }


def _anchor(anchor: HistoryAnchor | None) -> dict[str, Any] | None:
    if anchor is None:
        return None
    return {
        "month": f"{anchor.month:%Y-%m}",
        "at": rfc3339(anchor.made_at),
        "rows": anchor.count,
        "position": anchor.position,
        "hash": anchor.digest,
    }
