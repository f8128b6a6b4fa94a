"""Giving a role: first to whom, then which, then from when until when. And taking it away."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accesscontrol.actions import assignments
from accesscontrol.forms import AssignForm
from accesscontrol.models import Assignment
from accesscontrol.views import role_choices
from accesscontrol.views.assignments import RELATED, principal_of
from accesscontrol.views.panels import application_of
from applications.models import Application, ContractTerm
from applications.models.applications import PORTAL_ID
from iam_portal.decision import Decision
from iam_portal.errors import DomainError, NotFound
from tenants.http import paging, undoing
from tenants.http.undoing import Undo
from tenants.models import Group, Membership, Tenant, UserActivity
from tenants.models.lookups import there_is
from tenants.views.console import ConfirmPage, ConsolePage
from tenants.views.wording import address

MOST = 12  # of each kind among those to choose from
KINDS = ("user", "group", "application")


@dataclass(frozen=True, slots=True)
class Chosen:
    """To whom a role shall be given."""

    kind: str
    id: str
    name: str

    def as_wanted(self) -> dict[str, Any]:
        """Its part of what an assignment is made from."""
        return {"principal_application_id" if self.kind == "application" else f"{self.kind}_id": self.id}


class AssignRole(ConsolePage):
    """Without somebody in the address: whom; with: which role."""

    permission = "Roles:modify"
    recent = True

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = _chosen(self)
        if chosen is None:
            return _whom(self)
        return _which(self, chosen, None)

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = _chosen(self)
        if chosen is None:
            return _whom(self)
        groups = role_choices.offered(**_known(self))
        form = AssignForm(request.POST, values=_values(groups), at=self.at)
        if not form.is_valid():
            return _which(self, chosen, form)
        wanted = assignments.Wanted(
            **chosen.as_wanted(),
            **role_choices.parsed(form.cleaned_data["role"]),
            starts_at=form.cleaned_data["starts_at"],
            ends_at=form.cleaned_data["ends_at"],
        )
        with self.attempt(form) as outcome:
            assignments.assign(tenant=self.tenant, wanted=wanted, by=self.actor, at=self.at)
        if not outcome:
            return _which(self, chosen, form, outcome.refusal)
        back = address(self.slug, chosen.kind, chosen.id) if chosen.kind != "application" else ""
        said = _("%(name)s has the role.") if wanted.starts_at is None else _("%(name)s will have the role.")
        return self.done(said % {"name": chosen.name}, back or self.url("accesscontrol:assignment-list"))


class WithdrawRole(ConfirmPage):
    """The role ends now, for whom it was given to."""

    permission = "Roles:modify"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        row = self._row()
        name, _kind, url = principal_of(self, row)
        back = self.url("accesscontrol:assignment-list")
        people = Membership.objects.at(self.at).filter(group_id=row.group_id).count() if row.group_id else 0
        role, application = str(row.application_role or row.tenant_role), application_of(row)
        confirm = {
            "title": _("Withdraw %(role)s from %(name)s?") % {"role": role, "name": name},
            "act": _("Withdraw role"),
            "cancel_url": url if row.application_id is None and url else back,
            "counts": [{"label": _("Members who lose it, unless they have it otherwise"), "value": people}]
            if row.group_id
            else [],
            "nothing": _("%(name)s loses %(role)s of %(application)s, unless it is also held in another way.")
            % {"name": name, "role": role, "application": application},
            "danger": True,
        }
        crumbs = [{"label": _("Assignments"), "url": back}]
        return {"page": {"title": _("Withdraw"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        row = self._row()
        assignments.withdraw(tenant=self.tenant, assignment_id=row.pk, by=self.actor, at=self.at)
        name, _kind, _url = principal_of(self, row)
        role = row.application_role or row.tenant_role
        self.undo = _given_back(self, row)
        return _("%(role)s is withdrawn from %(name)s.") % {"name": name, "role": role}

    def _row(self) -> Assignment:
        rows = Assignment.objects.not_over(self.at).filter(tenant=self.tenant).select_related(*RELATED)
        found = rows.filter(pk=self.kwargs["assignment_id"]).first()
        if found is None:
            raise NotFound
        return found


def _given_back(page: ConsolePage, row: Assignment) -> Undo | None:
    """The role given anew for what was left of the time, where the form can say that."""
    kind = next(kind for kind in KINDS if getattr(row, f"{kind}_id") is not None)
    start = "" if row.during.lower <= page.at else undoing.typed(row.during.lower)
    end = undoing.typed(row.during.upper)
    if start is None or end is None:
        return None
    of = row.application_role.application_id if row.application_role else ""
    role = row.application_role or row.tenant_role
    value = role_choices.SEPARATOR.join((of, role.key if role else "", str(row.contract_id or "")))
    fields = (("role", value), ("starts_at", start), ("ends_at", end))
    to = f"{page.url('accesscontrol:assignment-add')}?{kind}={getattr(row, f'{kind}_id')}"
    return Undo(to, fields)


def _page(page: ConsolePage, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "breadcrumb": [{"label": _("Assignments"), "url": page.url("accesscontrol:assignment-list")}],
    }


def _values(groups: list[role_choices.RoleGroup]) -> list[tuple[str, str]]:
    return [(choice.value, choice.name) for group in groups for choice in group.choices]


def _chosen(page: ConsolePage) -> Chosen | None:
    """Whom the address names; NotFound when it is nobody of this organization."""
    for kind in KINDS:
        if text := page.request.GET.get(kind):
            found = _principals(page.tenant, page)[kind].filter(pk=_key(kind, text)).first()
            if found is None:
                raise NotFound
            return Chosen(kind, str(found.pk), str(found))
    return None


def _key(kind: str, text: str) -> str | UUID:
    if kind == "application":
        return text.replace("\0", "")
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def _principals(tenant: Tenant, page: ConsolePage) -> dict[str, Any]:
    """Who can hold a role here: active people, groups, applications that have a part here."""
    present = UserActivity.objects.at(page.at).filter(tenant=tenant, user=OuterRef("pk"))
    terms = ContractTerm.objects.filter(contract__consumer=tenant, contract__state="accepted")
    here = Q(owner=tenant) | Q(pk__in=terms.values("role__application"))
    applications = Application.objects.at(page.at).filter(here).exclude(pk=PORTAL_ID)
    return {
        # In the order of an index, until they are enough: by the name shown, everybody is sorted first.
        "user": tenant.users.filter(Q(there_is(present))).order_by(Lower("username")),
        "group": Group.objects.at(page.at).filter(tenant=tenant).order_by("name"),
        "application": applications.order_by("display_name", "id"),
    }


def _to_choose_from(page: ConsolePage, wanted: str) -> list[dict[str, Any]]:
    rows = _principals(page.tenant, page)
    if wanted:
        person = (
            Q(display_name__icontains=wanted) | Q(username__icontains=wanted) | Q(email__icontains=wanted)
        )
        rows["user"] = rows["user"].filter(person)
        rows["group"] = rows["group"].filter(name__icontains=wanted)
        rows["application"] = rows["application"].filter(
            Q(display_name__icontains=wanted) | Q(id__icontains=wanted)
        )
    labels = {"user": _("People"), "group": _("Groups"), "application": _("Applications, as services")}
    notes = {"user": "email", "group": "description", "application": "pk"}
    found = []
    for kind, label in labels.items():
        hits = list(rows[kind][: MOST + 1])
        items = [
            {
                "name": str(hit),
                "note": getattr(hit, notes[kind]),
                "url": f"{page.request.path}?{kind}={hit.pk}",
            }
            for hit in hits[:MOST]
        ]
        found.append({"label": label, "items": items, "more": len(hits) > MOST})
    return found


def _whom(page: ConsolePage) -> HttpResponse:
    wanted = paging.searched(page.request)
    context = {
        "page": _page(page, _("Assign a role")),
        "q": wanted,
        "kinds": _to_choose_from(page, wanted),
    }
    return page.render("accesscontrol/assignment_whom.html", context)


def _known(page: ConsolePage) -> dict[str, Any]:
    """For whom roles are offered: here, by whom, now."""
    return {"tenant": page.tenant, "actor": page.actor, "at": page.at, "read": page.answers}


def _which(
    page: ConsolePage, chosen: Chosen, form: AssignForm | None, refusal: object = None
) -> HttpResponse:
    wanted, picked = paging.searched(page.request), form.data.get("role", "") if form else ""
    if wanted:
        offer = role_choices.Offer(role_choices.offered(**_known(page), wanted=wanted))
    else:
        offer = role_choices.first(**_known(page), picked=picked)
    reasons = refusal.reasons if isinstance(refusal, DomainError) else ()
    context = {
        "page": _page(page, _("Assign a role to %(name)s") % {"name": chosen.name}),
        "chosen": chosen,
        "q": wanted,
        "groups": offer.groups,
        "partly": _partly(offer),
        "form": form or AssignForm(values=_values(offer.groups), at=page.at),
        "picked": picked,
        "refusal": Decision.no(*reasons) if reasons else None,
        "cancel_url": page.url("accesscontrol:assignment-list"),
        "other_url": page.request.path,
    }
    return page.render("accesscontrol/assignment_add.html", context)


def _partly(offer: role_choices.Offer) -> str:
    """That not everything is shown, and how to find the rest; empty where it is."""
    told = []
    if offer.own:
        told.append(_("the first of %(count)d roles of your organization") % {"count": offer.own})
    if offer.applications:
        told.append(_("the first of %(count)d applications") % {"count": offer.applications})
    said = _("Here are %(what)s. Search for another by its name.")
    return said % {"what": _(" and ").join(told)} if told else ""
