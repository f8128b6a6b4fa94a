"""A secret of a link, taken out of the address at once: a cookie of some minutes for one clean path.

An address is kept by browser histories, proxies and logs; so the page that receives a link answers with this
cookie and a redirect, and the page that works with it has an address without any secret.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

LIFETIME = 900  # seconds


def taken_out(*, name: str, value: str, to: str, path: str) -> HttpResponseRedirect:
    """To the clean address, the value in a cookie for ``path``; the browser tells nobody where it was."""
    response = HttpResponseRedirect(to)
    put(response, name=name, value=value, path=path)
    response["Referrer-Policy"] = "no-referrer"
    return response


def put(response: HttpResponse, *, name: str, value: str, path: str) -> None:
    """Set the cookie. ``Lax``, because people come from their mail."""
    response.set_cookie(
        name,
        value,
        max_age=LIFETIME,
        path=path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def carried(request: HttpRequest, name: str) -> str:
    """The value, or an empty string."""
    return request.COOKIES.get(name, "")[:200]


def drop(response: HttpResponse, *, name: str, path: str) -> None:
    """Used, or no longer wanted."""
    response.delete_cookie(name, path=path, samesite="Lax")
