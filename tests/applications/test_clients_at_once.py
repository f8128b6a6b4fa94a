"""Two administrators at one client, on real connections: they take turns."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from applications.actions import client_keys, client_settings
from applications.actions.client_settings import Settings
from applications.models import Client, ClientKey
from applications.proofs.keys import of_pem
from iam_portal.errors import DomainError
from tests.applications.sharing import register
from tests.support.factories import SYSTEM, make_tenant
from tests.support.proving import ec_key, public_pem
from tests.tenants.conftest import Racers


def said(act: Callable[..., Any], **given: Any) -> Any:
    """What it returned, or the code of its refusal."""
    try:
        return act(by=SYSTEM, **given)
    except DomainError as refused:
        return refused.code


def test_two_at_once_do_not_mix(committed_db: None) -> None:
    """Settings by one revision: one wins. The same key: it is there once. Ten places: none is taken twice."""
    at = datetime.now(UTC)
    tool = register(make_tenant("acme", at=at), "tool", at)
    named = {"tenant": tool.owner, "client_id": tool.id, "at": at}

    def change(**given: Any) -> Callable[[], Any]:
        return lambda: said(client_settings.change, settings=Settings(**given), revision=1, **named)

    def add(name: str) -> Callable[[], Any]:
        return lambda: said(client_keys.add, key=of_pem(public_pem(ec_key(name))), **named)

    with Racers(2) as racers:
        found = racers.at_once(change(algorithm="RS256"), change(pkce_required=False))
        assert found.count("revision_mismatch") == 1
        assert racers.at_once(add("same"), add("same")).count("credential_exists") == 1
        for number in range(8):
            assert isinstance(add(str(number))(), ClientKey)
        assert racers.at_once(add("ninth"), add("tenth")).count("too_many_credentials") == 1
    row = Client.objects.get(client_id=tool.id)
    assert row.revision == 2
    assert (row.algorithm, row.pkce_required) in (("RS256", True), ("ES256", False))
    assert row.keys.count() == 10
