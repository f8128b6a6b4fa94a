"""Where the time of a token goes, by part: the portal's application in one process, timed around each step.

``python -m tests.benchmarks.token_parts`` starts a portal with the demo's story and asks for tokens in a
process of its own (no web server, no network but the one round trip to the database); prints microseconds by
the clock.
"""

import base64
import io
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROUNDS = 5_000
_CODE = """
import json
from tests.benchmarks import token_parts
print(json.dumps(token_parts.measure()))
"""
_PARTS = (
    ("whose it is, and letting it in", "admission"),
    ("the clock", "clock"),
    ("reading the request", "reading.read"),
    ("the secret", "Proofs.of"),
    ("confirming the version", "KeptReader.read"),
    ("claims and signature", "saying.token"),
    ("of that the signature", "signer"),
    ("counting the use", "usage.note"),
    ("headers", "saying.headers"),
    ("the line in the log", "saying.note"),
    ("counting the token, and the answer with its time", "counted"),
)


def measure() -> dict[str, float]:
    """Microseconds for each token: all of it, and by part. Runs in the portal's environment."""
    import django

    django.setup()
    from accesscontrol.oauth.short import door, kept, lines, signing
    from iam_portal import wsgi
    from iam_portal.metrics import Shortly

    spent: dict[str, float] = defaultdict(float)
    timed = partial(_timed, spent)
    made = signing.signer
    door.building.signer = lambda key: timed("signer", made(key))  # type: ignore[attr-defined]
    door.reading.read = timed("reading.read", door.reading.read)
    door.saying.token = timed("saying.token", door.saying.token)
    door.saying.headers = timed("saying.headers", door.saying.headers)
    door.saying.note = timed("saying.note", door.saying.note)
    door.usage.note = timed("usage.note", door.usage.note)
    door.metrics.issued = timed("counted", door.metrics.issued)
    Shortly.answered = timed("counted", Shortly.answered)  # type: ignore[method-assign]
    kept.Proofs.of = timed("Proofs.of", kept.Proofs.of)  # type: ignore[method-assign]
    lines.KeptReader.read = timed("KeptReader.read", lines.KeptReader.read)  # type: ignore[method-assign]
    clock, short, ask = wsgi.inside, wsgi.inside._inner, _request(json.loads(os.environ["STORY"]))
    clock._inner, wsgi.application._app = timed("short way", short), timed("with the clock", clock)
    for _ in range(50):
        assert b"access_token" in b"".join(wsgi.application(ask(), lambda *_line: None))
    spent.clear()
    before = short.answered
    timed("all of it", _many)(wsgi.application, ask)
    assert short.answered - before == ROUNDS
    spent["admission"] = spent["all of it"] - spent["with the clock"]
    spent["clock"] = spent["with the clock"] - spent["short way"]
    return {name: seconds / ROUNDS * 1e6 for name, seconds in spent.items()}


def _timed(spent: dict[str, float], name: str, act: Callable[..., Any]) -> Callable[..., Any]:
    """The act, which adds its time to what was spent under the name."""

    def run(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return act(*arguments, **named)
        finally:
            spent[name] += time.perf_counter() - begun

    return run


def _many(application: Callable[..., Any], ask: Callable[[], dict[str, Any]]) -> None:
    for _ in range(ROUNDS):
        application(ask(), lambda *_line: None)


def _request(story: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Makes the same request again and again, as a web server hands it over."""
    caller, tenant = story["caller"], story["consumer"]["tenantId"]
    client = caller.get("clientId") or caller["applicationId"]
    form = {"grant_type": "client_credentials", "scope": f"aud:{story['target']['applicationId']} openid"}
    body = urlencode(form).encode()
    basic = base64.b64encode(f"{client}:{caller['clientSecret']}".encode()).decode()
    fixed = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/iam/access-management/v1/tenants/{tenant}/openid-connect/token",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Basic {basic}",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
    }
    return lambda: {**fixed, "wsgi.input": io.BytesIO(body)}


def main() -> int:
    from iam_portal.launchers.children import run
    from iam_portal.launchers.portal import ROOT
    from tests.support.portal import RunningPortal

    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)  # the database's own user passes through
        with RunningPortal(Path(directory), with_seed=True) as portal:
            counts = Path(directory) / "counts"
            counts.mkdir()
            environment = {
                **portal.environment,
                "STORY": json.dumps(portal.story),
                "PROMETHEUS_MULTIPROC_DIR": str(counts),  # as in production
                "PORTAL_WEB_RUNNING": "2",
                "PORTAL_WEB_THREADS": "64",
            }
            printed = run([sys.executable, "-c", _CODE], environment=environment, directory=ROOT)
    found = json.loads(printed.strip().splitlines()[-1])
    print("| part | µs |\n|---|--:|")
    for words, name in _PARTS:
        print(f"| {words} | {found[name]:.0f} |")
    print(f"| **all of it** | **{found['all of it']:.0f}** |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
