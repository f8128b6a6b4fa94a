"""A Django application behind the IAM portal: who is calling, and what may they do."""

from iam_django.acl import AclMirror
from iam_django.callers import Caller
from iam_django.events import EventConsumer
from iam_django.introspection import Introspection
from iam_django.keys import LocalCheck
from iam_django.portal import Portal, PortalAway

__all__ = ["AclMirror", "Caller", "EventConsumer", "Introspection", "LocalCheck", "Portal", "PortalAway"]
