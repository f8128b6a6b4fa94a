"""What an act on a contract or an application would take away, before it is done."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications.actions import amendments, contracts, pauses, weighing
from applications.actions.changes import Change
from applications.api.contracts import ContractAPI
from applications.models import Contract
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
        return foreseen(*self._asked(row))

    def _asked(self, row: Contract) -> tuple[Act, Callable[[], object]]:
        """The act, for its impact, and the act itself."""
        asked = self.request.query_params
        # All of them, whatever the act: what is no moment is refused, not passed over.
        when, until, ends_at = (self._moment(name) for name in ("at", "until", "endsAt"))
        who: dict[str, Any] = {"tenant": self.tenant, "at": self.at}
        given: dict[str, Any] = {**who, "contract_id": row.id, "by": self.actor}
        if asked.get("action") == "end":
            act = weighing.stopping("end", contract=row, when=when, **who)
            return act, lambda: contracts.end(**given, when=when)
        if asked.get("action") == "pause":
            act = weighing.stopping("pause", contract=row, when=when, until=until, **who)
            return act, lambda: pauses.pause(**given, when=when, until=until)
        if asked.get("action") != "narrow":
            raise Invalid("action is pause, end or narrow.")
        change = Change(
            remove=_roles(asked.getlist("role")),
            moves_end="endsAt" in asked,
            ends_at=ends_at,
            when=when,
        )
        act = weighing.amending(contract=row, change=change, **who)
        return act, lambda: amendments.amend(**given, change=change)

    def _moment(self, name: str) -> datetime | None:
        return self.moment(name) if name in self.request.query_params else None


def _roles(words: list[str]) -> list[tuple[str, str]]:
    pairs = [word.partition("/") for word in words]
    if any(not found or not role for _, found, role in pairs):
        raise Invalid("role takes <applicationId>/<key>.")
    return [(application_id, role) for application_id, _, role in pairs]
