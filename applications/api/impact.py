"""What an act on a contract or an application would take away, before it is done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications.actions import amendments, contracts, pauses
from applications.actions.changes import Change
from applications.api.contracts import ContractAPI
from iam_portal.errors import Invalid
from iam_portal.gate import Privilege
from tenants.api.impact import foreseen
from tenants.impact import Act
from tenants.schema import query
from tenants.serializers.impact import ImpactOut

WHEN = query("at", "The planned moment; now when left out.", OpenApiTypes.DATETIME)
UNTIL = query("until", "The planned end of a pause.", OpenApiTypes.DATETIME)


ROLE = query("role", "narrow: a role that is taken away, <applicationId>/<key>; repeatable.", many=True)
ENDS = query("endsAt", "narrow: the new, earlier end.", OpenApiTypes.DATETIME)


class ContractImpact(ContractAPI):
    """Ending, pausing or narrowing a contract."""

    @extend_schema(
        parameters=[
            query("action", "The act.", enum=["pause", "end", "narrow"], required=True),
            WHEN,
            UNTIL,
            ROLE,
            ENDS,
        ],
        responses=ImpactOut,
    )
    def get(self, request: Request, contract_id: UUID, **kwargs: Any) -> Response:
        """Who and what loses something. Its revision goes into ``If-Match`` of the act."""
        row = self.one(contract_id)
        self.require_type(row.type, Privilege.EXECUTE)
        action, when = request.query_params.get("action"), self._moment("at")
        given: dict[str, Any] = {
            "tenant": self.tenant,
            "contract_id": row.id,
            "by": self.actor,
            "at": self.at,
            "when": when,
        }
        act = Act(name=str(action), tenant=self.tenant, subject=row, at=self.at, when=when)
        if action == "end":
            return foreseen(act, lambda: contracts.end(**given))
        if action == "pause":
            return foreseen(act, lambda: pauses.pause(**given, until=self._moment("until")))
        if action == "narrow":
            change = Change(
                remove=_roles(request.query_params.getlist("role")),
                moves_end="endsAt" in request.query_params,
                ends_at=self._moment("endsAt"),
                when=given.pop("when"),
            )
            return foreseen(act, lambda: amendments.amend(**given, change=change))
        raise Invalid("action is pause, end or narrow.")

    def _moment(self, name: str) -> datetime | None:
        return self.moment(name) if name in self.request.query_params else None


def _roles(words: list[str]) -> list[tuple[str, str]]:
    pairs = [word.partition("/") for word in words]
    if any(not found or not role for _, found, role in pairs):
        raise Invalid("role takes <applicationId>/<key>.")
    return [(application_id, role) for application_id, _, role in pairs]
