"""Doors that want a recent proof of who acts: password or passkey, given in this session not long ago.

A page declares ``recent = True``, a door of REST the methods: ``recent = frozenset({"POST"})``. Whoever finds
an unlocked browser, or has stolen its cookie, gets no further there.
"""

from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from tenants.http import kept_input, returning
from tenants.models import UserSession


def to_proof(
    request: HttpRequest, *, view: object, session: UserSession, slug: str, at: datetime
) -> HttpResponse:
    """To the page that asks, and after it back. A form that was sent is not taken: it comes back filled."""
    back = returning.where(request, view=view, slug=slug)
    address = reverse("tenants:identity-confirm", kwargs={"slug": slug})
    address += "?" + urlencode({"next": back or f"/t/{slug}/"})
    if "HX-Request" in request.headers:  # it asks for a part of a page; the whole page has to go
        return HttpResponse(status=200, headers={"HX-Redirect": address})
    response = HttpResponseRedirect(address)
    if request.method == "POST" and back == request.get_full_path():
        token = kept_input.keep(request, user=session.user, at=at)
        kept_input.put(response, request, token=token)
    return response
