"""Keeps a copy of an application's ACL, and answers from it what a role may do.

    BASE=https://iam.example.com CLIENT=acme.meter SECRET=... python acl_mirror.py

Needs `requests` only. One copy in each process is enough: it costs the portal one small answer every few
seconds, and with an event service (PORTAL_EVENTS_URL of the portal) it hears of changes as they happen.
"""

import os
import time
from collections.abc import Iterable
from typing import Any

import requests

PAUSE = 5.0  # seconds between two looks, where there is no event service
EVENTS = "/iam/application-management/v1/application/events"
ACL = "/iam/access-management/v1/application/acl"


class Mirror:
    """The ACL as of a revision: by (owning tenant, resource type, resource id), role URN → privileges."""

    def __init__(self, base: str, client: str, secret: str, session: requests.Session | None = None) -> None:
        self.base, self.session = base, session or requests.Session()
        self.session.auth = (client, secret)
        self.revision: int | None = None
        self.entries: dict[tuple[str, str, str], dict[str, set[str]]] = {}
        self.position: str | int = "latest"  # in the stream of events
        self.waits_at: str | None = None

    def may(self, roles: Iterable[str], privilege: str, tenant: str, type: str, id: str) -> bool:
        """Whether one of the roles of a token opens this resource of this tenant."""
        grants = self.entries.get((tenant, type, id), {})
        return any(privilege in grants.get(role, ()) for role in roles)

    def refresh(self) -> bool:
        """Come up to date; whether anything changed. A failed request leaves the copy as it was."""
        if self.revision is None:
            return self._begin()
        reply = self._get(self.base + ACL, since=self.revision)
        if reply.status_code == 410:  # away for too long, or the portal came back from a backup
            return self._begin()
        reply.raise_for_status()
        delta = reply.json()
        for entry in [*delta["changed"], *delta["removed"]]:
            self.entries.pop(_address(entry), None)
        self._add(delta["changed"])
        moved, self.revision = delta["revision"] != self.revision, delta["revision"]
        return moved

    def wait(self) -> None:
        """Until there may be something new: with the next event, or after a pause."""
        if self.waits_at is None:
            reply = self._get(self.base + EVENTS, after=self.position)
        else:
            reply = self._get(self.waits_at, after=self.position, wait=30)
        if reply.status_code == 410:
            self.position = reply.json()["resumeAfter"]
            return
        reply.raise_for_status()
        page = reply.json()
        self.position, self.waits_at = page["next"], page["live"]
        if self.waits_at is None and not page["items"]:
            time.sleep(PAUSE)

    def _begin(self) -> bool:
        reply = self._get(self.base + ACL)
        reply.raise_for_status()
        snapshot = reply.json()
        self.entries = {}
        self._add(snapshot["resources"])
        self.revision = snapshot["revision"]
        return True

    def _add(self, entries: Iterable[dict[str, Any]]) -> None:
        for entry in entries:
            grants = self.entries.setdefault(_address(entry), {})
            for grant in entry["grants"]:
                grants.setdefault(grant["role"], set()).update(grant["privileges"])

    def _get(self, address: str, **query: Any) -> requests.Response:
        return self.session.get(address, params=query, timeout=45)


def _address(entry: dict[str, Any]) -> tuple[str, str, str]:
    return entry["owningTenantId"], entry["resourceType"], entry["resourceId"]


if __name__ == "__main__":
    mirror = Mirror(os.environ["BASE"], os.environ["CLIENT"], os.environ["SECRET"])
    while True:
        try:
            if mirror.refresh():
                print(f"revision {mirror.revision}: {len(mirror.entries)} resources", flush=True)
            mirror.wait()
        except requests.RequestException as error:  # the copy stays; a portal that is down is asked again
            print(f"not reached: {type(error).__name__}", flush=True)
            time.sleep(PAUSE)
