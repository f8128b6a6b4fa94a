"""Certificates of clients come by a header: no start without what proves the proxy that writes it."""

import pytest
from pytest_django.fixtures import Settings

from iam_portal import checks
from tests.architecture.test_settings import production, refusal, started

PROOF = "p" * 31


@pytest.mark.parametrize(
    ("header", "secret", "said"),
    [
        ("ClientCert", "", "PORTAL_PROXY_SECRET is missing"),
        ("ClientCert", PROOF, "PORTAL_PROXY_SECRET is missing or shorter"),
        ("ClientCert", f"{PROOF}p,{PROOF}", "PORTAL_PROXY_SECRET is missing or shorter"),
        ("Client-Cert", f"{PROOF}p", "is not one word"),  # Client_Cert is the same to us, not to the proxy
        ("Client_Cert", f"{PROOF}p", "is not one word"),
    ],
)
def test_certificates_of_clients_need_a_proxy_that_proves_itself(
    settings: Settings, header: str, secret: str, said: str
) -> None:
    """No start, and the check has a hint. The secret itself is not shown."""
    told = refusal(production(PORTAL_CLIENT_CERTIFICATE_HEADER=header, PORTAL_PROXY_SECRET=secret))
    assert said in told
    assert PROOF not in told

    settings.PORTAL_CLIENT_CERTIFICATE_HEADER = header
    settings.PORTAL_PROXY_SECRETS = [each for each in secret.split(",") if each]
    (message,) = checks.unproved_certificates(None)
    assert (message.id, message.is_serious()) == ("iam.E014", True)
    assert message.hint


def test_a_proxy_that_proves_itself_is_taken(settings: Settings) -> None:
    whole = production(PORTAL_CLIENT_CERTIFICATE_HEADER="ClientCert", PORTAL_PROXY_SECRET=f"{PROOF}p")
    (secret,) = started(whole).PORTAL_PROXY_SECRETS
    assert secret == f"{PROOF}p"
    assert checks.unproved_certificates(None) == []  # without the header there is nothing to prove
