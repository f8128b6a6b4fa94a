"""What a token holds, where it is asked for, how long it lives."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from applications.actions import pauses
from applications.models import ServiceAccount
from tests.accesscontrol.oauth.conftest import Caller, World, basic, claims_of, two_targets
from tests.support.factories import SYSTEM

READER, METER = "globex.reader", "acme.meter"


def test_reply_and_claims(shared: World) -> None:
    """wire.md "Access tokens"; RFC 6749 §5.1, RFC 9068 §2."""
    response = shared.token(READER, shared.globex, f"aud:{METER} openid")
    body, claims = response.json(), claims_of(response)
    account = ServiceAccount.objects.get(application_id=READER, tenant=shared.globex)
    iat = int(shared.clock.at.timestamp())
    assert claims == {
        "iss": f"http://testserver/iam/auth/realms/{shared.globex.id}",
        "sub": str(account.id),
        "aud": METER,
        "exp": iat + 300,
        "iat": iat,
        "nbf": iat,
        "jti": body["jti"],
        "client_id": READER,
        "azp": READER,
        "scope": f"aud:{METER} openid",
        "tid": str(shared.globex.id),
        "tname": "Globex",
        "roles": [f"urn:iam:application-role:{shared.globex.id}:{METER}:viewer"],
    }
    expected = {"access_token", "token_type", "expires_in", "scope", "jti"}
    assert set(body) == expected
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 300, f"aud:{METER} openid")
    assert response["Content-Type"] == "application/json;charset=UTF-8"
    assert response["Cache-Control"] == "no-store"


def test_signature_verifies_with_published_keys(shared: World) -> None:
    certs = shared.browser.get(f"/iam/auth/realms/{shared.globex.id}/protocol/openid-connect/certs")
    assert "max-age" in certs["Cache-Control"]
    assert all("d" not in key for key in certs.json()["keys"])
    token = shared.token(READER, shared.globex, f"aud:{METER}").json()["access_token"]
    found = jwt.decode(token, KeySet.import_key_set(certs.json()), algorithms=["ES256"])
    assert found.header["typ"] == "at+jwt"
    assert found.header["alg"] == "ES256"
    assert "roles" not in found.claims  # only with openid


def test_same_service_account_each_time(shared: World) -> None:
    subjects = {claims_of(shared.token(READER, shared.globex, f"aud:{METER}"))["sub"] for _ in range(2)}
    assert len(subjects) == 1
    assert ServiceAccount.objects.filter(application_id=READER).count() == 1


@pytest.mark.parametrize(
    "path",
    [
        "/iam/access-management/v1/tenants/{id}/openid-connect/token",
        "/iam/auth/realms/{id}/protocol/openid-connect/token",
        "/iam/auth/realms/{slug}/protocol/openid-connect/token",
        "/auth/realms/{id}/protocol/openid-connect/token",
        "/auth/realms/{slug}/protocol/openid-connect/token",
        "/auth/oauth/token",
        "/oauth2/token",
    ],
)
def test_every_address(shared: World, path: str) -> None:
    """The issuer is by id everywhere; without a tenant it is the owner of the client's application."""
    address = path.format(id=shared.globex.id, slug=shared.globex.slug)
    response = shared.post(address, READER, {"grant_type": "client_credentials", "scope": f"aud:{METER}"})
    assert claims_of(response)["iss"].endswith(f"/iam/auth/realms/{shared.globex.id}")


def test_tenantless_takes_the_tenant_of_the_form(shared: World) -> None:
    world = shared
    world.application(world.acme, "caller")
    world.share(world.acme, world.globex, ("acme.caller", "viewer"))
    world.assign(world.globex, "acme.caller", METER)
    form = {"grant_type": "client_credentials", "scope": f"aud:{METER}", "tenant_id": str(world.globex.id)}
    claims = claims_of(world.post("/oauth2/token", "acme.caller", form))
    assert claims["tid"] == str(world.globex.id)


def test_form_cannot_move_the_tenant_of_the_path(shared: World) -> None:
    response = shared.token(READER, shared.globex, f"aud:{METER}", tenant_id=str(shared.acme.id))
    assert claims_of(response)["tid"] == str(shared.globex.id)


def test_form_credentials(shared: World) -> None:
    shared.set_client(READER, token_endpoint_auth_method="client_secret_post")
    form = {
        "grant_type": "client_credentials",
        "scope": f"aud:{METER}",
        "client_id": READER,
        "client_secret": shared.secrets[READER],
    }
    assert shared.post("/auth/oauth/token", None, form).status_code == 200


def test_scheme_is_case_insensitive(shared: World) -> None:
    for scheme in ("basic", "BASIC"):
        header = {"Authorization": basic(READER, shared.secrets[READER], scheme)}
        form = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}
        assert shared.browser.post("/oauth2/token", form, headers=header).status_code == 200


def test_works_without_csrf_token(shared: World) -> None:
    form = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}
    strict = Caller(enforce_csrf_checks=True)
    header = {"Authorization": basic(READER, shared.secrets[READER])}
    assert strict.post("/oauth2/token", form, headers=header).status_code == 200


def test_several_targets(shared: World) -> None:
    """A sorted list; no roles claim, which would not tell whose they are."""
    two_targets(shared)
    claims = claims_of(shared.token(READER, shared.globex, f"openid aud:{METER} aud:acme.billing"))
    assert claims["aud"] == ["acme.billing", METER]
    assert claims["scope"] == f"aud:acme.billing aud:{METER} openid"
    assert "roles" not in claims


def test_no_target_is_every_callable_application(shared: World) -> None:
    two_targets(shared)
    shared.assign(shared.globex, READER, "iam-portal", "user-reader")
    claims = claims_of(shared.token(READER, shared.globex))
    assert claims["aud"] == ["acme.billing", METER]
    assert claims["scope"] == f"aud:acme.billing aud:{METER}"


def test_no_target_leaves_out_what_is_paused(shared: World) -> None:
    world = shared
    two_targets(world)
    contract = world.globex.contracts_received.get(terms__role__application_id="acme.billing")
    pauses.pause(tenant=world.acme, contract_id=contract.id, by=SYSTEM, at=world.clock.at)
    assert claims_of(world.token(READER, world.globex, ""))["aud"] == METER


def test_resource_indicators(shared: World) -> None:
    """RFC 8707: repeated ``resource`` is allowed."""
    two_targets(shared)
    one = shared.token(READER, shared.globex, resource=f"urn:iam:application:{METER}")
    assert claims_of(one)["aud"] == METER
    both = [f"urn:iam:application:{METER}", "urn:iam:application:acme.billing"]
    assert claims_of(shared.token(READER, shared.globex, resource=both))["aud"] == ["acme.billing", METER]


def test_portal_alone(shared: World) -> None:
    shared.assign(shared.globex, READER, "iam-portal", "user-reader")
    assert claims_of(shared.token(READER, shared.globex, "aud:iam-portal"))["aud"] == "iam-portal"


def test_role_narrows(shared: World) -> None:
    shared.assign(shared.globex, READER, METER, "editor")
    claims = claims_of(shared.token(READER, shared.globex, f"aud:{METER} {METER}/editor openid"))
    assert claims["roles"] == [f"urn:iam:application-role:{shared.globex.id}:{METER}:editor"]
    assert claims["scope"] == f"aud:{METER} {METER}/editor openid"
    named_by_role_alone = claims_of(shared.token(READER, shared.globex, f"{METER}/viewer"))
    assert named_by_role_alone["aud"] == METER


def test_ignored_unknown_scopes(shared: World) -> None:
    shared.set_client(READER, ignore_unknown_scopes=True)
    claims = claims_of(shared.token(READER, shared.globex, f"aud:{METER} vehicle.read profile"))
    assert claims["scope"] == f"aud:{METER}"


class TestAliases:
    """Old names of scopes; the reply spells out what they stand for."""

    def test_one_name_for_several_words(self, shared: World) -> None:
        shared.assign(shared.globex, READER, METER, "editor")
        shared.set_client(READER, scope_aliases={"vehicle.read": f"aud:{METER} {METER}/viewer"})
        response = shared.token(READER, shared.globex, "vehicle.read openid")
        claims, granted = claims_of(response), f"aud:{METER} {METER}/viewer openid"
        assert (claims["scope"], response.json()["scope"]) == (granted, granted)
        assert claims["roles"] == [f"urn:iam:application-role:{shared.globex.id}:{METER}:viewer"]

    def test_beside_the_words_themselves(self, shared: World) -> None:
        two_targets(shared)
        shared.set_client(READER, scope_aliases={"vehicle.read": f"aud:{METER}"})
        claims = claims_of(shared.token(READER, shared.globex, f"vehicle.read aud:acme.billing aud:{METER}"))
        assert claims["aud"] == ["acme.billing", METER]

    def test_no_name_leads_to_another(self, shared: World) -> None:
        shared.set_client(READER, scope_aliases={"a": "b", "b": f"aud:{METER}"})
        refused = shared.token(READER, shared.globex, "a").json()
        assert (refused["error"], refused["error_description"]) == ("invalid_scope", "Unknown scopes: [b]")

    def test_a_name_gives_nothing_that_its_words_would_not(self, shared: World) -> None:
        """Decided as any other request, and no way past the number of words, nor to everything."""
        many = " ".join(f"aud:x{number}" for number in range(101))
        shared.set_client(
            READER,
            scope_aliases={
                "own": f"aud:{READER}",
                "many": many,
                "none": " ",
                "both": f"aud:{METER} aud:iam-portal",
            },
        )
        errors = {
            name: shared.token(READER, shared.globex, name).json() for name in ("own", "many", "none", "both")
        }
        assert {body["error"] for body in errors.values()} == {"invalid_scope"}
        assert errors["own"]["reason"] == "self_audience"
        assert errors["none"]["error_description"] == "Unknown scopes: [none]"

    def test_they_are_the_clients_own(self, shared: World) -> None:
        shared.set_client("neighbour.reader", scope_aliases={"vehicle.read": f"aud:{METER}"})
        assert shared.token(READER, shared.globex, "vehicle.read").json()["error"] == "invalid_scope"


def test_access_contract_says_whose_data(shared: World) -> None:
    """Globex works on Acme's data: the token is Acme's, and its role covers Acme."""
    world = shared
    contract = world.share(world.acme, world.globex, (METER, "viewer"), type="access")
    world.assign(world.globex, READER, METER, contract_id=contract.id)
    claims = claims_of(world.token(READER, world.acme, f"aud:{METER} openid"))
    assert claims["tid"] == str(world.acme.id)
    assert claims["roles"] == [f"urn:iam:application-role:{world.acme.id}:{METER}:viewer"]
    assert claims["scope_tenants"] == [{"tid": str(world.acme.id), "relation": "access"}]


@pytest.mark.one_way("counts the queries of one request")
@pytest.mark.parametrize(
    ("scope", "first", "again"),
    [(f"aud:{METER} openid", 16, 10), (f"aud:{METER} aud:acme.billing", 16, 10), (None, 20, 14)],
)
def test_number_of_queries_is_fixed(
    shared: World, django_assert_num_queries: object, scope: str | None, first: int, again: int
) -> None:
    """However many targets. The first makes the account and notes the secret's use (six more)."""
    two_targets(shared)
    with django_assert_num_queries(first):  # type: ignore[operator]
        assert shared.token(READER, shared.globex, scope).status_code == 200
    with django_assert_num_queries(again):  # type: ignore[operator]
        assert shared.token(READER, shared.globex, scope).status_code == 200


def test_neighbour_with_the_same_names_is_apart(shared: World) -> None:
    own = claims_of(shared.token("neighbour.reader", shared.neighbour, "aud:neighbour.meter"))
    assert own["aud"] == "neighbour.meter"
    assert claims_of(shared.token("neighbour.reader", shared.neighbour))["aud"] == "neighbour.meter"
