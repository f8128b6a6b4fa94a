"""What access control keeps about a person, for the copy that he may ask for. Without digests of tokens."""

from typing import Any

from accesscontrol.models import Assignment, Authorization
from iam_portal.decision import rfc3339
from tenants.models import User
from tenants.models.spanned import told_span


def kept_about(*, user: User) -> dict[str, Any]:
    """In the scope of his tenant: what was given to him by name, and his sign-ins to applications."""
    roles = Assignment.objects.filter(tenant_id=user.tenant_id, user=user).order_by("created_at", "id")
    signed = Authorization.objects.filter(tenant_id=user.tenant_id, user=user).order_by("created_at", "id")
    return {
        "assignments": [_role(row) for row in roles.select_related("application_role", "tenant_role")],
        "signIns": [_sign_in(row) for row in signed.select_related("client")],
    }


def _role(row: Assignment) -> dict[str, Any]:
    shared, own = row.application_role, row.tenant_role
    return {
        "assignmentId": str(row.id),
        "applicationId": shared.application_id if shared else None,
        "role": (shared or own).key,  # type: ignore[union-attr]  # one of both, by constraint
        "contractId": str(row.contract_id) if row.contract_id else None,
        **told_span(row.during),
        "givenBy": row.by_name,
        "endedBy": row.ended_by or None,
    }


def _sign_in(row: Authorization) -> dict[str, Any]:
    return {
        "clientId": row.client.client_id,
        "scope": row.scope,
        "methods": row.methods,
        "begunAt": rfc3339(row.created_at),
        "lastUsedAt": rfc3339(row.used_at),
        "endedAt": rfc3339(row.ended_at),
    }
