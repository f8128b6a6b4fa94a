"""Assertions used up by the lines of the short way: by one of many processes, and while their key lives."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from accesscontrol.oauth.short.lines import KeptReader
from accesscontrol.oauth.short.versions import SharedReader, Taking
from applications.actions import applications
from applications.actions.applications import Details
from applications.models import Client, ClientKey, UsedAssertion
from tenants.models import since
from tenants.models.spanned import clipped
from tests.accesscontrol.oauth.asserting import key
from tests.support.factories import SYSTEM, make_tenant


@pytest.fixture
def row(committed_db: None) -> ClientKey:
    at = datetime.now(UTC) - timedelta(minutes=1)
    tenant = make_tenant("acme", at=at)
    made = applications.register(
        owner=tenant, details=Details(name="robot", display_name="Robot"), by=SYSTEM, at=at
    )
    public = key().as_dict(private=False)
    client = Client.objects.get(application=made)
    found = ClientKey(
        client=client, kid=key().thumbprint(), public_jwk=public, during=since(at), created_by="test"
    )
    found.save()
    return found


def test_of_many_processes_at_once_one_takes_it(row: ClientKey) -> None:
    at, start = datetime.now(UTC), threading.Barrier(8)
    with closing(KeptReader()) as one, closing(KeptReader()) as other, ThreadPoolExecutor(8) as pool:

        def take(number: int) -> list[bool]:
            reader, found = (one, other)[number % 2], []
            for each in range(20):
                start.wait(30)
                found.append(reader.take(Taking(row.id, f"{each:064}", at + timedelta(minutes=1)), at=at))
            return found

        taken = [*pool.map(take, range(8))]
    assert [sum(each) for each in zip(*taken, strict=True)] == [1] * 20
    assert UsedAssertion.objects.filter(client=row.client).count() == 20
    assert {*UsedAssertion.objects.values_list("expires_at", flat=True)} == {at + timedelta(minutes=1)}


def test_a_key_that_has_ended_takes_nothing(row: ClientKey) -> None:
    at = datetime.now(UTC)
    with closing(KeptReader()) as reader:
        for number, moment in enumerate((at - timedelta(hours=1), at)):
            for each in (reader, SharedReader()):
                taking = Taking(row.id, uuid4().hex, at + timedelta(minutes=1))
                assert each.take(taking, at=moment) is bool(number)
        ClientKey.objects.filter(id=row.id).update(during=clipped(at))
        taking = Taking(row.id, uuid4().hex, at + timedelta(minutes=1))
        assert not reader.take(taking, at=at)
