"""No webhook leads into a private network: not as it is written, not as its name resolves, not by TLS."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django.fixtures import Settings

from applications.delivery import connecting, posting
from applications.delivery.addresses import AddressRefused, is_public, receiver, resolve
from tests.applications.receiving import Inbox, inbox, loopback_allowed

PRIVATE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("100.100.100.200", "0.0.0.0", "0.1.2.3", "192.0.0.8", "192.88.99.1", "198.18.0.1", "224.0.0.1"),
    *("192.0.2.1", "240.0.0.1", "255.255.255.255", "168.63.129.16", "::1", "::", "fc00::1"),
    *(
        "fe80::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "100::1",
        "3fff::1",
        "5f00::1",
        "::ffff:127.0.0.1",
    ),
    *("::ffff:10.0.0.1", "::127.0.0.1", "::a00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::808:808", "2002:7f00:1::1", "2002:a00:1::"),
    *("::ffff:0:127.0.0.1", "::ffff:0:a00:1", "::ffff:0:a9fe:a9fe"),
    *("4000::1", "1000::1", "200::1", "8000::1", "64:ff9b:0:1::1"),  # given out to nobody
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "64:ff9b::808:808",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_in_every_form(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    written = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused) as caught:
        receiver(f"https://{written}/hook")
    assert caught.value.word == "address_refused"


@pytest.mark.parametrize("address", PUBLIC)
def test_public_ones_pass(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    written = f"[{address}]" if ":" in address else address
    assert receiver(f"https://{written}:8443/hook").port == 8443


@pytest.mark.parametrize(
    "url",
    [
        *("https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://127.1/"),
        *("https://0x7f.1/", "https://0177.0.0.1/"),
        *("https://2130706433/", "https://017700000001/", "https://[::ffff:7f00:1]/", "https://0/"),
        *("http://receiver.example/", "ftp://receiver.example/", "file:///etc/passwd", "//receiver.example/"),
        *("https://", "https:///hook", "https://a@receiver.example/", "https://a:b@receiver.example/"),
        *("https://receiver.example/#x", "https://receiver.example:0/", "https://receiver.example:99999/"),
        *("https://receiver.example\\@127.0.0.1/", "https://receiver.example/\r\nX: y", "https://a b/"),
        *("x", ""),
        *("https://[fe80::1%25eth0]/", "https://[::1/", "https://a%2eb/"),
        "https://rec\u0435iver.example/",
        f"https://{'a' * 300}.example/",
    ],
)
def test_what_leads_elsewhere_than_it_looks_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        receiver(url)


def test_one_private_address_among_public_ones_refuses_all(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, "8.8.8.8", "10.0.0.5")
    with pytest.raises(AddressRefused) as caught:
        resolve(receiver("https://receiver.example/"))
    assert caught.value.word == "address_refused"


def resolves(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """The name ``receiver.example`` as a hostile resolver answers; what is written as a number stays it."""
    real, asked = socket.getaddrinfo, []

    def answer(host, port, *args, **kwargs):
        if host != "receiver.example":
            return real(host, port, *args, **kwargs)
        if kwargs.get("flags"):
            raise socket.gaierror
        asked.append(host)
        found = answers if len(answers) > 1 and "," not in answers[0] else answers[:1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def test_a_name_that_turns_private_after_the_check_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """Looked up once for an attempt: the connection goes to what was checked, not to a second answer."""
    settings.WEBHOOK_CONNECT_SECONDS = settings.WEBHOOK_WHOLE_SECONDS = 0.2
    with inbox() as inner:
        connected = []
        create = connecting._Secure._new_conn

        def noted(connection):
            connected.append(connection.host)
            return create(connection)

        monkeypatch.setattr(connecting._Secure, "_new_conn", noted)
        asked = resolves(monkeypatch, "192.0.2.77")
        settings.PORTAL_WEBHOOK_ALLOWED_NETWORKS = [ipaddress.ip_network("192.0.2.0/24")]
        url = f"https://receiver.example:{inner.port}/"
        posting.post(url, body=b"{}", headers={})
        assert (connected, asked) == (["192.0.2.77"], ["receiver.example"])
        resolves(monkeypatch, "127.0.0.1")
        reply = posting.post(url, body=b"{}", headers={})
        assert (reply.status, reply.error) == (None, "address_refused")
        assert len(connected) == 1
        assert inner.requests == []


def test_a_name_that_is_looked_up_for_ever_is_a_failure_in_time(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.WEBHOOK_WHOLE_SECONDS = 0.2
    real, answered = socket.getaddrinfo, threading.Event()

    def slow(host, *args, **kwargs):
        if not kwargs.get("flags"):
            answered.wait(30)
        return real("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    settings.PORTAL_WEBHOOK_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
    reply = posting.post("https://receiver.example/", body=b"{}", headers={})
    answered.set()
    assert (reply.status, reply.error) == (None, "timed_out")
    assert reply.milliseconds < 10_000


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    loopback_allowed(settings)
    with inbox() as proxy, inbox() as box:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert posting.post(box.url, body=b"{}", headers={}).delivered
        assert (len(box.requests), len(proxy.requests)) == (1, 0)


# --- TLS ----------------------------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Inbox]:
    """A receiver with a certificate for ``receiver.example`` that this machine trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.example")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    connecting._context.cache_clear()
    loopback_allowed(settings)
    settings.PORTAL_WEBHOOK_INSECURE_HTTP = False
    with inbox(context) as made:
        yield made
    connecting._context.cache_clear()


def test_the_certificate_must_be_for_the_name(secure: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to a number; what has to be proved is the name."""
    resolves(monkeypatch, "127.0.0.1")
    reply = posting.post(f"https://receiver.example:{secure.port}/x", body=b"{}", headers={})
    assert (reply.status, reply.error) == (204, "")
    assert secure.requests[0].headers["host"] == f"receiver.example:{secure.port}"
    by_number = posting.post(f"https://127.0.0.1:{secure.port}/x", body=b"{}", headers={})
    assert (by_number.status, by_number.error) == (None, "tls_failed")


def test_a_certificate_of_nobody_is_refused(secure: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, "127.0.0.1")
    monkeypatch.delenv("SSL_CERT_FILE")
    connecting._context.cache_clear()
    reply = posting.post(f"https://receiver.example:{secure.port}/x", body=b"{}", headers={})
    assert (reply.status, reply.error) == (None, "tls_failed")
    assert secure.requests == []


def test_a_handshake_that_never_ends_is_cut(settings: Settings) -> None:
    loopback_allowed(settings)
    settings.WEBHOOK_WHOLE_SECONDS = 0.3
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reply = posting.post(f"https://127.0.0.1:{silent.getsockname()[1]}/", body=b"{}", headers={})
    assert (reply.status, reply.error) == (None, "timed_out")
    assert reply.milliseconds < 10_000
