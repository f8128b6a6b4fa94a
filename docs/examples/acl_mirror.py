"""Keeps a copy of an application's ACL, and answers from it what a role may do.

    BASE=https://iam.example.com CLIENT=acme.meter SECRET=... python acl_mirror.py

Needs `requests` only. It costs the portal one small answer every few seconds; with the address of the event
service in LIVE (the portal's PORTAL_EVENTS_URL) it hears of changes as they happen.
"""

import os
import time
from collections.abc import Iterable
from typing import Any

import requests

PAUSE = 5  # seconds between two looks, where there is no event service
LONGEST = 30  # seconds that one question waits there
ACL = "/iam/access-management/v1/application/acl"


class Mirror:
    """The ACL as of a revision: by (owning tenant, resource type, resource id), role URN → privileges."""

    def __init__(self, session: requests.Session, base: str, live: str = "") -> None:
        self.session, self.base, self.live = session, base, live
        self.revision: int | None = None
        self.entries: dict[tuple[str, str, str], dict[str, set[str]]] = {}

    def may(self, roles: Iterable[str], privilege: str, tenant: str, type: str, id: str) -> bool:
        """Whether one of the roles of a token opens this resource of this tenant."""
        grants = self.entries.get((tenant, type, id), {})
        return any(privilege in grants.get(role, ()) for role in roles)

    def refresh(self) -> bool:
        """Come up to date; whether anything changed. A request that fails leaves the copy as it was.

        From the second time on this waits for news where there is an event service.
        """
        if self.revision is None:
            return self._begin()
        reply = self._get(self.live or self.base, since=self.revision, wait=LONGEST)
        if reply.status_code == 410:  # away for too long, or the portal came back from a backup
            return self._begin()
        reply.raise_for_status()
        delta = reply.json()
        for entry in [*delta["changed"], *delta["removed"]]:
            self.entries.pop(_address(entry), None)
        self._add(delta["changed"])
        before, self.revision = self.revision, delta["revision"]
        return bool(before != self.revision)

    def _begin(self) -> bool:
        reply = self._get(self.base)
        reply.raise_for_status()
        snapshot = reply.json()
        self.entries = {}
        self._add(snapshot["resources"])
        self.revision = snapshot["revision"]
        return True

    def _add(self, entries: Iterable[dict[str, Any]]) -> None:
        for entry in entries:  # a static resource and one of the tenant's own may share an address
            grants = self.entries.setdefault(_address(entry), {})
            for grant in entry["grants"]:
                grants.setdefault(grant["role"], set()).update(grant["privileges"])

    def _get(self, base: str, **query: int) -> requests.Response:
        return self.session.get(base + ACL, params=query, timeout=LONGEST + 15)


def _address(entry: dict[str, Any]) -> tuple[str, str, str]:
    return entry["owningTenantId"], entry["resourceType"], entry["resourceId"]


def main() -> None:
    """For ever. The copy stays while the portal is down, and is asked for again."""
    session = requests.Session()
    session.auth = (os.environ["CLIENT"], os.environ["SECRET"])
    mirror = Mirror(session, os.environ["BASE"], os.environ.get("LIVE", ""))
    while True:
        try:
            if mirror.refresh():
                print(f"revision {mirror.revision}: {len(mirror.entries)} resources", flush=True)
            if not mirror.live:
                time.sleep(PAUSE)
        except requests.RequestException as error:
            print(f"not reached: {type(error).__name__}", flush=True)
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
