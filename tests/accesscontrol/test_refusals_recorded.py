"""The record of a refusal, on a connection that really commits."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.test import Client as Browser

from accesscontrol.models import Assignment
from applications.models.applications import PORTAL_ID
from iam_portal.walls import tenant_scope
from tenants.http import cookie_name
from tenants.models import HistoryEvent
from tests.support.factories import make_tenant
from tests.support.granting import STRONG
from tests.support.knocking import person


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("role", ["access-manager", "user-reader"])
def test_a_refusal_survives_the_rollback_of_its_request(
    role: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The act is gone, the record is there: of who may hand out less, and of who is not let in at all."""
    monkeypatch.setattr(settings, "STATIC_ROOT", str(tmp_path))
    tenant = make_tenant("acme", at=datetime.now(UTC))
    clerk, session = person(tenant, "clerk", role)
    body = {
        "principal": {"userId": str(clerk.id)},
        "role": {"applicationId": PORTAL_ID, "key": STRONG[0]},
    }
    client = Browser()
    client.cookies[cookie_name(tenant.id)] = session
    path = f"/iam/access-management/v1/tenants/{tenant.id}/assignments"
    assert client.post(path, body, content_type="application/json").status_code == 403
    page = f"/t/acme/assignments/add?user={clerk.id}"
    client.post(page, {"role": f"{PORTAL_ID}|{STRONG[0]}|"})
    action = "grant.refused" if role == "access-manager" else "door.refused"
    with tenant_scope(tenant.id):
        assert HistoryEvent.objects.filter(action=action, actor_id=str(clerk.id)).count() == 2
        assert not Assignment.objects.filter(user=clerk, application_role__key=STRONG[0]).exists()
