"""Nobody takes from himself the only way by which he comes in."""

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from tenants.models import Passkey, User
from tests.support.authenticating import Device
from tests.tenants.second_factors import Visit
from tests.tenants.test_passkeys import device, jane, shared, the_passkey

__all__ = ["device", "jane", "shared"]


def test_the_only_way_in_stays(jane: Visit, device: Device) -> None:
    jane.sign_in_with(device)
    with jane.in_scope():
        User.objects.filter(pk=jane.user.pk).update(password=UNUSABLE_PASSWORD_PREFIX)
    removed = jane.post(f"account/factors/{the_passkey(jane).pk}/remove")
    assert removed.status_code == 302
    assert "your only way in" in jane.get("account/factors").content.decode()
    assert the_passkey(jane)
    jane.make_passkey(Device())
    with jane.in_scope():
        first = Passkey.objects.earliest("created_at")
    assert jane.post(f"account/factors/{first.pk}/remove").status_code == 302
    assert the_passkey(jane).pk != first.pk, "another one is way in enough"
