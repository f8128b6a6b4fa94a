"""Registering an application step by step, up to its first credentials and the code that uses them."""

import json
import shlex
import subprocess
from typing import Any

import pytest
from django.db.models import Model

from applications.models import Application, Client, ClientCertificate, ClientKey, ClientSecret, TrustedIssuer
from applications.views.snippets import Place, snippets
from tests.applications.story import Party
from tests.support.forms import Forms
from tests.support.proving import certified, ec_key, pem, private_pem, public_pem

PATH = "register-application"
BACK = "https://yard.example/back"
SCRIPT = "<script>alert(1)</script>'\"$(id)`id`"
DETAILS = {"name": "yard", "display_name": "Yard", "application_id": "acme.yard"}


def walk(acme: Party, kind: str, **sign_in: Any) -> Any:
    """Step by step, each time with what the page drew."""
    page = acme.get(PATH)
    for filled in (DETAILS, {"kind": kind}, sign_in):
        form = Forms(page.content.decode()).with_fields("step") | filled
        page = acme.post(PATH, **form, go="next")
        if page.status_code != 200 or "form" not in page.context:
            break
    return page


def found(kind: type[Model]) -> list[Any]:
    return list(kind.objects.filter(client__application="acme.yard"))  # type: ignore[attr-defined]


class TestKinds:
    def test_with_a_secret(self, acme: Party) -> None:
        ready = walk(acme, "secret", note="nightly")
        (row,) = found(ClientSecret)
        value = ready.context["secret"]["value"]
        assert value.endswith(row.hint)
        assert row.note == "nightly"
        assert [each.name for each in ready.context["snippets"]] == [
            "curl",
            "Python (Authlib)",
            "JavaScript (openid-client)",
        ]
        assert all(value in each.code for each in ready.context["snippets"])
        assert "no-store" in ready.headers["Cache-Control"]
        assert value not in acme.get("applications/acme.yard/credentials").content.decode()

    @pytest.mark.parametrize(
        ("kind", "given", "model"),
        [
            ("key", {"key": public_pem(ec_key())}, ClientKey),
            ("certificate", {"pem": pem(certified())}, ClientCertificate),
            ("issuer", {"issuer": "https://x.example", "subject": "job"}, TrustedIssuer),
        ],
    )
    def test_without_a_secret(
        self, acme: Party, kind: str, given: dict[str, str], model: type[Model]
    ) -> None:
        ready = walk(acme, kind, **given)
        assert ready.context["secret"] is None
        assert (len(found(model)), found(ClientSecret)) == (1, [])
        method = Client.objects.get(client_id="acme.yard").token_endpoint_auth_method
        expected = {"key": "private_key_jwt", "certificate": "self_signed_tls_client_auth"}
        assert method == expected.get(kind, "client_secret_basic")

    def test_a_web_application_and_a_public_client(self, acme: Party) -> None:
        ready = walk(acme, "web", redirect_uris=BACK)
        client = Client.objects.get(client_id="acme.yard")
        assert client.redirect_uris == BACK
        assert ready.context["secret"]["value"] in ready.content.decode()
        assert BACK in ready.context["snippets"][1].code

    def test_a_public_client_has_none(self, acme: Party) -> None:
        ready = walk(acme, "public", redirect_uris=BACK, web_origins="https://yard.example")
        assert Client.objects.get(client_id="acme.yard-frontend").redirect_uris == BACK
        assert ready.context["secret"] is None
        assert "acme.yard-frontend" in ready.context["snippets"][0].code

    def test_later(self, acme: Party) -> None:
        done = walk(acme, "later")
        assert done.headers["Location"] == "/t/acme/applications/acme.yard/credentials"
        assert found(ClientSecret) == []


class TestWalking:
    def test_back_keeps_everything(self, acme: Party) -> None:
        page = acme.get(PATH)
        form = Forms(page.content.decode()).with_fields("step") | DETAILS
        form = Forms(acme.post(PATH, **form, go="next").content.decode()).with_fields("step")
        page = acme.post(PATH, **form, kind="web", go="next")
        form = Forms(page.content.decode()).with_fields("redirect_uris") | {"redirect_uris": BACK}
        for step in ("kind", "details"):
            page = acme.post(PATH, **form, go="back")
            form = Forms(page.content.decode()).with_fields("step")
            assert form["step"] == step
            assert form["redirect_uris"] == BACK
        assert {name: form[name] for name in DETAILS} == DETAILS
        assert not Application.objects.filter(id="acme.yard").exists()

    def test_a_private_key_is_never_drawn_again(self, acme: Party) -> None:
        secret = private_pem(ec_key())
        form = {**DETAILS, "kind": "key", "key": secret, "step": "sign-in"}
        for go in ("next", "back", "finish"):
            shown = acme.post(PATH, **form, go=go).content.decode()
            assert secret.splitlines()[1] not in shown
        assert not Application.objects.filter(id="acme.yard").exists()

    def test_each_objection_stands_at_its_step(self, acme: Party) -> None:
        form = {**DETAILS, "kind": "web", "redirect_uris": BACK, "step": "sign-in", "go": "next"}
        taken = acme.post(PATH, **{**form, "application_id": "beta.yard"})
        assert "begins with acme." in taken.content.decode()
        assert taken.context["step"] == "details"
        assert Forms(taken.content.decode()).with_fields("step")["redirect_uris"] == BACK
        wrong = acme.post(PATH, **{**form, "redirect_uris": "http://yard.example/#x"})
        assert wrong.context["step"] == "sign-in"
        assert "redirect_uris" in wrong.context["form"].errors
        assert not Application.objects.filter(id="acme.yard").exists()
        assert acme.post(PATH, **{**form, "kind": "nothing"}).context["step"] == "kind"
        nowhere = acme.post(PATH, **{**form, "redirect_uris": " "})
        assert "Name one address at least" in nowhere.content.decode()

    def test_twice_makes_one_and_one_secret(self, acme: Party) -> None:
        form = {**DETAILS, "kind": "secret", "step": "sign-in", "go": "next"}
        assert acme.post(PATH, **form).context["secret"]["value"]
        again = acme.post(PATH, **form)
        assert again.headers["Location"] == "/t/acme/applications/acme.yard/credentials"
        assert len(found(ClientSecret)) == 1

    def test_script_in_every_field(self, acme: Party) -> None:
        names = ("name", "display_name", "application_id", "description", "home_url", "kind", "note", "key")
        form = dict.fromkeys((*names, "pem", "jwks", "issuer", "redirect_uris", "step"), SCRIPT)
        for kind in ("secret", "key", "issuer", "web", SCRIPT):
            for go in ("next", "back", "finish"):
                shown = acme.post(PATH, **{**form, "kind": kind}, go=go).content.decode()
                assert "<script>alert" not in shown


class TestSnippets:
    """What was typed stays a text in every language."""

    EVIL = Place(
        kind="web",
        client_id="acme.yard",
        issuer="https://iam.example/realms/1",
        token_endpoint="https://iam.example/token",
        secret="s3cret",
        redirect=f"https://yard.example/{SCRIPT}\\\"'",
    )

    @pytest.mark.parametrize("kind", ["secret", "key", "certificate", "issuer", "web", "public"])
    def test_they_can_be_read(self, kind: str) -> None:
        place = Place(kind, "acme.yard", self.EVIL.issuer, self.EVIL.token_endpoint, "s", self.EVIL.redirect)
        curl, python, script = snippets(place)
        compile(python.code, "snippet", "exec")
        subprocess.run(["bash", "-n"], input=curl.code.encode(), check=True)
        assert "«" not in curl.code + python.code + script.code
        if kind in ("web", "public"):
            assert shlex.quote(self.EVIL.redirect) in curl.code
            assert json.dumps(self.EVIL.redirect) in python.code
