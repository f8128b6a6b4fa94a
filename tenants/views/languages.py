"""The language of the pages in this browser. What a person has chosen in the account counts before it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views import View

YEAR = 31_536_000


class ChooseLanguage(View):
    """Sets a cookie and goes back to where one was."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("entry:organization-pick"))

    def post(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponseRedirect(_back(request.POST.get("next", "")))
        code = request.POST.get("language", "")
        if code in dict(settings.LANGUAGES) and check_for_language(code):
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                code,
                max_age=YEAR,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


def _back(wanted: str) -> str:
    """An address of this site, and no other."""
    local = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if local else reverse("entry:organization-pick")
