"""The search of the console: by name, or by an id out of a log; a page, and a list while one is typing."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants.http import paging, searching
from tenants.http.searching import Found, Kind, Pasted
from tenants.views.console import ConsolePage


class Search(ConsolePage):
    """Everything that the person may read, and nothing else. A whole id leads to its thing at once."""

    permission = "OwnAccount:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted = paging.searched(request)
        pasted = Pasted.of(wanted)
        readable = searching.kinds(self)
        by_id = {hit.url: hit for kind in readable for hit in kind.known(self, pasted)} if wanted else {}
        typing = "HX-Request" in request.headers
        if len(by_id) == 1 and not typing:
            return HttpResponseRedirect(next(iter(by_id)))
        groups = [_exactly(list(by_id.values()))] if by_id else []
        if wanted and not pasted.is_id:
            groups += [group for kind in readable if (group := self._named(kind, wanted))]
        context: dict[str, Any] = {"q": wanted, "groups": groups, "kinds": [kind.label for kind in readable]}
        if typing:
            return render(request, "tenants/_search_found.html", context)
        context["page"] = {"title": _("Search")}
        return self.render("tenants/search.html", context)

    def _named(self, kind: Kind, wanted: str) -> dict[str, Any] | None:
        hits, count = kind.named(self, wanted) if kind.named else ((), 0)
        if not hits:
            return None
        group: dict[str, Any] = {"key": kind.key, "label": kind.label, "icon": kind.icon, "hits": hits}
        if kind.list_name and count > len(hits):
            said = ngettext("All %(count)d of them", "All %(count)d of them", count) % {"count": count}
            if count > kind.counted:
                said = _("More than %(count)d of them") % {"count": kind.counted}
            url = f"{self.url(kind.list_name)}?{urlencode({'q': wanted})}"
            group["all"] = {"label": said, "url": url}
        return group


def _exactly(hits: list[Found]) -> dict[str, Any]:
    """What has this id."""
    return {"key": "exactly", "label": _("Of this id"), "icon": "link", "hits": hits}
