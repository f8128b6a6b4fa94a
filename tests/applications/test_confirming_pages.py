"""The provider's page of an access contract whose roles grew."""

import pytest
from django.utils import timezone

from applications.actions.manifests import declare
from applications.manifest import parse
from applications.models import Contract
from tests.applications.story import ROLES, Party, person, share


@pytest.fixture
def contract(acme: Party, beta: Party) -> Contract:
    """acme opens its planner's data to beta; since then the readers may modify, too."""
    made = share(acme, beta, acme.applications["planner"], type="access")
    grow(acme, "read", "modify")
    return made


def grow(owner: Party, *privileges: str) -> None:
    kinds = {"type": "urn:fleet:tour", "id": "tours", "name": "Tours", "privileges": ["read", "modify"]}
    held = {"resourceType": "urn:fleet:tour", "resourceId": "tours"}
    roles = [
        {"key": key, "name": key.capitalize(), "permissions": [{**held, "privileges": list(privileges)}]}
        for key in ROLES
    ]
    document = {"resources": [kinds], "roles": roles}
    application = owner.applications["planner"]
    declare(application=application, manifest=parse(document), by=owner.actor, at=timezone.now())


def test_it_shows_what_was_gained_and_confirms_exactly_that(acme: Party, contract: Contract):
    page = f"contracts/{contract.id}"
    assert "2 roles hold more than you confirmed" in acme.get(page).content.decode()
    asked = acme.get(f"{page}/confirm").content.decode()
    assert asked.count("Tours: modify") == 2

    done = acme.confirm(f"{page}/confirm", note="Seen")

    assert done.status_code == 302
    after = acme.get(page).content.decode()
    assert "hold more than you confirmed" not in after
    assert "confirmed what the roles gained" in after
    assert "“Seen”" in after
    assert acme.get(f"{page}/confirm").status_code == 302, "there is nothing to confirm any more"


def test_what_changed_meanwhile_is_shown_again(acme: Party, contract: Contract):
    path = f"contracts/{contract.id}/confirm"
    shown = acme.get(path).context["form"]["shown"].value()
    grow(acme, "read")
    grow(acme, "read", "modify")
    late = acme.post(path, shown=shown)
    assert late.status_code == 412
    assert "differs from what you were shown" in late.content.decode()
    assert late.context["form"]["shown"].value() != shown


def test_only_the_provider_is_asked(acme: Party, beta: Party, gamma: Party, contract: Contract):
    path = f"contracts/{contract.id}"
    assert "you confirmed" not in beta.get(path).content.decode()
    assert beta.get(f"{path}/confirm").status_code == gamma.get(f"{path}/confirm").status_code == 404
    reader = person(acme, "reader", "access-contract-manager")
    assert reader.get(acme.url(f"{path}/confirm")).status_code == 200
    other = person(acme, "other", "provision-contract-manager")
    assert other.get(acme.url(f"{path}/confirm")).status_code == 403
