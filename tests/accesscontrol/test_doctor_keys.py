"""`manage.py doctor` on encryption keys: none may go that anything needs."""

from unittest import mock

from cryptography.fernet import Fernet
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from accesscontrol.actions import rotation
from iam_portal import wall_seals
from iam_portal.walls import cross_tenant
from tenants.actions import anchors, resealing
from tests.accesscontrol.operating import Installation, shared, town
from tests.accesscontrol.test_doctor import OTHER, all_well, examined, fresh

__all__ = ["fresh", "shared", "town"]


def test_a_key_is_needed_until_everything_and_the_wall_know_the_newest(town: Installation) -> None:
    """Also what proves history's chains; signing keys are looked at by a question of their own."""
    ring, new = settings.PORTAL_ENCRYPTION_KEYS, Fernet.generate_key().decode()
    with cross_tenant():
        anchors.make(
            tenant_id=town.acme.tenant.id, month=timezone.now().date(), links=[(1, "")], at=timezone.now()
        ).save()
    with override_settings(PORTAL_ENCRYPTION_KEYS=[new, *ring]), all_well():
        rotation.reseal()
        found = examined()[1]["encryption keys"]
        assert [one["text"] for one in found] == ["1 secrets are sealed by an older key."]
        resealing.reseal_history()
        with mock.patch.object(wall_seals, "keys", return_value=(bytes(32), *wall_seals.keys())):
            [finding] = examined()[1]["encryption keys"]
        assert (finding["state"], finding["mend"].partition(" as ")[0]) == (
            "warning",
            "Run manage.py seal_wall",
        )
        assert [one["state"] for one in examined()[1]["encryption keys"]] == ["ok"]
    with override_settings(PORTAL_ENCRYPTION_KEYS=[OTHER]), all_well():
        assert {one["text"] for one in examined()[1]["encryption keys"]} == {
            "1 notes and anchors of history cannot be read with our ring."
        }
