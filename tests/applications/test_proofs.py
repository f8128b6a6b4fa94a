"""What people upload to prove a client: only public parts come through, and nothing breaks the reader."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwk as jose

from applications.proofs import certificates, keys
from applications.proofs.refused import Unusable
from tests.support import proving
from tests.support.proving import ec_key, ed_key, private_jwk, private_pem, public_jwk, public_pem, rsa_key

# RFC 7638 §3.1: the example key and its thumbprint.
RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
    "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
    "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xB"
    "niIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
CURVES = [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1]
KEYS = [rsa_key, ed_key, *(lambda curve=curve: ec_key("robot", curve) for curve in CURVES)]


def refusal(read: Any, value: Any) -> Unusable:
    with pytest.raises(Unusable) as refused:
        read(value)
    assert refused.value.__cause__ is None
    return refused.value


# --- keys ---------------------------------------------------------------------------------------------


def test_the_thumbprint_is_that_of_the_rfc() -> None:
    read = keys.of_jwk(RFC_7638)
    assert read.kid == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert read.jwk == RFC_7638


@pytest.mark.parametrize("make", KEYS)
def test_every_kind_is_read_alike_from_pem_and_jwk(make: Any) -> None:
    from_pem = keys.of_pem(public_pem(make()))
    foreign = jose.import_key(
        public_pem(make()), {"RSA": "RSA", "EC": "EC", "OKP": "OKP"}[from_pem.jwk["kty"]]
    )
    assert foreign.thumbprint() == from_pem.kid
    given_jwk = {name: value for name, value in foreign.as_dict(private=False).items() if name != "kid"}
    assert keys.of_jwk(given_jwk) == from_pem
    assert keys.of_text(json.dumps(given_jwk)) == from_pem == keys.of_text(public_pem(make()))
    assert set(from_pem.jwk) <= {"kty", "crv", "x", "y", "n", "e"}


@pytest.mark.parametrize("make", KEYS)
def test_a_private_key_is_refused_in_every_dress(make: Any) -> None:
    dressed = [private_pem(make()), public_pem(make()) + private_pem(make())]
    if make is not ed_key:
        dressed.append(private_pem(make(), "TraditionalOpenSSL"))
    dressed.append(private_pem(make(), "OpenSSH"))
    dressed += [dressed[0].replace("\n", ""), dressed[0].lower(), dressed[0][:60]]
    for text in dressed:
        for read in (keys.of_pem, keys.of_text, certificates.of_pem, certificates.anchor_of_pem):
            refused = refusal(read, text)
            assert refused.code == "private_key"
            assert "BEGIN" not in refused.text


def test_a_private_member_is_refused_wherever_it_stands() -> None:
    for member in keys.SECRET_MEMBERS:
        for value in ("AQAB", "", None, 1, [{}]):
            assert refusal(keys.of_jwk, {**public_jwk(), member: value}).code == "private_key"
    assert refusal(keys.of_jwk, {"kty": "oct", "k": "c2VjcmV0"}).code == "private_key"
    assert refusal(keys.of_set, {"keys": [public_jwk(), private_jwk()]}).code == "private_key"
    assert refusal(keys.of_set, {"keys": [{**private_jwk(), "use": "enc"}]}).code == "private_key"
    assert refusal(keys.of_set, {"keys": [public_jwk()], "d": "AQ"}).code == "private_key"


def test_what_is_not_known_is_not_kept() -> None:
    more = {
        "x5u": "https://evil.example",
        "jku": "https://evil.example",
        "x5c": ["…"],
        "use": "sig",
        "D": "x",
    }
    assert keys.of_jwk({**public_jwk(), **more, "kid": "mine"}).jwk == {**public_jwk(), "kid": "mine"}


WEAK: list[tuple[Any, str]] = [
    (lambda: public_jwk() | {"y": public_jwk()["x"]}, "key_malformed"),  # not on the curve
    (lambda: public_jwk() | {"crv": "P-384"}, "key_malformed"),
    (lambda: public_jwk() | {"crv": "secp256k1"}, "key_kind"),
    (lambda: public_jwk() | {"crv": ["P-256"]}, "key_kind"),
    (lambda: public_jwk() | {"x": "A" * 5000}, "key_malformed"),
    (lambda: public_jwk() | {"x": "+/=="}, "key_malformed"),
    (lambda: public_jwk() | {"alg": "HS256"}, "key_algorithm"),
    (lambda: public_jwk() | {"alg": "none"}, "key_algorithm"),
    (lambda: public_jwk() | {"alg": ["ES256"]}, "key_algorithm"),
    (lambda: public_jwk() | {"use": "enc"}, "key_use"),
    (lambda: public_jwk() | {"kid": "x" * 201}, "key_malformed"),
    (lambda: public_jwk() | {"kid": "\x00"}, "key_malformed"),
    (lambda: {"keys": [public_jwk()]}, "key_malformed"),
    (lambda: RFC_7638 | {"e": "AA"}, "key_malformed"),
    (lambda: RFC_7638 | {"n": "AQAB"}, "key_too_weak"),
    (lambda: RFC_7638 | {"e": RFC_7638["n"][:22]}, "key_too_weak"),
    (lambda: {"kty": "OKP", "crv": "Ed25519", "x": "AQAB"}, "key_malformed"),
    (lambda: {"kty": "OKP", "crv": "X25519", "x": "A" * 43}, "key_kind"),
    (lambda: {"kty": ["EC"]}, "key_kind"),
    (dict, "key_kind"),
    (list, "key_malformed"),
    (lambda: None, "key_malformed"),
]


@pytest.mark.parametrize(("make", "code"), WEAK)
def test_a_key_that_proves_nothing_is_refused(make: Any, code: str) -> None:
    assert refusal(keys.of_jwk, make()).code in (code, "key_malformed" if code == "key_too_weak" else code)


def test_weak_and_foreign_keys_in_pem() -> None:
    assert refusal(keys.of_pem, public_pem(rsa_key(1024))).code == "key_too_weak"
    assert refusal(keys.of_pem, public_pem(ed448.Ed448PrivateKey.generate())).code == "key_kind"
    assert refusal(keys.of_pem, public_pem(ec.generate_private_key(ec.SECP256K1()))).code == "key_kind"
    assert refusal(keys.of_pem, public_pem(ec_key()) * 2).code == "pem_several"
    assert refusal(keys.of_pem, "ssh-rsa AAAA").code == "pem_malformed"
    assert refusal(keys.of_text, "{").code == "key_malformed"
    assert refusal(keys.of_text, '{"a":' * 5000).code == "key_malformed"


def test_a_key_of_a_certificate_ends_with_it() -> None:
    certificate = proving.certified()
    read = keys.of_pem(proving.pem(certificate))
    assert read.jwk == keys.of_pem(public_pem(ec_key())).jwk
    assert read.ends_at == certificate.not_valid_after_utc


def test_a_set_keeps_the_signing_keys_and_their_names() -> None:
    given_set = {"keys": [{**public_jwk(), "kid": "a"}, {**public_jwk(ec_key("b")), "use": "enc"}]}
    assert keys.of_set(given_set) == [{**public_jwk(), "kid": "a"}]
    for wrong in ({}, {"keys": []}, {"keys": {}}, {"keys": [1]}, {"keys": [public_jwk()] * 21}, [], None):
        assert refusal(keys.of_set, wrong).code in ("key_set_malformed", "key_malformed")


# --- certificates -------------------------------------------------------------------------------------


def test_a_certificate_is_known_by_its_thumbprint() -> None:
    made = proving.certified()
    read = certificates.of_pem("Bag Attributes\n" + proving.pem(made))
    assert (read.starts_at, read.ends_at) == (made.not_valid_before_utc, made.not_valid_after_utc)
    assert read.subject == "CN=robot,O=Acme,C=DE" == made.subject.rfc4514_string()
    assert len(read.thumbprint) == 43
    assert read.text == proving.pem(made)


def test_an_anchor_may_sign_others() -> None:
    assert certificates.anchor_of_pem(proving.pem(proving.certified(authority=True)))
    for leaf in (proving.certified(), proving.certified(authority=True, signs=False)):
        assert refusal(certificates.anchor_of_pem, proving.pem(leaf)).code == "not_an_authority"
    weak = proving.certified("weak", key=rsa_key(1024))
    assert refusal(certificates.of_pem, proving.pem(weak)).code == "key_too_weak"
    assert refusal(certificates.of_pem, public_pem(ec_key())).code == "pem_malformed"


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("CN=robot,OU=Plant 4,O=Acme,C=DE", "CN=robot,OU=Plant 4,O=Acme,C=DE"),
        ("2.5.4.3=robot", "CN=robot"),
        ("CN=a\\,b", "CN=a\\,b"),
        ("CN=Jürgen", "CN=Jürgen"),
    ],
)
def test_a_subject_has_one_spelling(written: str, stored: str) -> None:
    assert certificates.subject_dn(written) == stored
    name = x509.Name.from_rfc4514_string(written)
    assert name.rfc4514_string() == stored, "as a presented certificate is compared"


@pytest.mark.parametrize(
    "text", ["", " ", "robot", "CN", "CN=", "=", "CN=a\x00", "CN=a\n", "X=1", "CN=" + "a" * 999]
)
def test_what_is_no_subject_is_refused(text: str) -> None:
    assert refusal(certificates.subject_dn, text).code == "subject_malformed"


# --- whatever comes -----------------------------------------------------------------------------------

LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner), max_leaves=5
)
MEMBERS = ("kty", "crv", "x", "y", "n", "e", "use", "alg", "kid", "keys")
FUZZ = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_no_jwk_breaks_the_reader(changed: dict[str, Any]) -> None:
    for value in (changed, {**public_jwk(), **changed}, {**RFC_7638, **changed}, {"keys": [changed]}):
        for read in (keys.of_jwk, keys.of_set):
            try:
                read(value)
            except Unusable as refused:
                assert refused.text


@FUZZ
@given(
    st.integers(0, 700), st.integers(1, 60), st.text(max_size=8), st.sampled_from(["pem", "anchor", "key"])
)
def test_no_pem_breaks_the_reader(start: int, length: int, patch: str, kind: str) -> None:
    whole = {
        "pem": proving.pem(proving.certified()),
        "anchor": proving.pem(proving.certified(authority=True)),
        "key": public_pem(rsa_key()),
    }[kind]
    broken = whole[:start] + patch + whole[start + length :]
    for read in (keys.of_text, certificates.of_pem, certificates.anchor_of_pem):
        try:
            read(broken)
        except Unusable as refused:
            assert refused.text


@FUZZ
@given(st.text(max_size=60) | st.text(alphabet='CNOU=,+\\#"; 12.', max_size=40))
def test_no_subject_breaks_the_reader(text: str) -> None:
    try:
        stored = certificates.subject_dn(text)
    except Unusable:
        return
    assert certificates.subject_dn(stored) == stored


def test_moments_of_certificates_have_a_zone() -> None:
    read = certificates.of_pem(proving.pem(proving.certified()))
    assert read.starts_at < datetime.now(UTC) < read.ends_at
