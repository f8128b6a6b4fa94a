"""WSGI entry point."""

import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iam_portal.settings")


class Utf8Request(WSGIRequest):
    """Addresses and bodies are UTF-8, whatever charset the caller names.

    The framework takes each codec that Python has: ``charset=base64`` breaks it on the query string while the
    request is made, before any middleware could answer.
    """

    @property
    def encoding(self) -> None:
        return None  # the default charset

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        pass


class Handler(WSGIHandler):
    """With requests of that kind."""

    request_class = Utf8Request


django.setup(set_prefix=False)


from accesscontrol.oauth.short import ShortWay  # noqa: E402  (its models want to be loaded first)
from applications import usage  # noqa: E402
from iam_portal import settled  # noqa: E402
from iam_portal.admission import LONGEST_WAIT, Admission, InTurn, Rates, Turns  # noqa: E402
from iam_portal.apart import Apart  # noqa: E402
from iam_portal.clock import RightClock  # noqa: E402

# PORTAL_SHORT_WAY=off sends every request through the framework: the answers are the same, and slower.
_SHORT = settings.PORTAL_SHORT_WAY != "off"
_long: Any = Handler()
if settings.PORTAL_WEB_RUNNING:
    _long = InTurn(_long, Turns(running=settings.PORTAL_WEB_RUNNING, longest=LONGEST_WAIT))
inside: Any = RightClock(ShortWay(Apart(_long)) if _SHORT else Apart(_long))  # for who has limits of his own
application: Any = inside
if settings.PORTAL_WEB_RUNNING:
    application = Admission(
        inside,
        threads=settings.PORTAL_WEB_THREADS,
        rates=Rates(
            caller=settings.PORTAL_CALLER_RATE,
            tenant=settings.PORTAL_TENANT_RATE,
            tokens=settings.PORTAL_TOKEN_RATE,
        ),
    )

usage.load()
settled.settle()
