"""The ACL of an application: what it holds at a moment, and the revisions that number its contents."""

from accesscontrol.acl.content import Acl, build
from accesscontrol.acl.revisions import Delta, Snapshot, delta, snapshot

__all__ = ["Acl", "Delta", "Snapshot", "build", "delta", "snapshot"]
