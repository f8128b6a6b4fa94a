"""Clients and their credentials in the console: pasted, uploaded, revoked; what is never drawn again."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import QuerySet

from applications.actions import clients
from applications.models import Client, ClientCertificate, ClientKey, ClientSecret, TrustedIssuer
from applications.signals import principal_becoming
from iam_portal.errors import Forbidden
from tests.applications.sides import proofs_of
from tests.applications.story import Party, person
from tests.support.factories import listening
from tests.support.proving import certified, ec_key, pem, private_jwk, private_pem, public_jwk, public_pem

SCRIPT = '"><script>alert(1)</script>'
HERE = "applications/acme.fleet-planner"


def text_of(page: Any) -> str:
    return re.sub(r"\s+", " ", page.content.decode())


def of_planner(kind: Any) -> QuerySet[Any]:
    return kind.objects.filter(client__client_id="acme.fleet-planner")


ADDED: dict[str, tuple[Any, dict[str, Any]]] = {
    "keys/new": (ClientKey, {"key": public_pem(ec_key("a"))}),
    "certificates/new": (ClientCertificate, {"pem": pem(certified("b"))}),
    "certificates/new-subject": (
        ClientCertificate,
        {"subject_dn": "CN=robot,O=Acme", "anchor": pem(certified("c", authority=True))},
    ),
    "issuers/new": (TrustedIssuer, {"issuer": "https://ci.example", "subject": "repo:acme/tool:*"}),
}


@pytest.mark.parametrize("path", ADDED)
def test_it_is_added_listed_and_revoked(acme: Party, path: str) -> None:
    kind, form = ADDED[path]
    added = acme.post(f"{HERE}/{path}", **form, note="Depot")
    assert (added.status_code, added["Location"]) == (302, acme.url(f"{HERE}/credentials"))
    row = of_planner(kind).get()
    shown = text_of(acme.get(f"{HERE}/credentials"))
    assert "Depot" in shown
    assert str(row).partition(" of ")[0] in shown
    again = acme.post(f"{HERE}/{path}", **form, note="Depot")
    assert "already" in text_of(again)
    noun = path.partition("/")[0]
    asked = acme.get(f"{HERE}/{noun}/{row.id}/revoke")
    assert "It has never been used." in text_of(asked)
    assert str(row) in text_of(asked)
    for _ in range(2):
        assert acme.post(f"{HERE}/{noun}/{row.id}/revoke").status_code == 302
    assert not of_planner(kind).not_over(datetime.now(UTC)).exists()
    assert acme.get(f"{HERE}/{noun}/{row.id}/revoke").status_code == 404


def test_a_file_will_do(acme: Party) -> None:
    file = SimpleUploadedFile("key.pem", b"\xef\xbb\xbf" + public_pem(ec_key("file")).encode())
    assert acme.post(f"{HERE}/keys/new", key="", key_file=file).status_code == 302
    assert of_planner(ClientKey).count() == 1
    both = SimpleUploadedFile("key.pem", public_pem(ec_key("file")).encode())
    assert "not both" in text_of(acme.post(f"{HERE}/keys/new", key="x", key_file=both))
    for content, said in (
        (b"\x30\x82\xff", "no text"),
        (b"x" * 100_000, "too large"),
        (b"", "choose a file"),
    ):
        file = SimpleUploadedFile("key.der", content)
        assert said in text_of(acme.post(f"{HERE}/keys/new", key_file=file))
    huge = SimpleUploadedFile("key.pem", b"x" * 3_000_000)
    assert acme.post(f"{HERE}/keys/new", key_file=huge).status_code == 200


@pytest.mark.parametrize("as_file", [False, True])
def test_a_private_key_is_never_drawn_again(acme: Party, as_file: bool) -> None:
    key = ec_key("travelled")
    pages = [
        ("keys/new", "key", private_pem(key)),
        ("keys/new", "key", str(private_jwk(key)).replace("'", '"')),
    ]
    pages += [
        ("certificates/new", "pem", private_pem(key)),
        ("certificates/new-subject", "anchor", private_pem(key)),
    ]
    for path, name, secret in pages:
        form: dict[str, Any] = {name: secret, "note": "Keep this", "subject_dn": "CN=a"}
        if as_file:
            form = {**form, name: "", f"{name}_file": SimpleUploadedFile("a.pem", secret.encode())}
        page = acme.post(f"{HERE}/{path}", **form)
        shown = text_of(page)
        assert "This holds a private key." in shown
        assert "Your input is still here" not in shown
        assert "Keep this" in shown
        assert private_jwk(key)["d"] not in shown
        assert private_pem(key).splitlines()[1] not in shown
    broken = acme.post(f"{HERE}/keys/new", key=private_pem(key).splitlines()[1])
    assert private_pem(key).splitlines()[1] not in text_of(broken), "also where nobody can tell what it is"
    assert not of_planner(ClientKey).exists()


def test_what_is_public_is_kept_for_another_try(acme: Party) -> None:
    page = acme.post(f"{HERE}/keys/new", key=public_pem(ec_key("kept")), expires_at="2020-01-01T00:00")
    assert "This moment is past." in text_of(page)
    assert public_pem(ec_key("kept")).splitlines()[1] in page.content.decode().replace("&#x2B;", "+")


def test_keys_of_an_issuer_are_taken_as_they_are(acme: Party) -> None:
    form = {"issuer": "https://10.0.0.1", "subject": "system:serviceaccount:jobs:nightly"}
    keys = str({"keys": [public_jwk()]}).replace("'", '"')
    assert "private network" in text_of(acme.post(f"{HERE}/issuers/new", **form))
    assert acme.post(f"{HERE}/issuers/new", **form, jwks=keys).status_code == 302
    assert of_planner(TrustedIssuer).get().jwks == {"keys": [public_jwk()]}
    secret = str({"keys": [private_jwk()]}).replace("'", '"')
    shown = text_of(acme.post(f"{HERE}/issuers/new", **form, jwks=secret))
    assert "This holds a private key." in shown
    assert private_jwk()["d"] not in shown


def test_the_settings_are_drawn_saved_and_not_by_an_old_page(acme: Party) -> None:
    path = f"{HERE}/clients/acme.fleet-planner"
    page = acme.get(path)
    form = sent(page) | {
        "redirect_uris": "https://a.example/cb\r\n\r\n https://b.example/cb \r\n",
        "web_origins": "https://a.example",
        "authentication_method": "private_key_jwt",
        "scope_aliases": "vehicle.read = aud:acme.fleet-planner\r\na.b=openid",
    }
    assert acme.post(path, **form).status_code == 302
    row = Client.objects.get(client_id="acme.fleet-planner")
    assert row.redirect_uris == "https://a.example/cb https://b.example/cb"
    assert row.scope_aliases == {"vehicle.read": "aud:acme.fleet-planner", "a.b": "openid"}
    assert (row.token_endpoint_auth_method, row.pkce_required, row.revision) == ("private_key_jwt", True, 2)
    wrong = acme.post(path, **{**form, "scope_aliases": "nonsense"})
    assert wrong.context["revision"] == 1, "another mistake hides nothing"
    late = acme.post(path, **{**form, "algorithm": "RS256"})
    assert late.status_code == 412
    differing = {one.name: one.mine for one in late.context["differences"]}
    assert differing["algorithm"] == "RS256, for old libraries"
    assert "redirect_uris" not in differing, "blank lines are no difference"
    assert late.context["revision"] == 2
    shown = text_of(acme.get(f"{HERE}/credentials"))
    assert "https://b.example/cb" in shown
    assert sent(acme.get(path)) == {
        **form,
        "revision": 2,
        "redirect_uris": "https://a.example/cb\nhttps://b.example/cb",
        "scope_aliases": "a.b = openid\nvehicle.read = aud:acme.fleet-planner",
    }


def sent(page: Any) -> dict[str, Any]:
    """What a browser would send back of the page."""
    form = page.context["form"]
    values = {field.name: field.value() for field in form}
    checked = {name: value for name, value in values.items() if value not in (False, None)}
    lines = {name: "\n".join(value) if isinstance(value, list) else value for name, value in checked.items()}
    return {**lines, "revision": page.context["revision"]}


def test_a_mistake_is_shown_where_it_is(acme: Party) -> None:
    path = f"{HERE}/clients/acme.fleet-planner"
    form = sent(acme.get(path)) | {"redirect_uris": "http://a.example/", "scope_aliases": "nonsense"}
    page = acme.post(path, **form)
    assert list(page.context["form"].errors) == ["scope_aliases"]
    page = acme.post(path, **{**form, "scope_aliases": "openid = aud:x"})
    assert sorted(page.context["form"].errors) == ["redirect_uris", "scope_aliases"]
    assert "http://a.example/" in text_of(page)
    assert Client.objects.get(client_id="acme.fleet-planner").revision == 1


def test_a_public_client_is_added_once_and_set(acme: Party) -> None:
    form = {"redirect_uris": "https://a.example/cb\ncom.example.app:/cb", "web_origins": ""}
    assert "Name one address" in text_of(acme.post(f"{HERE}/public-client", redirect_uris=" "))
    assert acme.post(f"{HERE}/public-client", **form).status_code == 302
    assert "there already" in text_of(acme.post(f"{HERE}/public-client", **form))
    path = f"{HERE}/clients/acme.fleet-planner-frontend"
    page = acme.get(path)
    assert "authentication_method" not in page.context["form"].fields
    assert (
        acme.post(path, **{**sent(page), "pkce_required": "", "secret_either_way": "on"}).status_code == 302
    )
    row = Client.objects.get(client_id="acme.fleet-planner-frontend")
    assert (row.pkce_required, row.secret_either_way) == (True, False)
    assert acme.get(f"{HERE}/clients/acme.other").status_code == 404


def test_script_in_every_field_stays_text(acme: Party) -> None:
    forms: dict[str, dict[str, str]] = {
        "keys/new": {"key": SCRIPT, "note": SCRIPT, "expires_at": SCRIPT},
        "certificates/new": {"pem": SCRIPT, "note": SCRIPT},
        "certificates/new-subject": {"subject_dn": SCRIPT, "anchor": SCRIPT, "note": SCRIPT},
        "issuers/new": dict.fromkeys(("issuer", "subject", "jwks", "jwks_uri", "note"), SCRIPT),
        "public-client": {"redirect_uris": SCRIPT, "web_origins": SCRIPT},
        "clients/acme.fleet-planner": dict.fromkeys(
            sent(acme.get(f"{HERE}/clients/acme.fleet-planner")), SCRIPT
        ),
    }
    for path, form in forms.items():
        page = acme.post(f"{HERE}/{path}", **form)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.content.decode(), path
    kept = {"subject": f"{SCRIPT}:*", "issuer": "https://ci.example", "note": SCRIPT}
    assert acme.post(f"{HERE}/issuers/new", **kept).status_code == 302
    assert acme.post(f"{HERE}/keys/new", key=public_pem(ec_key("s")), note=SCRIPT).status_code == 302
    row = of_planner(TrustedIssuer).get()
    for path in ("credentials", f"issuers/{row.id}/revoke"):
        shown = acme.get(f"{HERE}/{path}").content.decode()
        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert" in shown


def test_what_is_not_asked_for_is_said(acme: Party) -> None:
    proofs_of(acme.applications["planner"], datetime.now(UTC))
    shown = text_of(acme.get(f"{HERE}/credentials"))
    assert shown.count("Not asked for at present.") == 2, "key and certificate; a secret is what it uses"
    Client.objects.filter(client_id="acme.fleet-planner").update(token_endpoint_auth_method="private_key_jwt")
    assert "Not asked for at present." in text_of(acme.get(f"{HERE}/secrets/new"))


def test_the_command_is_as_the_client_is_set(acme: Party) -> None:
    Client.objects.filter(client_id="acme.fleet-planner").update(
        token_endpoint_auth_method="client_secret_post"
    )
    page = acme.post(f"{HERE}/secrets/new", seen=acme.get(f"{HERE}/secrets/new").context["seen"])
    assert "-d client_id=acme.fleet-planner" in text_of(page)
    assert of_planner(ClientSecret).count() == 1


def test_who_may_only_read_has_no_button_and_no_act(acme: Party) -> None:
    proofs = proofs_of(acme.applications["planner"], datetime.now(UTC))
    reader = person(acme, "kim", "user-reader")
    page = reader.get(acme.url(f"{HERE}/credentials"))
    main = text_of(page).split("<main")[1]
    assert "/revoke" not in main
    assert "/new" not in main
    assert "Modules:modify" in main or "permission" in main
    for path in (*ADDED, "public-client", "clients/acme.fleet-planner", f"keys/{proofs['key_id']}/revoke"):
        assert reader.post(acme.url(f"{HERE}/{path}")).status_code == 403


def test_who_may_not_become_the_application_is_told_in_the_form(acme: Party) -> None:
    def refuse(**carried: Any) -> None:
        raise Forbidden("You do not hold what it holds.")

    with listening(principal_becoming, refuse):
        for path, (kind, form) in ADDED.items():
            assert "You do not hold what it holds." in text_of(acme.post(f"{HERE}/{path}", **form))
            assert not of_planner(kind).exists()


def test_the_tab_asks_the_same_number_of_queries(acme: Party, django_assert_max_num_queries: Any) -> None:
    def count() -> int:
        with django_assert_max_num_queries(200) as asked:
            assert acme.get(f"{HERE}/credentials").status_code == 200
        return len(asked)

    planner, at = acme.applications["planner"], datetime.now(UTC)
    proofs_of(planner, at)
    count()
    before = count()
    for _ in range(3):
        clients.add_secret(tenant=planner.owner, client_id=planner.id, by=acme.actor, at=at)
    assert count() <= before
