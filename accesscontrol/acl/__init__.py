"""The ACL of an application: what it holds at a moment, its numbered revisions, copies of them."""

from accesscontrol.acl.content import build
from accesscontrol.acl.copies import Copy, copied
from accesscontrol.acl.revisions import Standing, standing

__all__ = ["Copy", "Standing", "build", "copied", "standing"]
