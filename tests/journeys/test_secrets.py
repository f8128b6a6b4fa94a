"""Every secret that a run of the whole portal makes: none stands in plain where somebody else may read."""

import json
import re
import secrets
from collections.abc import Iterator

import psycopg
import pyotp
import pytest
import requests
from cryptography.fernet import Fernet

from tests.support.browsing import Login
from tests.support.console import CSRF, Console
from tests.support.forms import Forms
from tests.support.portal import RunningPortal
from tests.support.signing_in import Relying, Visitor
from tests.support.sought import Overheard, dumped, found_in, logged
from tests.support.stage import BACK, Stage

pytestmark = pytest.mark.journey
_PRIVATE = "SELECT algorithm, private_sealed FROM accesscontrol_signingkey"
MAILBOX = "nina@example.org"
# What the database keeps in plain on purpose, and why. Everything else that is secret is a digest, or sealed.
KEPT = {
    (
        "key of the wall",
        "table iam_wall",
    ): "the owner's alone; whoever has a dump has the rows behind the wall",
}


@pytest.fixture
def portal(running_portal: RunningPortal) -> Iterator[RunningPortal]:
    """No worker of this test is left to others."""
    yield running_portal
    running_portal.kill_worker()


def test_no_secret_of_a_run_stands_in_plain(portal: RunningPortal, stage: Stage) -> None:
    overheard = Overheard(portal.environment["CELERY_BROKER_URL"])
    console = Console.of(portal, "consumer")
    made = {
        **of_clients(portal, stage, console),
        **of_sign_ins(portal, stage),
        **of_somebody_new(portal, console),
        **of_the_installation(portal),
    }
    assert len(made) >= 25
    assert all(len(value) >= 6 for value in made.values()), made
    pages = refused(portal, stage, console, made)
    portal.start_worker()
    portal.run_job("applications.sequence")
    portal.run_job("tenants.chain_history")
    history = f"{portal.address}/iam/access-management/v1/tenants/{console.tenant_id}/history?limit=200"
    told = {
        "history": console.http.get(history, timeout=20).text,
        "events": json.dumps(console.call("GET", "events?limit=200")),
        "deliveries": console.http.get(f"{portal.address}/t/{console.login.slug}/webhooks", timeout=20).text,
        "broker": overheard.text(),
    }
    assert "task" in told["broker"]
    assert "user.invited" in told["history"]
    found = found_in({**told, **pages, **dumped(portal), **logged(portal.logs)}, made)
    assert found == set(KEPT)


def of_clients(portal: RunningPortal, stage: Stage, console: Console) -> dict[str, str]:
    """Secrets of services, their tokens, the secret of a subscription."""
    client = f"applications/{stage.caller.client_id}/clients/{stage.caller.client_id}"
    hook = console.call("POST", "webhooks", {"url": "https://x.example/hook", "types": ["iam.contract.*"]})
    token = stage.token()
    assert stage.introspect(token)["active"]
    return {
        "secret of the caller": stage.caller.secret,
        "secret of the target": stage.target.secret,
        "secret of the automation": stage.consumer.automation.secret,
        "new secret": console.call("POST", f"{client}/secrets", {"note": "new"})["clientSecret"],
        "secret of a webhook": hook["secret"],
        "service token": token,
        "signature of the service token": token.rpartition(".")[2],
        "token for the portal": stage.consumer.new_token(),
    }


def of_sign_ins(portal: RunningPortal, stage: Stage) -> dict[str, str]:
    """A person signs in to an application, which refreshes its token."""
    visitor = Visitor(Login.of(portal.story["consumer"]))
    realm = f"{portal.address}/iam/auth/realms/{stage.consumer.tenant_id}/protocol/openid-connect"
    relying = Relying(realm, (stage.target.client_id, stage.target.secret), BACK)
    code = relying.code(visitor, scope="openid offline_access")
    first = relying.exchange(code).json()
    second = relying.refresh(first["refresh_token"]).json()
    cookies = {f"cookie {cookie.name}": str(cookie.value) for cookie in visitor.http.cookies}
    assert len(cookies) >= 2
    kinds = ("access_token", "refresh_token", "id_token")
    return {
        "password": portal.story["consumer"]["password"],
        "code": code,
        "PKCE verifier": relying.pkce.verifier,
        **{f"first {kind}": first[kind] for kind in kinds},
        **{f"second {kind}": second[kind] for kind in kinds if kind in second},
        **{
            name: value
            for name, value in cookies.items()
            if "organization" not in name and "lang" not in name
        },
    }


def of_factors(console: Console) -> dict[str, str]:
    """An authenticator app, and the codes for the day on which it is lost."""
    page = f"{console.base}/t/{console.login.slug}/account/factors/app"
    shown = console.http.get(page, timeout=20).text
    key = re.search(r'class="app-key">([^<]+)<', shown)
    assert key is not None
    seed = key[1].replace(" ", "")
    form = Forms(shown).with_fields("set_up")
    reply = console.http.post(page, {**form, "name": "phone", "code": pyotp.TOTP(seed).now()}, timeout=20)
    codes = re.search(r'id="recovery-codes"[^>]*>([^<]+)<', reply.text)
    assert codes is not None, reply.text
    every = codes[1].split()
    return {"seed": seed, "recovery code": every[0], "last recovery code": every[-1]}


def of_somebody_new(portal: RunningPortal, console: Console) -> dict[str, str]:
    """Invited, with a password and second factors; then the password is reset. Links go to the mailbox."""
    people = f"{portal.address}/iam/access-management/v1/tenants/{console.tenant_id}/users"
    sent = {"X-CSRFToken": console.http.cookies["csrftoken"]}
    body = {"username": "nina", "email": MAILBOX, "displayName": "Nina New"}
    invited = console.http.post(people, json=body, headers=sent, timeout=20)
    assert invited.status_code == 201, invited.text
    invitation = token_of(portal.mail_to(MAILBOX))
    chosen = secrets.token_urlsafe(12)
    page = f"{portal.address}/t/{console.login.slug}/set-password"
    http = requests.Session()
    shown = http.get(page, params={"token": invitation}, timeout=20).text
    form = re.search(CSRF, shown)
    assert form is not None
    fields = Forms(shown).with_fields("csrfmiddlewaretoken")
    set_ = http.post(page, {**fields, "password": chosen, "repeated": chosen}, timeout=20)
    assert set_.ok, set_.text
    nina = Console(portal.address, console.tenant_id, Login(console.login.slug, "nina", chosen))
    factors = of_factors(nina)
    reset = console.http.post(
        f"{people}/{invited.json()['userId']}/reset-password", json={}, headers=sent, timeout=20
    )
    assert reset.ok, reset.text
    return {
        "invitation": invitation,
        "chosen password": chosen,
        "CSRF token": form[1],
        "reset link": token_of(portal.mail_to(MAILBOX)),
        **factors,
    }


def token_of(mail: str) -> str:
    found = re.search(r"token=3?D?([\w-]{20,})", mail.replace("=\n", ""))
    assert found is not None, mail
    return found[1]


def of_the_installation(portal: RunningPortal) -> dict[str, str]:
    """What the processes know, and the private keys that sign."""
    environment = portal.environment
    ring = Fernet(environment["PORTAL_ENCRYPTION_KEYS"])
    with psycopg.connect(environment["DATABASE_OWNER_URL"]) as connection:
        (wall,) = connection.execute("SELECT encode(key, 'hex') FROM iam_wall").fetchone() or ("",)
        sealed = connection.execute(
            # Nothing is left of one that was withdrawn.
            "SELECT algorithm, private_sealed FROM accesscontrol_signingkey WHERE private_sealed <> ''"
        ).fetchall()
    keys = {f"private {name} key": json.loads(ring.decrypt(text.encode()))["d"] for name, text in sealed}
    return {
        **keys,
        "encryption key": environment["PORTAL_ENCRYPTION_KEYS"],
        "pepper": environment["PORTAL_SECRET_PEPPERS"].partition(":")[2],
        "SECRET_KEY": environment["SECRET_KEY"],
        "proof of the proxy": portal.proxy_secret,
        "key of the wall": wall,
    }


def refused(portal: RunningPortal, stage: Stage, console: Console, made: dict[str, str]) -> dict[str, str]:
    """Secrets at the wrong door, in the wrong place, of the wrong kind: what they are answered there."""
    service, wrong = {"grant_type": "client_credentials"}, ("nobody", made["new secret"])
    forms = {
        "a wrong secret": {**service, "client_secret": made["new secret"]},
        "a code twice": {"grant_type": "authorization_code", "code": made["code"]},
        "an unknown grant": {"grant_type": made["first refresh_token"]},
        "a secret as a name": {**service, "client_id": made["new secret"]},
        "a token as a scope": {**service, "scope": made["service token"]},
    }
    door = f"{portal.address}/oauth2/token"
    found = {name: requests.post(door, form, auth=wrong, timeout=20).text for name, form in forms.items()}
    bearer = {"Authorization": f"Bearer {made['first access_token']}"}
    people = f"{portal.address}/iam/access-management/v1/tenants/{console.tenant_id}/users"
    found["a token at a door"] = requests.get(people, headers=bearer, timeout=20).text
    found["a broken body"] = requests.post(
        people, made["password"].encode(), headers={**bearer, "Content-Type": "application/json"}, timeout=20
    ).text
    sign_in = f"{portal.address}/t/{console.login.slug}/sign-in"
    http = requests.Session()
    form = re.search(CSRF, http.get(sign_in, timeout=20).text)
    assert form is not None
    guess = {
        "csrfmiddlewaretoken": form[1],
        "username": made["password"],
        "password": made["chosen password"],
    }
    http.post(sign_in, guess, timeout=20)
    found["without CSRF"] = http.post(sign_in, {"password": made["password"]}, timeout=20).text
    return found
