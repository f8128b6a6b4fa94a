"""How contracts are used: tokens by one of them, and those that nobody uses."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import shapes, usage
from applications.api.contracts import ContractAPI
from applications.serializers.contracts import ContractPage
from applications.serializers.usage import UsageOut
from iam_portal.decision import rfc3339
from iam_portal.errors import Invalid
from tenants.rest import cursor_of, is_number, next_page, page_size, uuid_of
from tenants.schema import PAGE, query

MOST_DAYS = 365  # counts of 13 months are kept
DAYS = query("days", f"How many days back, 1 to {MOST_DAYS}.")


class ContractUsage(ContractAPI):
    """Tokens that were granted by one contract."""

    permissions: ClassVar[dict[str, str]] = ContractAPI.permissions

    @extend_schema(parameters=[DAYS], responses=UsageOut, operation_id="contracts_usage")
    def get(self, request: Request, contract_id: UUID, **kwargs: Any) -> Response:
        """By day and by caller, 30 days unless ``days=`` says otherwise; last use of all that is kept.

        A provider reads the ids of its own applications, and of the callers of applications that it owns
        (their tokens carry them); others are counted together. ``name`` is that of an application which the
        reader owns or has available now, else null.
        """
        days = _days(request, default=30)
        row = self.one(contract_id)
        found = usage.of_contract(row, tenant_id=kwargs["tenant_id"], days=days, at=self.at)
        callers = [
            {
                "applicationId": caller.application_id,
                "name": caller.name,
                "calls": caller.target_id,
                "tokens": caller.tokens,
                "lastUsedAt": rfc3339(caller.last_used_at),
            }
            for caller in found.callers
        ]
        body = {
            "contractId": str(row.id),
            "days": days,
            "tokens": found.tokens,
            "lastUsedAt": rfc3339(found.last_used_at),
            "countedSince": rfc3339(usage.counted_since()),
            "byDay": [{"day": day.isoformat(), "tokens": tokens} for day, tokens in found.days],
            "callers": callers,
        }
        return Response(body)


class UnusedContracts(ContractAPI):
    """Contracts in force by which nobody gets tokens."""

    permissions: ClassVar[dict[str, str]] = ContractAPI.permissions

    @extend_schema(parameters=[*PAGE, DAYS], responses=ContractPage, operation_id="contracts_unused")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """In force for ``days=`` (90) or longer, and no token granted by them in that time."""
        days = _days(request, default=90)
        rows = usage.unused(self.readable(), days=days, at=self.at)
        limit = page_size(request) or 50
        if cursor := cursor_of(request):
            rows = rows.filter(id__gt=uuid_of(cursor[0], "cursor"))
        page = list(rows.order_by("id")[: limit + 1])
        items = [shapes.contract(row, at=self.at) for row in page[:limit]]
        following = next_page(request, [str(page[limit - 1].id)]) if len(page) > limit else None
        return Response({"items": items, "next": following})


def _days(request: Request, *, default: int) -> int:
    text = request.query_params.get("days")
    if text is None:
        return default
    if not is_number(text) or not 1 <= int(text[:6]) <= MOST_DAYS:
        raise Invalid(f"days is a number from 1 to {MOST_DAYS}.")
    return int(text)
