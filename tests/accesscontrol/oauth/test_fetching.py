"""A document of somebody else: from a checked address, in bounded time and size, following nothing."""

import time
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings

from applications.delivery import fetching
from applications.delivery.addresses import of_keys
from applications.delivery.fetching import Unfetched, document
from tests.accesscontrol.oauth.issuing import NAME, Host, host, says

__all__ = ["host"]  # the fixture
OWNER = UUID(int=1)


def word(url: str) -> str:
    """Why it could not be fetched."""
    with pytest.raises(Unfetched) as refused:
        document(url, reach=of_keys())
    return refused.value.word


def test_a_document(host: Host) -> None:
    host.answers["/keys?a=1"] = says(body=b'{"keys": []}', Content_Type="application/jwk-set+json; charset=x")
    assert document(host.url("/keys?a=1"), reach=of_keys()) == {"keys": []}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (says(404), "status_404"),
        (says(500), "status_500"),
        (says(301, Location="/keys"), "status_301"),
        (says(302, Location=f"https://{NAME}/keys"), "status_302"),
        (says(204), "status_204"),
        (says(Content_Type="text/html"), "no_json"),
        (says(Content_Type=""), "no_json"),
        (says(Content_Encoding="gzip"), "no_json"),  # a bomb is small
        (says(body=b"[]"), "no_json"),
        (says(body=b"{"), "no_json"),
        (says(body=b"\xff"), "no_json"),
        (says(body=b'{"a":' * 50_000), "no_json"),
        (says(body=b" " * (fetching.MOST_READ + 1)), "too_large"),
        (says(body=b'{"keys": [', Content_Length="20"), "no_json"),
    ],
)
def test_what_is_no_document(host: Host, given: Any, expected: str) -> None:
    """A redirect is not followed: it could lead into the network, or to where an issuer's guest writes."""
    host.answers["/"] = given
    assert word(host.url("/")) == expected
    assert host.asked == ["/"]


def test_no_way_into_the_network(host: Host, settings: Settings) -> None:
    """By name and by number; the networks for webhooks are none for keys."""
    settings.PORTAL_FOREIGN_NETWORKS = []
    settings.PORTAL_WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.PORTAL_WEBHOOK_INSECURE_HTTP = True
    for url in (
        host.url(),
        f"https://127.0.0.1:{host.port}/keys",
        "https://169.254.169.254/",
        "https://[::1]/",
    ):
        assert word(url) == "address_refused"
    for url in (
        f"http://{NAME}/keys",
        "ftp://keys.example/",
        "file:///etc/passwd",
        "https://a@keys.example/",
    ):
        assert word(url) == "malformed"
    assert host.asked == []


def test_certificates_are_checked(host: Host) -> None:
    assert word(f"https://127.0.0.1:{host.port}/keys") == "tls_failed"


def test_a_host_that_drips_is_cut(host: Host, settings: Settings) -> None:
    settings.FOREIGN_WHOLE_SECONDS = 0.3

    def drips(handler: BaseHTTPRequestHandler) -> None:
        says(body=b"{", Content_Length="1000")(handler)
        for _ in range(400):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    host.answers["/"] = drips
    began = time.monotonic()
    assert word(host.url("/")) == "timed_out"
    assert time.monotonic() - began < 10, "it would drip for twenty seconds"
