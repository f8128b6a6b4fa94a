"""Somebody who installs the portal with nothing but the document, on a machine of his own: a bare root.

His machine has no network but its loopback, on which his mail server answers, too.
"""

import ctypes
import os
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from iam_portal.launchers.portal import ROOT
from tests.support.root import PATH, Root

DOCUMENT = ROOT / "docs" / "operations.md"
NAMES = ("iam.example.com", "events.iam.example.com")
MAIL_PORT = 2525
LONGEST = 600.0
_CLONE_NEWNET = 0x40000000
_HOME = "opt/iam-portal"
_Told = TypeVar("_Told")


def blocks(kind: str) -> str:
    """All fenced blocks of the document with this word behind ``sh``, one after the other."""
    found = re.findall(rf"^( *)```sh {kind}\n(.*?)^ *```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert found, kind
    return "\n".join(re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found)


def released(root: Root) -> None:
    """What the version control knows, where the document wants it."""
    home = root.folder / _HOME
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith(("tests/", "docs/pictures/")):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / name)


def certified(root: Root) -> Path:
    """A certificate for both names at the place that the document gives, which the machine believes."""
    folder = root.folder / "etc" / "ssl" / "iam-portal"
    folder.mkdir(parents=True, exist_ok=True)
    believed = root.folder / "usr" / "local" / "share" / "ca-certificates" / "own.crt"
    believed.parent.mkdir(parents=True, exist_ok=True)
    names = "subjectAltName=" + ",".join(f"DNS:{name}" for name in NAMES)
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    words += ["-days", "2", "-subj", f"/CN={NAMES[0]}", "-addext", names]
    words += ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(words, check=True, capture_output=True)
    shutil.copy(folder / "fullchain.pem", believed)
    root.run(["update-ca-certificates"])
    return believed


class Machine:
    """The running root: its processes have namespaces of their own."""

    def __init__(self, root: Root) -> None:
        self.root = root
        # The first process is a shell, for it must bury whom daemons leave behind.
        stays = root.enter(["bash", "-c", "sleep infinity & wait"])
        self._holder = subprocess.Popen(["unshare", "--net", *stays], process_group=0)
        self._pid = self._first()
        self.threads = ThreadPoolExecutor(4, initializer=self._inside)
        self.do(_loopback_up)

    def _first(self) -> int:
        """The first process of the namespaces, once it waits there."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
            if children and Path(f"/proc/{children[0]}/comm").read_text().strip() == "bash":
                return int(children[0])
            time.sleep(0.05)
        raise AssertionError("The root could not be entered.")

    def _inside(self) -> None:
        """This thread sees the machine's network and no other."""
        with Path(f"/proc/{self._pid}/ns/net").open() as found:
            assert ctypes.CDLL(None, use_errno=True).setns(found.fileno(), _CLONE_NEWNET) == 0

    def do(self, act: Callable[[], _Told]) -> _Told:
        """In a thread of the machine's network, where both names lead to it."""

        def acted() -> _Told:
            with mock.patch("socket.getaddrinfo", _to_loopback(socket.getaddrinfo)):
                return act()

        return self.threads.submit(acted).result(LONGEST)

    def run(self, script: str) -> str:
        """As root, by a shell that stops at the first failure; what it printed."""
        words = ["nsenter", f"--target={self._pid}", "--mount", "--pid", "--net", "--root"]
        words += [
            "env",
            "-i",
            "-C",
            "/",
            f"PATH={PATH}",
            "LANG=C.UTF-8",
            "HOME=/root",
            "bash",
            "-euo",
            "pipefail",
            "-c",
        ]
        done = subprocess.run(
            [*words, script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONGEST,
        )
        assert done.returncode == 0, done.stdout[-5000:]
        return done.stdout

    def stop(self) -> None:
        """The end of the first process ends all."""
        self.threads.shutdown()
        os.kill(self._pid, signal.SIGKILL)
        self._holder.wait()


def _loopback_up() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _to_loopback(ask: Callable[..., Any]) -> Callable[..., Any]:
    def found(host: Any, *arguments: Any, **named: Any) -> Any:
        return ask("127.0.0.1" if host in NAMES else host, *arguments, **named)

    return found


class _Post(socketserver.StreamRequestHandler):
    """Takes every letter (RFC 5321), as far as one is sent here."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                letter = b""
                while (part := self.rfile.readline()) not in (b".\r\n", b""):
                    letter += part
                self.server.letters.append(message_from_bytes(letter, policy=default).get_content())  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


@contextmanager
def mailbox(machine: Machine) -> Iterator[list[str]]:
    """The letters that came to the machine's mail server."""
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    server = machine.do(lambda: socketserver.ThreadingTCPServer(("127.0.0.1", MAIL_PORT), _Post))
    letters: list[str] = []
    server.letters = letters  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield letters
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
