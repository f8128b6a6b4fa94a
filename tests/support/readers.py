"""Everything that reads what others write, with what may be written to it: for hypothesis to try.

A reader takes it or refuses it in its own words. What it raises besides is a finding, and so is what it takes
although it means something else to the next who reads it.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from django.test import RequestFactory, override_settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from urllib3.util import parse_url

from accesscontrol.configuration import json_text, parsing, yaml_text
from accesscontrol.configuration.shape import Names
from accesscontrol.oauth import scopes
from accesscontrol.oauth.clients import assertions, certificates, jwks
from accesscontrol.serializers.configuration import ConfigurationDocument
from applications import manifest
from applications.actions import client_addresses
from applications.delivery import addresses
from applications.proofs import certificates as stored
from applications.proofs import keys
from applications.proofs.refused import Unusable
from applications.serializers.manifest import ManifestIn
from iam_portal.errors import DomainError
from tenants import rest
from tests.accesscontrol.oauth.certifying import issued
from tests.support.written import JSON, SIGNS, b64, object_of, part, patched

SECRET = "s" * 40
NOW = datetime(2027, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reader:
    """``read`` looks at what was taken, too; ``good`` is. ``refusals``: how it says no."""

    good: Any
    written: st.SearchStrategy[Any]
    read: Callable[[Any], object]
    refusals: tuple[type[Exception], ...]

    def try_one(self, value: Any) -> None:
        try:
            self.read(value)
        except self.refusals as refused:
            str(refused)


# --- proofs of clients -------------------------------------------------------------------------------------

_HEADER = {"alg": "ES256", "typ": "JWT", "kid": "one", "jwk": {}}
_CLAIMS = {
    "iss": "acme.meter",
    "sub": "acme.meter",
    "aud": ["https://iam.example/realm"],
    "exp": NOW.timestamp() + 60,
    "nbf": NOW.timestamp(),
    "iat": NOW.timestamp(),
    "jti": "once",
}


def _assertions() -> st.SearchStrategy[str]:
    header = st.sampled_from(["crit", "b64", "typ"]).map(lambda name: {**_HEADER, name: ["x"]})
    head, claims = (object_of(_HEADER) | header | JSON).map(part), (object_of(_CLAIMS) | JSON).map(part)
    whole = st.builds(lambda *parts: ".".join(parts), head, claims, st.binary(max_size=70).map(b64))
    return whole | whole.flatmap(patched) | st.text(alphabet=".aA=-_é\0 {", max_size=60)


def _read_assertion(value: str) -> None:
    found = assertions.parse(value)
    assertions.require_living(found, at=NOW)
    assertions.require_audience(found, ["https://iam.example/realm"])
    assert all(found.text(name).isprintable() for name in (*_CLAIMS, "nonsense"))
    assert found.audience.isascii()


@cache
def _certificate() -> Any:
    return issued("CN=robot,OU=Plant 4,O=Acme,C=DE")


def _headers() -> st.SearchStrategy[tuple[str, str]]:
    made = _certificate()
    der = made.certificate.public_bytes(Encoding.DER)
    spoiled = patched(der).map(lambda raw: f":{base64.b64encode(raw).decode()}:")
    pems = patched(made.pem).map(lambda text: quote(text, safe="", errors="replace"))
    one = spoiled | pems | st.just(made.structured) | patched(made.structured) | SIGNS
    return st.tuples(one, st.lists(one, max_size=3).map(", ".join))


def _read_headers(values: tuple[str, str]) -> None:
    leaf, chain = values
    sent = {"HTTP_CLIENTCERT": leaf, "HTTP_CLIENT_CERT_CHAIN": chain, "HTTP_X_PORTAL_PROXY_SECRET": SECRET}
    request = RequestFactory().get("/", **sent)  # type: ignore[arg-type]
    with override_settings(PORTAL_CLIENT_CERTIFICATE_HEADER="ClientCert", PORTAL_PROXY_SECRETS=[SECRET]):
        found = certificates.proven(request)
        certificates.fits({"cnf": {"x5t#S256": leaf}}, request)
    if found is not None:
        assert certificates.thumbprint(found.leaf) == found.thumbprint


_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "use": "sig",
    "alg": "ES256",
    "kid": "one",
    "key_ops": ["verify"],
}


def _read_jwk(value: Any) -> None:
    found = jwks.public_key(value)
    assert found is None or found.algorithms
    assert isinstance(jwks.public_keys({"keys": [value]}), tuple)
    taken = keys.of_jwk(value)
    assert not keys.SECRET_MEMBERS & set(taken.jwk)
    assert keys.of_set({"keys": [value]}) == [taken.jwk]


def _read_pem(text: str) -> None:
    refused = 0
    for read in (keys.of_text, stored.of_pem, stored.anchor_of_pem, stored.subject_dn):
        try:
            read(text)
        except Unusable:
            refused += 1
    if refused == 4:
        raise Unusable("none", "Nobody takes it.")


# --- documents ---------------------------------------------------------------------------------------------

_RESOURCE = {"type": "urn:a", "id": "b", "name": "B", "privileges": ["read"]}
_PERMISSION = {"resourceType": "urn:a", "resourceId": "b", "privileges": ["read"]}
_ROLE = {"key": "viewer", "name": "Viewer", "permissions": [_PERMISSION]}


def _manifests() -> st.SearchStrategy[dict[str, Any]]:
    roles = st.lists(st.just(_ROLE) | object_of(_ROLE), max_size=3)
    required = st.lists(object_of({"applicationId": "acme.x", "role": "y"}), max_size=2)
    resources = st.lists(st.just(_RESOURCE) | object_of(_RESOURCE), max_size=3)
    parts = {"resources": resources | JSON, "roles": roles | JSON, "requiredRoles": required | JSON}
    return st.fixed_dictionaries({}, optional=parts)


def _read_manifest(value: Any) -> None:
    shape = ManifestIn(data=value)
    shape.is_valid(raise_exception=True)
    manifest.parse(dict(shape.validated_data))


_SECTIONS = {
    "version": 1,
    "applications": [{"applicationId": "~.x", "name": "x", "displayName": "X"}],
    "groups": [{"name": "B"}, {"name": "A", "parent": "B", "members": ["jo"]}],
    "roles": [{"key": "a", "name": "A", "permissions": [{**_PERMISSION, "applicationId": "~.x"}]}],
    "contracts": [
        {"consumer": "beta", "type": "provision", "roles": [{"applicationId": "~.x", "role": "a"}]}
    ],
    "assignments": [{"principal": {"group": "A"}, "role": {"key": "a"}, "from": "2027-01-01T00:00:00Z"}],
    "mappings": [{"provider": "corp", "kind": "group", "claim": "c", "value": "v", "group": "A"}],
}
_TEXT = json.dumps(_SECTIONS)


def _documents() -> st.SearchStrategy[str]:
    as_json = st.builds(json.dumps, object_of(_SECTIONS))
    signs = st.text(alphabet="ab:-[]{}&*!#|>'\"\n ?%@`~\0,0", max_size=60)
    return as_json | as_json.flatmap(patched) | signs


def _read_document(text: str) -> None:
    try:
        value = json_text.read(text)
    except json_text.NotJson:
        value = yaml_text.read(text)
    shape = ConfigurationDocument(data=value)
    shape.is_valid(raise_exception=True)
    parsing.parse(dict(shape.validated_data), Names("acme"))


# --- parameters and headers --------------------------------------------------------------------------------


def _read_cursor(text: str) -> None:
    found = rest.cursor_of(Request(RequestFactory().get("/", {"cursor": text})))
    assert found
    assert all(value.isprintable() for value in found)
    again = rest.next_page(Request(RequestFactory().get("/")), found)
    sent = dict(parse_qsl(urlsplit(again).query))
    assert rest.cursor_of(Request(RequestFactory().get("/", sent))) == found


def _cursors() -> st.SearchStrategy[str]:
    encoded = JSON.map(part)
    return encoded | encoded.flatmap(patched) | st.text(max_size=20) | st.binary(max_size=20).map(b64)


class _Both(rest.TenantAPI):  # type: ignore[misc]
    takes_row = takes_impact = True


def _read_tag(text: str) -> None:
    view = _Both()
    # As WSGI hands it over: bytes of latin-1.
    sent = text.encode("utf-8", "replace").decode("latin-1")
    view.request = Request(RequestFactory().get("/", HTTP_IF_MATCH=sent, HTTP_IF_NONE_MATCH=sent))
    revision, impact = view.revision(), view.impact_revision()
    assert revision is None or (revision >= 0 and impact is None)
    rest.knows(view.request, '"r-1"')


_TAGS = st.from_regex(r'(W/)?"?[ri]-[0-9a-f٣_]{0,30}"?,?\s?"?', fullmatch=True) | SIGNS


def _urls() -> st.SearchStrategy[str]:
    hosts = st.sampled_from(
        [
            "example.org",
            "127.0.0.1",
            "[::1]",
            "0x7f.1",
            "localhost",
            "a.b:443",
            "u:p@c.example",
            "[::ffff:7f00:1]",
        ]
    )
    schemes = st.sampled_from(["https://", "http://", "HTTPS://", "https:/", "com.acme.app:/", "javascript:"])
    whole = st.builds(lambda *parts: "".join(parts), schemes, hosts | SIGNS, SIGNS)
    return whole | whole.flatmap(patched) | SIGNS


def _read_url(text: str) -> None:
    """What we call and what another library would call is the same place."""
    for reach in (addresses.of_webhooks(), addresses.of_keys()):
        found = addresses.receiver(text, reach)
        assert found.secure
        assert found.host
        assert not set(found.target + found.authority) & set(" \r\n\\")
        other = parse_url(text)
        assert (other.host or "").strip("[]") == found.host.strip("[]"), (other, found)


def _read_redirect(text: str) -> None:
    if client_addresses.redirect_objection(text, public=True):
        return
    assert text.isascii()
    assert not set(text) & set(' \\"<>#\r\n\t\0')
    if text.lower().startswith(("http:", "https:")):
        assert (parse_url(text).host or "").strip("[]").lower() == str(urlsplit(text).hostname)
    if not client_addresses.origin_objection(text):
        assert urlsplit(text).path == ""


def _read_scope(value: tuple[str, list[str]]) -> None:
    """What is echoed may stand in an error of RFC 6749 §5.2."""
    asked = scopes.parse(*value)
    shown = " ".join([*asked.unknown, *(word for one in asked.targets for word in one.named)])
    assert shown.isascii()
    assert shown.isprintable()
    assert not set(shown) & set('"\\')


def _scopes() -> st.SearchStrategy[tuple[str, list[str]]]:
    words = (
        st.sampled_from(["aud:acme.x", "openid", "acme.x/viewer", "aud:", "/", "aud:aud:a", "a/b/c"]) | SIGNS
    )
    uris = st.sampled_from(["urn:iam:application:acme.x", "urn:iam:application:", "https://x"]) | SIGNS
    return st.tuples(st.lists(words, max_size=40).map(" ".join), st.lists(uris, max_size=4))


def _read_moment(text: str) -> None:
    assert rest.parse_moment(text, "at").tzinfo is UTC


_MOMENTS = st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()).flatmap(patched) | SIGNS


def readers() -> dict[str, Reader]:
    """By what is read."""
    made = _certificate()
    token = f"{part(_HEADER)}.{part(_CLAIMS)}.{b64(b'signature')}"
    whole = {"resources": [_RESOURCE], "roles": [_ROLE]}
    web = "https://example.org/in?a=b"
    return {
        "assertion": Reader(token, _assertions(), _read_assertion, (assertions.Unproven,)),
        "certificate header": Reader((made.structured, ""), _headers(), _read_headers, ()),
        "jwk": Reader(_JWK, object_of(_JWK) | JSON, _read_jwk, (Unusable,)),
        "pem": Reader(made.pem, patched(made.pem) | st.text(max_size=60), _read_pem, (Unusable,)),
        "manifest": Reader(whole, _manifests() | JSON, _read_manifest, (ValidationError, DomainError)),
        "configuration": Reader(_TEXT, _documents(), _read_document, (ValidationError, DomainError)),
        "cursor": Reader(part(["a"]), _cursors(), _read_cursor, (DomainError,)),
        "If-Match": Reader('"r-7"', _TAGS, _read_tag, (DomainError,)),
        "address": Reader(web, _urls(), _read_url, (addresses.AddressRefused,)),
        "redirect": Reader(web, _urls(), _read_redirect, ()),
        "scope": Reader(("aud:acme.x openid", []), _scopes(), _read_scope, ()),
        "moment": Reader("2027-03-01T00:00:00Z", _MOMENTS, _read_moment, (DomainError,)),
    }
