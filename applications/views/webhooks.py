"""Webhooks: the list, one of them, a new one, and changing one. A secret's value is drawn once."""

import hashlib
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from applications import streams
from applications.actions import webhooks
from applications.delivery.readers import OWN_STREAM
from applications.delivery.record import name_of
from applications.http import address, take_turns
from applications.models import Application, Webhook
from applications.views import _signal_words, _webhook
from applications.views._webhook_form import WebhookForm
from tenants.http import paging
from tenants.models import still_open
from tenants.views.console import ConsolePage, FormPage, revision_of

SENT_TWICE = gettext_lazy(
    "The webhooks have changed since this page was drawn: perhaps the form was sent twice."
    " Look at the list, and send it again if you need one more."
)


class WebhookList(ConsolePage):
    """All that have not ended; there are at most fifty."""

    permission = "Webhooks:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = list(_webhook.living(self.tenant).order_by("created_at", "id"))
        new = address("webhook-new", self.slug)
        add = self.link(_("Add webhook"), "Webhooks:add", new, icon="plus")
        lead = _("Events of your organization, posted to an address of yours as they happen.")
        page = {
            "title": _("Webhooks"),
            "lead": lead,
            **({"primary": add} if rows or not add["decision"] else {}),
        }
        context = {"page": page, "table": _webhook.listed(self, rows), "first_step": add}
        return self.render("applications/webhook_list.html", context)


class WebhookDetail(ConsolePage):
    """One: how it stands, what was sent, its secrets."""

    permission = "Webhooks:read"

    def get(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        row = _webhook.one_of(_webhook.every(self.tenant), webhook_id)
        outcome = request.GET.get("outcome", "")
        rows = (
            row.deliveries.filter(outcome=outcome) if outcome in _webhook.OUTCOMES else row.deliveries.all()
        )
        sent = paging.page_of(rows, request=request, key="at", descending=True)
        state, word = _webhook.state_of(row)
        page = {
            "title": name_of(row),
            "breadcrumb": crumbs(self.slug),
            "state": state,
            "state_word": word,
            "copy_id": str(row.id),
            "lead": row.note,
            **self._acts(row),
        }
        own = row.ended_at is None and not row.signals
        changeable = own and self.can("Webhooks:modify")
        again = own and self.can("Webhooks:execute")
        context = {
            "page": page,
            "because": _webhook.BECAUSE.get(row.paused_because, ""),
            "facts": _webhook.facts(row),
            "health": _webhook.health(row, self.at),
            "chips": _webhook.chips(request),
            "filtered": outcome in _webhook.OUTCOMES,
            "examples": [] if row.signals else _webhook.examples(),
            "secrets": {} if row.signals else _webhook.secrets(self, row, bool(changeable)),
            "deliveries": _webhook.deliveries(self, sent, bool(again)),
            "history": self.history("webhook", row.id),
            "history_url": f"{self.url('tenants:activity-list')}?object=webhook:{row.id}",
        }
        return self.render("applications/webhook_detail.html", context)

    def _acts(self, row: Webhook) -> dict[str, Any]:
        def act(label: str, name: str, permission: str, icon: str, **more: Any) -> dict[str, Any]:
            url = address(f"webhook-{name}", self.slug, webhook_id=row.id)
            return self.link(label, permission, url, icon=icon, **more)

        def word(name: str) -> str:
            return str(_signal_words.words(row, name).act)

        if row.ended_at is not None:
            return {}
        paused = row.state == Webhook.State.PAUSED
        changing = "Webhooks:modify"
        test = act(_("Send test event"), "test", "Webhooks:execute", "mail", dialog=True)
        resume = act(word("resume"), "resume", changing, "play", dialog=True)
        pause = act(word("pause"), "pause", changing, "pause", dialog=True)
        more = [
            test if paused else pause,
            act(_("Change"), "edit", changing, "edit"),
            act(_("Send failed again"), "recover", "Webhooks:execute", "refresh"),
            act(_("New secret"), "secret-new", changing, "key"),
            act(word("end"), "end", "Webhooks:delete", "stop", dialog=True, danger=True),
        ]
        if row.signals:  # the rest is for its application to say
            return {"primary": resume if paused else pause, "more": more[-1:]}
        return {"primary": resume if paused else test, "more": more}


class _WebhookForm(FormPage):
    template = "applications/application_form.html"

    def form(self, row: Webhook | None = None) -> WebhookForm:
        """Bound when it was sent. Offered is what the person may read, and what is chosen already."""
        given = list(row.types) if row else []
        shown = streams.SHOWN_BY.items()
        may = [f"{prefix}*" for prefix, needed in shown if any(map(self.can, needed.split("|")))]
        kinds = dict.fromkeys([*may, *(type for type in given if type.endswith("*"))])
        initial: dict[str, Any] = {}
        if row is not None:
            single = "\n".join(type for type in given if not type.endswith("*"))
            initial = {"url": row.url, "types": given, "single": single, "note": row.note}
        applications = self._own() if row is None else None
        data = self.request.POST if self.request.method == "POST" and not self.stale else None
        return WebhookForm(data, initial=initial, kinds=list(kinds), applications=applications)

    def _own(self) -> list[tuple[str, str]]:
        """The applications to whose own streams the person may subscribe; none are named to others."""
        if not self.can(OWN_STREAM):
            return []
        rows = Application.objects.filter(still_open(), owner=self.tenant).order_by("display_name")
        return [(each.id, str(each)) for each in rows]


class WebhookNew(_WebhookForm):
    """Subscribe. Sending the same form again makes no second one."""

    permission = "Webhooks:add"
    recent = True

    def frame(self) -> dict[str, Any]:
        page = {"title": _("Add webhook"), "breadcrumb": crumbs(self.slug)}
        back = address("webhook-list", self.slug)
        return {"page": page, "submit": _("Add webhook"), "cancel_url": back, "seen": self._seen()}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(self.form())

    def post(self, request: HttpRequest) -> HttpResponse:
        take_turns(f"webhook:{self.tenant.id}")
        form = self.form()
        if form.is_valid() and request.POST.get("seen") != self._seen():
            form.add_error(None, str(SENT_TWICE))
        if not form.is_valid():
            return self.form_page(form)
        given = form.cleaned_data
        wanted = webhooks.Wanted(given["url"], form.chosen(), given["note"], given["application"] or None)
        with self.attempt(form) as outcome:
            row, value = webhooks.subscribe(tenant=self.tenant, wanted=wanted, by=self.actor, at=self.at)
        return render_once(self, row, value) if outcome else self.form_page(form)

    def _seen(self) -> str:
        ids = sorted(str(id) for id in self.tenant.webhooks.values_list("id", flat=True))
        return hashlib.sha256("".join(ids).encode()).hexdigest()


class WebhookEdit(_WebhookForm):
    """Change address, events and note."""

    permission = "Webhooks:modify"
    recent = True

    def frame(self) -> dict[str, Any]:
        row = _webhook.one_of(_webhook.own(self.tenant), self.kwargs["webhook_id"])
        page = {"title": _("Change webhook"), "breadcrumb": crumbs(self.slug, row)}
        back = address("webhook-detail", self.slug, webhook_id=row.id)
        return {"page": page, "submit": _("Save"), "cancel_url": back, "revision": row.revision}

    def fresh(self) -> WebhookForm:
        return self.form(_webhook.one_of(_webhook.own(self.tenant), self.kwargs["webhook_id"]))

    def get(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        return self.form_page(self.fresh())

    def post(self, request: HttpRequest, webhook_id: UUID) -> HttpResponse:
        form = self.form(_webhook.one_of(_webhook.own(self.tenant), webhook_id))
        if not form.is_valid():
            return self.form_page(form)
        with self.attempt(form) as outcome:
            webhooks.change(
                tenant=self.tenant,
                webhook_id=webhook_id,
                by=self.actor,
                at=self.at,
                url=form.cleaned_data["url"],
                types=form.chosen(),
                note=form.cleaned_data["note"],
                revision=revision_of(request),
            )
        if not outcome:
            return self.form_page(form)
        row = _webhook.one_of(_webhook.living(self.tenant), webhook_id)
        said = _("The webhook to %(receiver)s is changed.") % {"receiver": name_of(row)}
        return self.done(said, address("webhook-detail", self.slug, webhook_id=webhook_id))


def crumbs(slug: str, row: Webhook | None = None) -> list[dict[str, Any]]:
    """The way to a page below the list, or below one of them."""
    found = [{"label": _("Webhooks"), "url": address("webhook-list", slug)}]
    if row is not None:
        found.append({"label": name_of(row), "url": address("webhook-detail", slug, webhook_id=row.id)})
    return found


def render_once(page: ConsolePage, row: Webhook, value: str) -> HttpResponse:
    """The only page that ever holds the value."""
    name = _("Signing secret of %(receiver)s") % {"receiver": name_of(row)}
    context = {
        "page": {"title": _("New secret"), "breadcrumb": crumbs(page.slug, row)},
        "secret": {"value": value, "name": name, "sealed": True},
        "done_url": address("webhook-detail", page.slug, webhook_id=row.id),
    }
    return page.render("applications/secret_once.html", context)
