"""What the pages of the console share: addresses, a form's way through, and asking before an act."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.dispatch import Signal
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from tenants.http import TenantPage
from tenants.http.refusals import Outcome
from tenants.http.undoing import Undo
from tenants.views import merging, record


class ConsolePage(TenantPage):
    """A page of the console."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            request.POST = merging.resolved(request.POST)  # type: ignore[assignment]  # as good as any
        return super().dispatch(request, *args, **kwargs)

    def url(self, name: str, **values: Any) -> str:
        """The address of another page of this organization."""
        return reverse(name, kwargs={"slug": self.slug, **values})

    def done(self, message: str, url: str, undo: Undo | None = None) -> HttpResponseRedirect:
        """Say what was done, and go on; with a button that takes it back where that is safe."""
        messages.success(self.request, message, extra_tags=undo.as_tag() if undo else "")
        return HttpResponseRedirect(url)

    def link(self, label: str, permission: str, url: str, **more: Any) -> dict[str, Any]:
        """A button for ``_actions.html``: off, with the reason, when the permission is missing."""
        return {"label": label, "url": url, "decision": self.can(permission), **more}

    def panels(self, signal: Signal, **asked: Any) -> list[dict[str, Any]]:
        """What upper apps have to show on this page."""
        answers = signal.send(sender=type(self), page=self, tenant=self.tenant, at=self.at, **asked)
        return [panel for _receiver, panel in cast("list[tuple[Any, Any]]", answers) if panel]

    def history(self, kind: str, object_id: object) -> list[dict[str, Any]] | None:
        """The latest rows about an object; None for who may not read the record."""
        if not self.can("ActivityLog:read"):
            return None
        return record.recent(tenant=self.tenant, kind=kind, object_id=object_id)

    def past(self, kind: str, object_id: object) -> dict[str, Any]:
        """``history`` of what the person may see anyway, and the way to all of it for who may read that."""
        found: dict[str, Any] = {
            "history": record.recent(tenant=self.tenant, kind=kind, object_id=object_id, limit=record.FURTHER)
        }
        if self.can("ActivityLog:read"):
            query = urlencode({"object": f"{kind}:{object_id}"})
            found["history_url"] = f"{self.url('tenants:activity-list')}?{query}"
        return found


class FormPage(ConsolePage):
    """A form on a page of its own: drawn, or drawn again with its errors and its input."""

    template: ClassVar[str] = "tenants/form.html"
    asks_first = True
    stale = False  # the row is another than the one that the form was drawn from

    def frame(self) -> dict[str, Any]:
        """``page``, ``submit``, ``cancel_url`` and whatever else the template takes."""
        raise NotImplementedError

    def fresh(self) -> Any:
        """The form as somebody would open it now, where it changes a row: so two who save are told apart."""
        return None

    @contextmanager
    def attempt(self, form: BaseForm | None = None) -> Iterator[Outcome]:
        """As of every page; whether it was refused as stale is noted for :meth:`form_page`."""
        with super().attempt(form) as outcome:
            yield outcome
        self.stale = merging.is_stale(outcome)

    def form_page(self, form: Any, **more: Any) -> HttpResponse:
        """The page with this form, or with what differs from what another made of its row meanwhile."""
        fresh = self.fresh() if self.stale else None
        if fresh is not None:
            frame = self.frame()
            revision = fresh.initial.get("revision") or frame.get("revision")
            done = partial(self.done, _("Saved."), frame["cancel_url"])
            return merging.merged(self, form, fresh, revision=revision, frame=frame, same=done)
        return self.render(self.template, {**self.frame(), "form": form, **more})


class ConfirmPage(ConsolePage):
    """Shows what an act would do, and does it. Refusals come back to where the person came from."""

    asks_first = True
    asks = True  # not once the answer has come: what the act would take is not worked out for it again
    undo: Undo | None = None  # the act may set it

    def confirmation(self) -> Mapping[str, Any]:
        """The context of ``_confirm.html``, with ``page``."""
        raise NotImplementedError

    def act(self, revision: int | None) -> str:
        """Do it; what to say afterwards."""
        raise NotImplementedError

    def done_url(self, back: str) -> str:
        """Where to go when it is done."""
        return back

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        shown = self.confirmation()
        shown["confirm"].setdefault("url", request.path)
        return self.render("iam_portal/confirm.html", shown)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        self.asks = False
        back = str(self.confirmation()["confirm"]["cancel_url"])
        with self.attempt() as outcome:
            said = self.act(revision_of(request))
        return self.done(said, self.done_url(back), self.undo) if outcome else HttpResponseRedirect(back)


def revision_of(request: HttpRequest) -> int | None:
    """The revision that was shown, sent back by the form."""
    return revision_in(request.POST)


def revision_in(fields: QueryDict) -> int | None:
    """The same, among the fields of a form."""
    text = fields.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
