"""Role changes of access contracts: what waits for the provider's word, and the word."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from applications import amendment_shapes
from applications.actions import confirmations
from applications.api.contracts import ContractAPI
from applications.models import ContractType
from applications.serializers.confirming import ConfirmIn, RoleChangesOut
from applications.serializers.contracts import ContractOut
from iam_portal.gate import Privilege


class RoleChanges(ContractAPI):
    """What roles of the contract gained since its provider confirmed them."""

    permissions = {"GET": f"AccessContracts:{Privilege.READ}"}

    @extend_schema(responses=RoleChangesOut, operation_id="contracts_role_changes")
    def get(self, request: Request, contract_id: UUID, **kwargs: Any) -> Response:
        """For its provider. The ``revision`` is what ``confirm`` takes in ``If-Match``."""
        row = self.one(contract_id)
        gains = confirmations.waiting(row, tenant=self.tenant, at=self.at)
        revision = confirmations.revision_of(gains)
        body = amendment_shapes.role_changes(row.id, gains, revision=revision)
        return Response(body, headers={"ETag": f'"{revision}"'})


class ConfirmRoles(ContractAPI):
    """The provider's word: from now on the roles count as they are."""

    permissions = {"POST": f"AccessContracts:{Privilege.EXECUTE}"}
    recent = frozenset({"POST"})

    @extend_schema(request=ConfirmIn, responses=ContractOut, operation_id="contracts_confirm")
    def post(self, request: Request, contract_id: UUID, **kwargs: Any) -> Response:
        """With the revision of the role changes in ``If-Match``: 428 without, 412 when they changed since.

        Nothing to confirm: 409.
        """
        row = self.one(contract_id)
        self.require_type(ContractType.ACCESS, Privilege.EXECUTE)
        body = self.read(ConfirmIn)
        confirmations.confirm(
            tenant=self.tenant,
            contract_id=row.id,
            by=self.actor,
            at=self.at,
            note=body["note"],
            expected=self.impact_revision(),
            revision=self.revision(),
        )
        return self.answer(contract_id)
