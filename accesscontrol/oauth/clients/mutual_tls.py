"""``tls_client_auth`` and ``self_signed_tls_client_auth`` (RFC 8705 §2): the certificate is the proof."""

import hmac
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    AuthorityKeyIdentifier,
    BasicConstraints,
    Certificate,
    CertificateBuilder,
    KeyUsage,
    Name,
    SubjectAlternativeName,
    load_pem_x509_certificates,
    random_serial_number,
)
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from accesscontrol.oauth.clients import uses
from accesscontrol.oauth.clients.assertions import Unproven
from accesscontrol.oauth.clients.certificates import Proven
from accesscontrol.oauth.clients.living import sound
from applications.models import Client, ClientCertificate

BY_AUTHORITY, SELF_SIGNED = METHODS = ("tls_client_auth", "self_signed_tls_client_auth")
MOST = 20  # rows of one client
MOST_BETWEEN = 4  # certificates between a client's and its anchor


def _signs(_: Policy, __: Certificate, usage: KeyUsage | None) -> None:
    """RFC 5280 §4.2.1.3: an authority says nothing of its key's use, or that it signs certificates."""
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("not for certificates")


# Of what the web asks for, those of machines need not have a name in it, a pointer to the authority's key, or
# an authority's words about its own. Refused are a leaf for servers only, one that is an authority, an issuer
# that is none, and weak keys.
_ANY = Criticality.AGNOSTIC
_LEAF = (
    ExtensionPolicy.webpki_defaults_ee()
    .may_be_present(SubjectAlternativeName, _ANY, None)
    .may_be_present(AuthorityKeyIdentifier, _ANY, None)
)
_ISSUER = ExtensionPolicy.webpki_defaults_ca().may_be_present(KeyUsage, _ANY, _signs)


def holder(proven: Proven, client_id: str, *, at: datetime) -> Client:
    """The client of that id which registered this certificate, or its name and authority. Unproven else.

    Whoever is asked for, one thumbprint and one chain at least are compared.
    """
    rows = ClientCertificate.objects.at(at).filter(
        client__client_id=sound(client_id),
        client__client_type=Client.CLIENT_CONFIDENTIAL,
        client__token_endpoint_auth_method__in=METHODS,
        client__application__during__contains=at,
    )
    found = list(rows.select_related("client__application")[:MOST]) or [_NOBODYS]
    matching = [row for row in found if _matches(row, proven, at)]
    if not matching:
        raise Unproven("certificate")
    row = matching[0]
    uses.note(ClientCertificate, row.id, last=row.last_used_at, at=at)
    made: Client = row.client
    return made


def _matches(row: ClientCertificate, proven: Proven, at: datetime) -> bool:
    """By the registered method alone; both are looked at, so that both take as long."""
    same = hmac.compare_digest(row.thumbprint.encode(), proven.thumbprint.encode())
    living = proven.leaf.not_valid_before_utc <= at < proven.leaf.not_valid_after_utc
    chains = _chains(proven, row.trust_anchor or _ANCHOR, at)
    named = _named(row.subject_dn, proven.leaf)
    if row is _NOBODYS:
        return False
    if row.client.token_endpoint_auth_method == SELF_SIGNED:
        return bool(row.thumbprint) and same and living
    return bool(row.trust_anchor) and named and chains


def _named(subject_dn: str, leaf: Certificate) -> bool:
    """The same names in the same order (RFC 4514), compared as they are meant, not as they are written."""
    try:
        wanted = Name.from_rfc4514_string(subject_dn)
        return bool(list(wanted)) and wanted == leaf.subject
    except ValueError:
        return False


def _chains(proven: Proven, anchor: str, at: datetime) -> bool:
    """Whether it leads to this anchor and to no other (RFC 5280 §6), and is for clients where it says."""
    try:
        policy = PolicyBuilder().store(Store(load_pem_x509_certificates(anchor.encode())))
        policy = policy.time(at).max_chain_depth(MOST_BETWEEN)
        policy = policy.extension_policies(ee_policy=_LEAF, ca_policy=_ISSUER)
        policy.build_client_verifier().verify(proven.leaf, list(proven.chain))
    except (VerificationError, ValueError):
        return False
    return True


def _nobodys_anchor() -> str:
    """An authority that has signed nothing."""
    key, name = generate_private_key(SECP256R1()), Name.from_rfc4514_string("CN=nobody")
    made = (
        CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=36_500))
        .add_extension(BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


_ANCHOR = _nobodys_anchor()
_NOBODYS = ClientCertificate(subject_dn="CN=nobody", trust_anchor=_ANCHOR)
