"""What is sent twice is refused, also where the same request without it is remembered."""

import pytest

from tests.accesscontrol.oauth.changing import METER, READER, change_client
from tests.accesscontrol.oauth.conftest import World, basic
from tests.support.shortened import BothWays

FORM = "grant_type=client_credentials&scope=aud:acme.meter"


@pytest.fixture
def path(shared: World) -> str:
    return f"/iam/access-management/v1/tenants/{shared.globex.id}/openid-connect/token"


@pytest.mark.parametrize(
    "odd",
    [
        "client_secret=&client_secret={secret}",
        "client_secret={secret}&client_secret=",
        "client_secret={secret}&client_secret={secret}",
        "client_secret=&client_secret=&client_secret={secret}",
    ],
)
def test_secret_in_the_form(shared: World, path: str, odd: str) -> None:
    change_client(shared, secret_either_way=True)
    both, secret = BothWays(), shared.secrets[READER]
    body = f"{FORM}&client_id={READER}&client_secret={secret}"
    assert both.post(path, body, headers={}).status_code == 200
    assert both.short.answered
    odd_body = f"{FORM}&client_id={READER}&{odd.format(secret=secret)}"
    assert both.post(path, odd_body, headers={}).status_code == 400


@pytest.mark.parametrize("odd", ["client_secret=", "client_secret=&client_secret=", "token=", "client_id="])
def test_beside_basic(shared: World, path: str, odd: str) -> None:
    both, headers = BothWays(), {"Authorization": basic(READER, shared.secrets[READER])}
    assert both.post(path, FORM, headers=headers).status_code == 200
    both.post(path, f"{FORM}&{odd}", headers=headers)  # whatever it is, both say the same


@pytest.mark.parametrize(
    "odd", ["token=&token={token}", "token={token}&token=", "token={token}&token={token}"]
)
def test_token(shared: World, path: str, odd: str) -> None:
    both, headers = BothWays(), {"Authorization": basic(METER, shared.secrets[METER])}
    given = {"Authorization": basic(READER, shared.secrets[READER])}
    token = both.post(path, FORM, headers=given).json()["access_token"]
    assert both.post(f"{path}/introspect", f"token={token}", headers=headers).json()["active"] is True
    assert both.post(f"{path}/introspect", odd.format(token=token), headers=headers).status_code == 400
