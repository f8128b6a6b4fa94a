"""Which language an answer is in. Pages: the reader's. What programs read: English, whatever they ask for."""

import re
from typing import cast

from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers

# REST, OAuth, discovery and probes. Two addresses of OAuth are opened by people, and may draw them a page.
_MACHINES = re.compile(r"/(iam|auth|oauth2|\.well-known|livez|readyz|metrics)(/|$)")
_PEOPLE = re.compile(r"/(iam|auth)/.*/openid-connect/(auth|logout)")


def for_machines(path: str) -> bool:
    """Whether programs read what stands at this address."""
    return _MACHINES.match(path) is not None and _PEOPLE.fullmatch(path) is None


class Language(LocaleMiddleware):
    """Django's choice (cookie, then ``Accept-Language``), for people only."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """What counted before counts afterwards: the thread answers somebody else next.

        Whom it refuses before it knows his language is not told so in this reader's.
        """
        with translation.override(translation.get_language()):
            return cast("HttpResponseBase", super().__call__(request))  # nothing here is asynchronous

    def process_request(self, request: HttpRequest) -> None:
        if not for_machines(request.path_info):
            super().process_request(request)
            return
        translation.activate("en")
        request.LANGUAGE_CODE = "en"

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        drawn = response.headers.get("Content-Type", "").startswith("text/html")
        if for_machines(request.path_info) or not drawn:  # files of a page, too: programs go on with them
            return response
        patch_vary_headers(response, ["Cookie"])  # which keeps the choice that is made here
        return super().process_response(request, response)
