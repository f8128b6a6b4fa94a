"""Documents applied at the same moment, with real commits."""

from typing import Any

from django.utils import timezone

from iam_portal.walls import tenant_scope
from tenants.models import IdentityMapper
from tests.applications.story import Party, party
from tests.support import factories
from tests.support.coming_from import make_provider
from tests.support.configuring import address, send, steps
from tests.tenants.conftest import at_once

ROLE = {"applicationId": "~.fleet-planner", "role": "reader"}


def apply(one: Party, document: Any, revision: str) -> Any:
    return send(one.fork().client, f"{address(one.tenant)}:apply", document, **{"If-Match": f'"{revision}"'})


def planned(one: Party, document: Any) -> str:
    reply = send(one.client, f"{address(one.tenant)}:plan", document)
    assert (reply.status_code, reply.json()["objections"]) == (200, [])
    return str(reply.json()["revision"])


def test_a_mapping_that_is_sent_by_two_ways_is_there_once(
    committed_db: None, tmp_path: Any, settings: Any
) -> None:
    """Twice by a document, and by its own door; which of them waits for which is left to the moment."""
    settings.STATIC_ROOT = str(tmp_path)
    acme, at = party("acme"), timezone.now()
    with tenant_scope(acme.tenant.id):
        provider = make_provider(acme.tenant, at=at)
        group = factories.make_group(acme.tenant, "Plant", at=at)
    rule = {"kind": "group", "claim": "groups", "value": "g-1"}
    document = {
        "version": 1,
        "groups": [{"name": "Plant", "members": ["jane"]}],
        "mappings": [{**rule, "provider": provider.key, "group": "Plant"}],
    }
    revision = planned(acme, document)
    door = address(acme.tenant).removesuffix("configuration")

    def by_door() -> Any:
        path = f"{door}identity-providers/{provider.key}/mappers"
        return send(acme.fork().client, path, {**rule, "when": "every", "groupId": str(group.id)})

    found = at_once(*[lambda: apply(acme, document, revision)] * 2, by_door)

    assert sorted(reply.status_code for reply in found) in ([200, 400, 412], [201, 412, 412]), found
    with tenant_scope(acme.tenant.id):
        assert IdentityMapper.objects.filter(tenant=acme.tenant).count() == 1


def test_once_though_sent_twice_and_two_organizations_about_each_other(
    committed_db: None, tmp_path: Any, settings: Any
) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    acme, beta = party("acme"), party("beta")
    factories.make_partners(acme.tenant, beta.tenant, at=timezone.now())
    groups = [
        {"name": "Plant", "members": ["jane"]},
        {"name": "Shift", "parent": "Plant", "members": ["jane"]},
    ]
    documents = {
        one.tenant.slug: {
            "version": 1,
            "groups": groups,
            "contracts": [{"consumer": other.tenant.slug, "type": "provision", "roles": [ROLE]}],
        }
        for one, other in ((acme, beta), (beta, acme))
    }
    both = [(one, documents[one.tenant.slug]) for one in (acme, beta, acme, beta)]
    revisions = [planned(one, document) for one, document in both]
    found = at_once(
        *[
            lambda one=one, document=document, revision=revision: apply(one, document, revision)
            for (one, document), revision in zip(both, revisions, strict=True)
        ]
    )
    # Whoever came second sees what the first one did, whatever the moment at which it was sent.
    assert sorted(reply.status_code for reply in found) == [200, 200, 412, 412]
    for reply in found:
        if reply.status_code == 412:
            assert steps(reply.json()["plan"]) == []
    for one in (acme, beta):
        with tenant_scope(one.tenant.id):
            assert one.tenant.groups.count() == 2
        assert one.tenant.contracts_provided.count() == 1
