"""Mutual TLS (RFC 8705): one's own certificate, or a name and the authority that it leads to."""

from accesscontrol.oauth.clients.certificates import thumbprint
from applications.models import Application, ClientCertificate
from tenants.models.spanned import clipped
from tests.accesscontrol.oauth.asserting import GRANT, METER, READER, REFUSED, TYPE, answer
from tests.accesscontrol.oauth.certifying import CLIENT, DAY, SERVER, issued
from tests.accesscontrol.oauth.conftest import World, basic, claims_of
from tests.accesscontrol.oauth.showing import (
    DN,
    PROOF,
    authority,
    by_authority,
    leaf,
    own,
    self_signed,
    shows,
    world,
)

__all__ = ["world"]  # the fixture

# --- one's own certificate ------------------------------------------------------------------------------


def test_by_thumbprint(world: World) -> None:
    """In both ways of writing it; the token is bound to it."""
    row = self_signed(world)
    for value in (own().structured, own().escaped, own().pem.replace("\n", "%0A").replace(" ", "%20")):
        claims = claims_of(shows(world, value))
        assert claims["cnf"] == {"x5t#S256": row.thumbprint}
        assert claims["client_id"] == READER
    row.refresh_from_db()
    assert row.last_used_at == world.clock.at


def test_others_certificates(world: World) -> None:
    self_signed(world)
    for one in (issued("CN=reader"), issued("CN=reader", authority()), leaf(), authority()):
        assert answer(shows(world, one)) == REFUSED
    for client_id in ("", METER, "globex.nobody", "nul\0", f"{READER}-frontend"):
        assert answer(shows(world, own(), client_id=client_id)) == REFUSED


def test_no_certificate_stands_in_for_an_assertion_that_did_not_come(world: World) -> None:
    self_signed(world)
    assert answer(shows(world, own(), client_assertion_type=TYPE)) == REFUSED


def test_its_own_validity_counts(world: World) -> None:
    for begins, ends in ((-2 * DAY, -DAY), (DAY, 2 * DAY)):
        late = issued("CN=reader", begins=world.clock.at + begins, ends=world.clock.at + ends)
        self_signed(world, late)
        assert answer(shows(world, late)) == REFUSED


def test_several_certificates_and_their_spans(world: World) -> None:
    first, second = self_signed(world), issued("CN=reader")
    self_signed(world, second)
    assert [shows(world, one).status_code for one in (own(), second)] == [200, 200]
    world.clock.forward(seconds=1)
    ClientCertificate.objects.filter(id=first.id).update(during=clipped(world.clock.at))
    assert [shows(world, one).status_code for one in (own(), second)] == [401, 200]
    Application.objects.filter(id=READER).update(during=clipped(world.clock.at))
    assert answer(shows(world, second)) == REFUSED


# --- a name and its authority ---------------------------------------------------------------------------


def test_by_name_and_authority(world: World) -> None:
    """Whatever the certificate's number: it may be renewed each day."""
    by_authority(world)
    for one in (leaf(), issued(DN, authority()), issued(DN, authority(), usage=CLIENT + SERVER)):
        assert claims_of(shows(world, one))["cnf"] == {"x5t#S256": thumbprint(one.certificate)}


def test_the_name_is_compared_as_it_is_meant(world: World) -> None:
    row = by_authority(world, "2.5.4.3=meter\\20reader,O=Globex")
    assert shows(world, leaf()).status_code == 200
    for other in (
        "CN=meter reader",
        "O=Globex,CN=meter reader",
        "CN=meter reader+O=Globex",
        "no name",
        "CN=meter",
    ):
        ClientCertificate.objects.filter(id=row.id).update(subject_dn=other)
        assert answer(shows(world, leaf())) == REFUSED


def test_only_this_authority(world: World) -> None:
    """Another of the same name, itself, none, one that expired, and one for servers."""
    by_authority(world)
    at = world.clock.at
    wrong = [
        issued(DN, authority(1)),
        issued(DN),
        issued("CN=somebody,O=Globex", authority()),
        issued(DN, authority(), usage=SERVER),
        issued(DN, authority(), ca=True),
        issued(DN, authority(), begins=at - 2 * DAY, ends=at - DAY),
        issued(DN, leaf()),  # signed by what is no authority
        authority(),
    ]
    for one in wrong:
        assert answer(shows(world, one)) == REFUSED
        with_anchor = {**PROOF, "Client-Cert-Chain": authority().structured}
        assert answer(shows(world, one, with_anchor)) == REFUSED


def test_what_lies_between_is_sent_along(world: World) -> None:
    by_authority(world)
    between = issued("CN=Plant 1,O=Globex", authority(), ca=True)
    one = issued(DN, between, usage=CLIENT)
    foreign = issued("CN=Plant 1,O=Globex", authority(1), ca=True)
    chain = {**PROOF, "Client-Cert-Chain": between.structured}
    assert shows(world, one, chain).status_code == 200
    assert answer(shows(world, one)) == REFUSED
    for sent in (foreign.structured, "x", ":x:", f"{between.structured},x", between.structured * 200):
        assert answer(shows(world, one, {**PROOF, "Client-Cert-Chain": sent})) == REFUSED
    theirs = issued(DN, foreign)
    anchors = f"{foreign.structured}, {authority(1).structured}"
    assert answer(shows(world, theirs, {**PROOF, "Client-Cert-Chain": anchors})) == REFUSED, (
        "sent is not trusted"
    )


def test_an_anchor_that_cannot_be_read(world: World) -> None:
    for anchor in ("x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        by_authority(world, anchor=anchor)
        assert answer(shows(world, leaf())) == REFUSED
        ClientCertificate.objects.all().delete()


def test_the_method_decides_how(world: World) -> None:
    """A thumbprint is no proof for ``tls_client_auth``, a name none for the other."""
    self_signed(world, leaf())
    world.set_client(READER, token_endpoint_auth_method="tls_client_auth")
    assert answer(shows(world, leaf())) == REFUSED
    by_authority(world)
    world.set_client(READER, token_endpoint_auth_method="self_signed_tls_client_auth")
    ClientCertificate.objects.exclude(thumbprint="").delete()
    assert answer(shows(world, leaf())) == REFUSED
    self_signed(world)
    for method in ("client_secret_basic", "client_secret_post", "private_key_jwt", "none"):
        world.set_client(READER, token_endpoint_auth_method=method)
        assert answer(shows(world, own())) == REFUSED


def test_a_certificate_beside_a_secret_binds_nothing(world: World) -> None:
    """Every connection of a machine may show one; the method is the registered one."""
    headers = {"Authorization": basic(READER, world.secrets[READER]), "ClientCert": own().structured, **PROOF}
    assert "cnf" not in claims_of(world.browser.post("/oauth2/token", GRANT, headers=headers))
    self_signed(world)
    assert answer(world.browser.post("/oauth2/token", GRANT, headers=headers)) == REFUSED
