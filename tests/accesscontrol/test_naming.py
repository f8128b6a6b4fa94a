"""What answers tell by key is named as it was called last, and by nobody else's names."""

from datetime import timedelta

import pytest
from psycopg.types.range import TimestamptzRange

from accesscontrol.models import TenantRole
from accesscontrol.views import naming
from applications.models import Resource
from iam_portal.walls import cross_tenant
from tests.applications.sharing import T0, make_pair, register

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FORMER, NOW = TimestamptzRange(T0, T0 + DAY), TimestamptzRange(T0 + DAY, None)


def test_a_role_and_a_resource_go_by_their_last_names() -> None:
    acme, _ = make_pair()
    press = register(acme, "press", T0)
    with cross_tenant():
        for during, name in ((NOW, "Night"), (FORMER, "Dusk")):
            TenantRole.objects.create(tenant=acme, key="night", name=name, during=during)
            given = {"application": press, "type": "urn:test", "key": "hall", "owner_tenant": acme}
            Resource.objects.create(name=name, during=during, **given)
        assert naming.roles(acme, press.id, ["night", "reader"]).own == {"night": "Night"}
        wanted = [("urn:test", "hall"), ("urn:other", "hall")]
        assert naming.resources(acme, press.id, wanted) == {("urn:test", "hall"): "Night"}
        assert naming.resources(acme, press.id, []) == {}


def test_a_neighbours_own_names_are_not_told() -> None:
    """Not even where no wall stands between them."""
    acme, beta = make_pair()
    press = register(acme, "press", T0)
    with cross_tenant():
        TenantRole.objects.create(tenant=beta, key="night", name="Secret", during=NOW)
        given = {"application": press, "type": "urn:test", "key": "hall", "owner_tenant": beta}
        Resource.objects.create(name="Secret", during=NOW, **given)
        assert naming.roles(acme, press.id, ["night"]).own == {}
        assert naming.resources(acme, press.id, [("urn:test", "hall")]) == {}
