"""npm's oidc-provider as a process of its own, and a web server of the portal that trusts its certificate."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.valkey import free_port
from tests.support import proving
from tests.support.absence import lacking
from tests.support.nodejs import node
from tests.support.portal import RunningPortal

SCRIPT = Path(__file__).parents[1] / "accesscontrol" / "oauth" / "clients" / "provider.mjs"
SECRET = "of-this-test-alone"
CLIENT = "portal"
_LOOPBACK = "127.0.0.1"


def places() -> list[Path]:
    """Where oidc-provider is installed."""
    own = os.environ.get("NODE_PEERS", "")
    asked = [ROOT, ROOT / ".bench" / "node", *([Path(own)] if own else [])]
    return [place for place in asked if (place / "node_modules" / "oidc-provider").is_dir()]


class OtherProvider:
    """The provider, until the end of the block; ``pem`` is certificate and key of its ``name``."""

    def __init__(self, pem: Path, *, name: str, back: str, after: str, who: str = "anna") -> None:
        found = places()
        if not found:
            lacking("npm's oidc-provider is not installed: run 'make assets'.")
        port = free_port()
        self.issuer = f"https://{name}:{port}"
        own = {"PORT": str(port), "ISSUER": self.issuer, "PEM": str(pem), "MODULES": str(found[0])}
        own |= {"BACK": back, "AFTER": after, "SECRET": SECRET, "WHO": who, "PATH": os.environ["PATH"]}
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [*node(), str(SCRIPT)]
        self.process = subprocess.Popen(command, env=own, start_new_session=True, **both)

    def __enter__(self) -> str:
        assert self.process.stdout is not None and self.process.stderr is not None
        said = self.process.stdout.readline()
        assert said == "ready\n", self.process.stderr.read()
        return self.issuer

    def __exit__(self, *_: object) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)  # the wheel's node is a child of Python's
        self.process.communicate()


@contextmanager
def beside(
    portal: RunningPortal, folder: Path, *, slug: str, key: str, who: str = "anna"
) -> Iterator[tuple[str, str]]:
    """A web server of the portal that reaches it, and its issuer: as provider ``key`` of the organization."""
    port = free_port()
    base = f"http://{_LOOPBACK}:{port}"
    certificate, pem = folder / "other.pem", folder / "other-with-key.pem"
    certificate.write_text(proving.pem(proving.of_loopback("other")))
    pem.write_text(certificate.read_text() + proving.private_pem(proving.ec_key("other")))
    entry = f"{base}/t/{slug}/sign-in"
    reach = {"PORTAL_FOREIGN_NETWORKS": "127.0.0.0/8", "SSL_CERT_FILE": str(certificate)}
    back, after = f"{entry}/by/{key}/back", f"{entry}?here=yes"
    provider = OtherProvider(pem, name=_LOOPBACK, back=back, after=after, who=who)
    with provider as issuer, portal.another_web(port=port, PORTAL_BASE_URL=base, **reach):
        yield base, issuer
