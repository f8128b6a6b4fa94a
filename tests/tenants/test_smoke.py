import pytest
@pytest.mark.django_db
def test_x():
    from tenants.models import Tenant
    assert Tenant.objects.filter(is_platform=True).count() == 1
