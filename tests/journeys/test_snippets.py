"""The code that the console shows for a new application does what it says, copied as it stands."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iam_portal.launchers.portal import ROOT
from tests.support import proving
from tests.support.absence import lacking
from tests.support.browsing import Login
from tests.support.console import CSRF, Console
from tests.support.nodejs import node
from tests.support.portal import RunningPortal
from tests.support.signing_in import Visitor
from tests.support.stage import Stage, made_of

pytestmark = pytest.mark.journey
BACK = "http://127.0.0.1:9/snippet's back"  # nobody asks there
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
SNIPPET = re.compile(r'<pre id="snippet-\d"[^>]*>(.*?)</pre>', re.DOTALL)
# The package under its own name, to which http is enough: the code stays as people copy it, the transport
# alone gives way, and on loopback only.
PLAIN = """
import { allowInsecureRequests, discovery as found } from '%(real)s'
export * from '%(real)s'
export const discovery = (server, id, metadata, proof) =>
  found(server, id, metadata, proof, { execute: [allowInsecureRequests] })
"""


@pytest.fixture(scope="module")
def stage(running_portal: RunningPortal) -> Stage:
    return made_of(running_portal.story)


@pytest.fixture(scope="module")
def console(running_portal: RunningPortal) -> Console:
    return Console.of(running_portal, "provider")


def register(console: Console, stage: Stage, kind: str, tail: str = "", **given: str) -> list[str]:
    """The snippets of a new application, which holds a role of another one."""
    page = f"{console.base}/t/{console.login.slug}/register-application"
    token = re.search(CSRF, console.http.get(page, timeout=20).text)
    assert token is not None
    name = f"acme.snippet-{kind}{tail}"
    form = {"display_name": name, "name": name, "application_id": name, "kind": kind, **given}
    form |= {"step": "sign-in", "go": "next", "csrfmiddlewaretoken": token[1]}
    ready = console.http.post(page, form, timeout=20)
    assert ready.ok, ready.text
    found = [html.unescape(code) for code in SNIPPET.findall(ready.text)]
    assert len(found) == 3, ready.text
    if kind not in ("web", "public"):
        assert stage.provider.give_role(stage.target.client_id, "viewer", name).status == 201
    return found


def run(command: list[str], code: str, directory: Path) -> str:
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command,
        input=code,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def script_of(code: str, directory: Path) -> list[str]:
    """The command that runs this JavaScript in the folder."""
    real = ROOT / "node_modules" / "openid-client"
    if not real.is_dir():
        lacking("npm's openid-client is not installed: run 'make assets'.")
    package = directory / "node_modules" / "openid-client"
    package.mkdir(parents=True, exist_ok=True)
    described = json.loads((real / "package.json").read_text())
    entry = (real / described["exports"]["."]["default"]).resolve()
    (package / "index.mjs").write_text(PLAIN % {"real": entry.as_uri()})
    (package / "package.json").write_text('{"name": "openid-client", "exports": "./index.mjs"}')
    (directory / "snippet.mjs").write_text(code)
    return [*node(), str(directory / "snippet.mjs")]


def test_a_service_gets_its_token(console: Console, stage: Stage, tmp_path: Path) -> None:
    curl, python, script = register(console, stage, "secret")
    assert JWT.search(run([sys.executable, "-"], python, tmp_path))
    assert JWT.search(run(script_of(script, tmp_path), "", tmp_path))
    if shutil.which("curl") is None:
        lacking("curl is not installed.")
    assert '"access_token"' in run(["bash"], curl, tmp_path)


def test_a_key_signs(console: Console, stage: Stage, tmp_path: Path) -> None:
    key = proving.rsa_key()
    (tmp_path / "private.pem").write_text(proving.private_pem(key))
    _curl, python, _script = register(console, stage, "key", key=proving.public_pem(key))
    assert JWT.search(run([sys.executable, "-"], python, tmp_path))


def test_a_key_signs_in_javascript(console: Console, stage: Stage, tmp_path: Path) -> None:
    key = proving.ec_key("snippet")
    (tmp_path / "private.pem").write_text(proving.private_pem(key))
    _curl, _python, script = register(console, stage, "key", "-ec", key=proving.public_pem(key))
    assert JWT.search(run(script_of(script, tmp_path), "", tmp_path))


def with_its_page(script: str) -> str:
    """The code with its last lines, which stand there as a comment, run: the address comes from outside."""
    begun, page = script.split("// In the page")
    asked = "import { readFileSync } from 'node:fs'\nconst url = new URL(readFileSync(0, 'utf8').trim())"
    rest = [line.removeprefix("// ") for line in page.splitlines()[1:]]
    return "\n".join([begun, asked, *rest, "console.log(tokens.access_token)"])


def signed_in(command: list[str], visitor: Visitor, address: str, directory: Path) -> str:
    """The code sends somebody to the portal, who comes back with a code: what it prints then."""
    environment = {"PATH": os.environ["PATH"], "AUTHLIB_INSECURE_TRANSPORT": "1"}  # http, on loopback only
    with subprocess.Popen(
        command, cwd=directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        asked = running.stdout.readline().split()[-1]
        running.stdin.write(visitor.arrives(asked, address) + "\n")
        running.stdin.close()
        return running.stdout.read()


def test_a_person_signs_in(
    console: Console, stage: Stage, running_portal: RunningPortal, tmp_path: Path
) -> None:
    address = BACK.replace(" ", "%20")
    curl, python, script = register(console, stage, "web", redirect_uris=address)
    visitor = Visitor(Login.of(running_portal.story["provider"]))
    (tmp_path / "snippet.py").write_text(python)
    token = signed_in([sys.executable, "-u", "snippet.py"], visitor, address, tmp_path)
    assert JWT.search(token)
    token = signed_in(script_of(with_its_page(script), tmp_path), visitor, address, tmp_path)
    assert JWT.search(token)
    if shutil.which("curl") is None or shutil.which("openssl") is None:
        lacking("curl or openssl is not installed.")
    asked = run(["bash"], curl, tmp_path).strip()
    assert visitor.arrives(asked, address).startswith(address)


@pytest.mark.parametrize("kind", ["issuer", "certificate", "public"])
def test_the_others_are_code(console: Console, stage: Stage, tmp_path: Path, kind: str) -> None:
    """What they need is not here; a shell, Python and Node read them."""
    pem = proving.pem(proving.certified("snippet"))
    given = {"issuer": "https://x.example", "subject": "snippet", "pem": pem, "redirect_uris": BACK[:19]}
    curl, python, script = register(console, stage, kind, **given)
    run(["bash", "-n"], curl, tmp_path)
    compile(python, kind, "exec")
    (tmp_path / "snippet.mjs").write_text(script)
    run([*node(), "--check", str(tmp_path / "snippet.mjs")], "", ROOT)
