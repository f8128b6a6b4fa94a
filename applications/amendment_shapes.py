"""The wire form of what changes in a contract: amendments, and what its roles gained."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from applications.actions import open_amendments
from applications.models import Amendment, AmendmentState
from applications.rolechanges import Gain, by_role
from iam_portal.decision import rfc3339


def amendment(row: Amendment, *, at: datetime) -> dict[str, Any]:
    """An amendment; contract, proposing tenant and roles are to be loaded with it."""
    agreed = row.state == AmendmentState.ACCEPTED
    return {
        "amendmentId": str(row.id),
        "contractId": str(row.contract_id),
        "kind": "widening" if row.widens else "narrowing",
        "state": open_amendments.state(row, at),
        "proposedBy": {"tenantId": str(row.proposed_by_tenant_id), "name": row.proposed_by_tenant.name},
        "proposedAt": rfc3339(row.proposed_at),
        "answeredAt": rfc3339(row.answered_at),
        "takesEffectAt": rfc3339(row.takes_effect_at or (row.answered_at if agreed else None)),
        "diff": open_amendments.diff(row),
        "note": row.note,
        "answerBy": rfc3339(row.answer_by),
        "revision": f"r-{row.revision}",
    }


def role_changes(contract_id: UUID, gains: Sequence[Gain], *, revision: str) -> dict[str, Any]:
    """What roles of a contract gained and nobody confirmed yet."""
    return {
        "contractId": str(contract_id),
        "revision": revision,
        "roles": [
            {
                "applicationId": application_id,
                "role": key,
                "name": found[0].role_name,
                "gained": [
                    {
                        "resourceType": gain.resource_type,
                        "resourceId": gain.resource_id,
                        "name": gain.resource,
                        "privilege": gain.privilege,
                        "since": rfc3339(gain.since),
                    }
                    for gain in found
                ],
            }
            for (application_id, key), found in by_role(gains).items()
        ],
    }
