"""The manifest of an application: read, and changed as text, with what that changes shown before."""

import json
import re
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from accesscontrol.configuration import json_text, yaml_text
from accesscontrol.forms.roles import ManifestForm
from applications import declared
from applications.actions.declarations import ManifestChanged, Sent
from applications.manifest import parse
from applications.models import Application
from applications.serializers.manifest import ManifestIn
from applications.views.access import AccessPage
from iam_portal import problem
from iam_portal.decision import Decision
from iam_portal.errors import Invalid, NotFound
from tenants.impact import ImpactChanged, ImpactRequired
from tenants.views import impacts

LONGEST = 60_000  # signs that a page shows; what is longer is downloaded
MOST = 40  # addresses of a diff that are listed
# A line may end only between values, so that no text of somebody's is taken for a list.
_PRIVILEGES = re.compile(r'\[\n\s+"[a-z]+"(?:,\n\s+"[a-z]+")*\n\s+\]')


class ManifestPage(AccessPage):
    """A page about the manifest; only the owner has one."""

    owner_only = True

    def application(self, application_id: str) -> Application:
        """The portal's own is declared by its installation."""
        found = super().application(application_id)
        if found.is_portal:
            raise NotFound
        return found

    def document(self, application: Application) -> dict[str, Any]:
        """As it stands."""
        return declared.document(application, at=self.at)

    def to(self, name: str, application: Application) -> str:
        """Another page of it."""
        return self.url(f"accesscontrol:application-{name}", application_id=application.id)


class ApplicationManifest(ManifestPage):
    """As it stands, ready to be copied or taken into a repository."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        text = _shown(self.document(application))
        edit: Decision = self.changeable(application, "Modules:modify")
        context = {
            **self.around(application, "manifest"),
            "text": text,
            "longest": LONGEST,
            "download_url": self.to("manifest-download", application),
            "edit": {"url": self.to("manifest-edit", application), "decision": edit},
        }
        return self.render("accesscontrol/application_manifest.html", context)


class ManifestDownload(ManifestPage):
    """The same as a file."""

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        text = _written(self.document(application))
        name = f'attachment; filename="{application.id}.manifest.json"'
        return HttpResponse(
            text, content_type="application/json; charset=utf-8", headers={"Content-Disposition": name}
        )


class ManifestEdit(ManifestPage):
    """Written, looked at, applied: what is applied is what was looked at."""

    permission = "Modules:modify"
    recent = True

    def get(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        document = self.document(application)
        form = ManifestForm(initial={"text": _shown(document)})
        return self._drawn(application, form, declared.revision_of(document))

    def post(self, request: HttpRequest, application_id: str) -> HttpResponse:
        application = self.application(application_id)
        form = ManifestForm(request.POST, request.FILES)
        now = declared.revision_of(self.document(application))
        shown = request.POST.get("revision", "") or now
        body = _body(form) if form.is_valid() else None
        if body is None:
            return self._drawn(application, form, shown)
        applying = request.POST.get("go") == "apply"
        impact = request.POST.get("impact") if applying else None
        sent = Sent(
            tenant=self.tenant,
            application_id=application.id,
            body=body,
            by=self.actor,
            at=self.at,
            relies_on=impact or shown,
            needs_impact=True,
        )
        form.keep()
        if applying:
            return self._applied(application, form, sent, shown)
        return self._looked(application, form, sent, shown)

    def _applied(self, application: Application, form: ManifestForm, sent: Sent, shown: str) -> HttpResponse:
        with self.attempt(form) as outcome:
            diff, _revision = sent.carried_out()
        if outcome:
            said = _("The manifest is declared.") if diff else _("It is declared already: nothing differs.")
            return self.done(said, self.to("manifest", application))
        if isinstance(outcome.refusal, ImpactRequired | ImpactChanged | ManifestChanged):
            return self._again(application, form, sent)
        return self._drawn(application, form, shown)

    def _looked(self, application: Application, form: ManifestForm, sent: Sent, shown: str) -> HttpResponse:
        with self.attempt(form) as outcome:
            found = sent.foreseen()
        if outcome:
            return self._drawn(application, form, shown, looked=_told(found, self))
        if isinstance(outcome.refusal, ManifestChanged):
            return self._again(application, form, sent)
        return self._drawn(application, form, shown)

    def _again(self, application: Application, form: ManifestForm, sent: Sent) -> HttpResponse:
        """Somebody declared, or the world moved: what it would change now, to be looked at anew."""
        now = declared.revision_of(self.document(application))
        fresh = ManifestForm(form.data)
        fresh.is_valid()
        again = Sent(
            tenant=sent.tenant,
            application_id=sent.application_id,
            body=sent.body,
            by=sent.by,
            at=sent.at,
            relies_on=now,
            needs_impact=True,
        )
        with self.attempt(fresh) as outcome:
            found = again.foreseen()
        if not outcome:
            return self._drawn(application, fresh, now)
        return self._drawn(application, fresh, now, looked=_told(found, self), moved=True, status=412)

    def _drawn(
        self, application: Application, form: ManifestForm, revision: str, status: int = 200, **more: Any
    ) -> HttpResponse:
        above = {"label": _("Manifest"), "url": self.to("manifest", application)}
        page = {
            "title": _("Change the manifest"),
            "breadcrumb": [*self.crumbs(application), above],
            "lead": _("Everything that the application declares: what is not in it any more, ends."),
        }
        context = {
            "page": page,
            "form": form,
            "revision": revision,
            "cancel_url": self.to("manifest", application),
            **more,
        }
        return self.render("accesscontrol/manifest_form.html", context, status=status)


def _written(document: dict[str, Any]) -> str:
    """For people."""
    return _PRIVILEGES.sub(_on_one_line, json.dumps(document, indent=2, ensure_ascii=False))


def _shown(document: dict[str, Any]) -> str:
    """The same, or nothing where it is too long for a page. On one line it is shorter, and made at once."""
    text = _written(document) if len(json.dumps(document, ensure_ascii=False)) <= LONGEST else ""
    return text if len(text) <= LONGEST else ""


def _on_one_line(found: re.Match[str]) -> str:
    return json.dumps(json.loads(found[0]))


def _body(form: forms.Form) -> dict[str, Any] | None:
    """The document, checked in itself; None with its errors at the form."""
    text = str(form.cleaned_data["document"])
    try:
        value = (json_text if text.lstrip().startswith("{") else yaml_text).read(text)
        found = ManifestIn(data=value)
        found.is_valid(raise_exception=True)
        body = dict(found.validated_data)
        parse(body)
    except (Invalid, ValidationError) as refused:
        document = problem.of(refused)
        for error in document.get("errors", [])[:MOST] or [{"pointer": "", "detail": document["detail"]}]:
            said = f"{error['pointer']}: {error['detail']}" if error["pointer"] else error["detail"]
            form.add_error("text", said)
        return None
    return body


def _told(found: dict[str, Any], page: ManifestPage) -> dict[str, Any]:
    """The diff in lists, and the impact as the confirmations show it."""
    diff = found["diff"]
    labels = (("added", _("Added")), ("changed", _("Changed")), ("removed", _("Ends")))
    lists = [_listed(label, diff[name]) for name, label in labels if diff[name]]
    if diff["superseded"]:
        pairs = [f"{pair['from']} → {pair['to']}" for pair in diff["superseded"]]
        lists.append(_listed(_("Superseded"), pairs))
    told: dict[str, Any] = {"lists": lists}
    if "impact" in found:
        told |= {"impact": found["impact"]["revision"]}
        told |= impacts.shown(found["impact"], page, nothing=_("Nobody loses anything by it."))
    return told


def _listed(label: str, found: list[str]) -> dict[str, Any]:
    items = [{"code": text} for text in found[:MOST]]
    return {"label": label, "items": items, "more": len(found) - len(items)}
