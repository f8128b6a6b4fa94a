"""A service that proves itself by a certificate, and the proxy in front that vouches for it (RFC 8705)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.support import gateways, proving
from tests.support.console import Console
from tests.support.gateways import LOOPBACK
from tests.support.portal import CERTIFICATE_HEADER, RunningPortal
from tests.support.stage import registered, sides

NAME = "nightly"  # of the certificate and its key


def service(portal: RunningPortal) -> str:
    """A new one of the consumer, which may call the story's target; its client id. It has a secret, too."""
    _, side = sides(portal.story)
    client_id = registered(side).client_id
    given = side.give_role(portal.story["target"]["applicationId"], "viewer", client_id)
    assert given.status == 201, given
    console = Console.of(portal, "consumer")
    where = f"applications/{client_id}/clients/{client_id}/certificates"
    console.call("POST", where, {"pem": proving.pem(proving.certified(NAME))})
    console.change_client(client_id, authenticationMethod="self_signed_tls_client_auth")
    return client_id


def vouched(portal: RunningPortal, name: str = NAME) -> dict[str, str]:
    """What the proxy adds to a request of whoever has that certificate."""
    certificate = quote(proving.pem(proving.certified(name)))
    return {CERTIFICATE_HEADER: certificate, "X-Portal-Proxy-Secret": portal.proxy_secret}


@contextmanager
def proxy(portal: RunningPortal, directory: Path) -> Iterator[tuple[str, str]]:
    """nginx with our documented configuration; its address, and the file of the authority to trust."""
    key = proving.ec_key("proxy")
    certificate, secret_key = directory / "proxy.pem", directory / "proxy.key"
    certificate.write_text(proving.pem(proving.of_loopback("proxy")))
    secret_key.write_text(proving.private_pem(key))
    values = {
        "LISTEN_HOST": LOOPBACK,
        "PORTAL_HOST": LOOPBACK,
        "PORTAL_PORT": portal.address.rpartition(":")[2],
        "SERVER_CERTIFICATE": certificate,
        "SERVER_KEY": secret_key,
    }
    secret = f"proxy_set_header X-Portal-Proxy-Secret {portal.proxy_secret};\n"
    documented = "nginx-certificates.conf"
    with gateways.running(documented, gateways.nginx(), values, secret=secret) as (port, _):
        yield f"https://{LOOPBACK}:{port}", str(certificate)


def kept(directory: Path, name: str = NAME) -> tuple[str, str]:
    """The files of a certificate and its key, as clients name them."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    certificate.write_text(proving.pem(proving.certified(name)))
    key.write_text(proving.private_pem(proving.ec_key(name)))
    return str(certificate), str(key)
