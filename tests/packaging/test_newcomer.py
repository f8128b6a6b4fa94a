"""A production installation by docs/operations.md alone: its commands, on a bare Debian with what Debian has.

System PostgreSQL, Redis and nginx; our units, by a stand-in for systemctl, for there is no service
manager. In the end somebody opens the letter, signs in over TLS, and a service gets a token.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.story_check import Answer
from tests.support import newcomer, root
from tests.support.forms import Forms
from tests.support.newcomer import NAMES, Machine
from tests.support.root import Root
from tests.support.stage import registered

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(os.environ.get("DRILL") == "short", reason="Minutes long: in the long form only."),
]

BASE = f"https://{NAMES[0]}"
PASSWORD = "correct horse battery staple of a newcomer"
# Debian starts what it installs; a root without a service manager does not, until the machine runs.
_QUIET = "printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d\n"
_STARTED = (
    "rm -f /usr/sbin/policy-rc.d; for name in postgresql redis-server nginx; do service $name start; done\n"
)
_OWN_MAIL = f"MAIL=smtp://127.0.0.1:{newcomer.MAIL_PORT}"


@dataclass
class Installed:
    """What came of it."""

    machine: Machine
    authority: Path
    letters: list[str]
    seconds: dict[str, float] = field(default_factory=dict)

    def page(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request over TLS from the machine's own network."""
        session = options.pop("session", requests)
        where = path if path.startswith("https://") else f"{BASE}{path}"
        verify = str(self.authority)
        return self.machine.do(lambda: session.request(method, where, verify=verify, timeout=30, **options))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    root.need()
    folder = tmp_path_factory.mktemp("newcomer")
    with ExitStack() as kept:
        kept.callback(shutil.rmtree, folder)
        begun = time.monotonic()
        made = Root.made(folder / "root")
        newcomer.released(made)
        seconds = {"a bare Debian (not the newcomer's)": time.monotonic() - begun}
        begun = time.monotonic()
        online = newcomer.blocks("online")
        made.run(["bash", "-euo", "pipefail", "-c", _QUIET + online], online=True)
        seconds["steps 1 and 2: packages"] = time.monotonic() - begun
        authority = newcomer.certified(made)
        shutil.copy(ROOT / "tests" / "support" / "systemctl.py", made.folder / "usr/local/bin/systemctl")
        (made.folder / "usr/local/bin/systemctl").chmod(0o755)
        with (made.folder / "etc/hosts").open("a") as hosts:
            hosts.write(f"127.0.0.1 localhost {' '.join(NAMES)}\n")
        machine = Machine(made)
        kept.callback(machine.stop)
        letters = kept.enter_context(newcomer.mailbox(machine))
        begun = time.monotonic()
        written = newcomer.blocks("install")
        own, changed = re.subn(r"^MAIL=.*$", _OWN_MAIL, written, flags=re.MULTILINE)
        assert changed == 1
        machine.run(_STARTED + own)
        seconds["steps 3 to 9: the portal"] = time.monotonic() - begun
        print({name: round(took, 1) for name, took in seconds.items()})
        yield Installed(machine, authority, letters, seconds)


@pytest.fixture(scope="module")
def olga(installed: Installed) -> requests.Session:
    """The first person: she opens the letter, chooses a password and signs in."""
    end = time.monotonic() + 30
    while not installed.letters:
        assert time.monotonic() < end, "No letter came."
        time.sleep(0.2)
    link = re.search(r"https://\S+token=\S+", installed.letters[0])
    assert link is not None, installed.letters[0]
    session = requests.Session()
    shown = installed.page("GET", link[0], session=session)
    form = Forms(shown.text).with_fields("password", "repeated")
    filled = {**form, "password": PASSWORD, "repeated": PASSWORD}
    sent = installed.page("POST", shown.url, session=session, data=filled, headers={"Referer": shown.url})
    assert sent.ok and "/sign-in" in sent.url, (sent.url, sent.text[:3000])
    form = Forms(sent.text).with_fields("username", "password")
    filled = {**form, "username": "olga@example.com", "password": PASSWORD}
    come = installed.page("POST", sent.url, session=session, data=filled, headers={"Referer": sent.url})
    assert come.ok and "/sign-in" not in come.url, (come.url, come.text[:3000])
    return session


def test_the_first_person_comes_in(installed: Installed, olga: requests.Session) -> None:
    page = installed.page("GET", "/t/platform/", session=olga)
    stranger = installed.page("GET", "/t/platform/")

    assert (page.status_code, page.url) == (200, f"{BASE}/t/platform/")
    assert "/sign-in" in stranger.url


def test_no_log_of_the_proxy_holds_her_link(installed: Installed, olga: requests.Session) -> None:
    token = re.search(r"token=(\S+)", installed.letters[0])

    written = installed.machine.run("cat /var/log/nginx/*.log")

    assert "/set-password" in written
    assert token is not None
    assert token[1] not in written


def test_a_service_gets_a_token(installed: Installed, olga: requests.Session) -> None:
    """Two applications of the platform's own organization; one calls the other."""
    asked = 'runuser -u postgres -- psql -At -d iam -c "SELECT id FROM tenants_tenant WHERE is_platform"'
    side = _Console(installed, olga, installed.machine.run(asked).strip())
    target, caller = registered(side), registered(side)  # type: ignore[arg-type]
    role = {"applicationId": target.client_id, "key": "viewer"}
    given = {"principal": {"applicationId": caller.client_id}, "role": role}
    assert side.call("POST", "access-management", "assignments", given).status == 201

    form = {"grant_type": "client_credentials", "scope": f"aud:{target.client_id} openid"}
    where = f"/iam/access-management/v1/tenants/{side.tenant_id}/openid-connect/token"
    reply = installed.page("POST", where, data=form, auth=(caller.client_id, caller.secret))

    assert reply.status_code == 200, reply.text
    assert reply.json()["access_token"]


@dataclass
class _Console:
    """Olga at the REST doors, by her session."""

    installed: Installed
    session: requests.Session
    tenant_id: str

    def act(self, method: str, path: str, body: Any = None) -> Answer:
        return self.call(method, "application-management", path, body)

    def call(self, method: str, api: str, path: str, body: Any = None) -> Answer:
        csrf = next(cookie.value for cookie in self.session.cookies if cookie.name.endswith("csrftoken"))
        sent = {"X-CSRFToken": csrf or "", "Referer": BASE}
        where = f"/iam/{api}/v1/tenants/{self.tenant_id}/{path}"
        reply = self.installed.page(method, where, session=self.session, json=body, headers=sent)
        return Answer(reply.status_code, reply.json() if reply.content else {})


def test_its_user_neither_reads_its_settings_nor_changes_its_code(installed: Installed) -> None:
    as_user = "setpriv --reuid=iam-portal --regid=iam-portal --clear-groups"

    read = installed.machine.run(f"{as_user} cat /etc/iam-portal/portal.env 2>&1 || true")
    changed = installed.machine.run(f"{as_user} touch /opt/iam-portal/manage.py 2>&1 || true")

    assert "Permission denied" in read
    assert "Permission denied" in changed


def test_a_new_version_is_put_in_its_place(installed: Installed) -> None:
    """Without anything new to fetch, for the machine has no network."""
    asked = "while sleep 0.2; do curl --silent --output /dev/null --write-out '%{http_code}\\n' "
    asked += f"{BASE}/readyz; done > /tmp/asked & asker=$!\n"

    installed.machine.run(asked + newcomer.blocks("upgrade") + "\nkill $asker\n")

    answers = installed.machine.run("sort /tmp/asked | uniq -c").split()
    assert answers[1::2] == ["200"], answers
