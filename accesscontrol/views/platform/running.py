"""Jobs, queues and the health of the installation, as its operator sees them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accesscontrol.installation import health, jobs, queues
from accesscontrol.views.platform.frame import PlatformPage, whole
from tenants.forms.lifetimes import in_words

_STATES: dict[str, tuple[str, str | Promise]] = {
    "on_time": ("active", gettext_lazy("On time")),
    "late": ("expired", gettext_lazy("Late")),
    "failed": ("failed", gettext_lazy("Failed")),
    "new": ("draft", gettext_lazy("Not run yet")),
}
STILL = timedelta(minutes=2)  # nothing ran for so long: neither job of a second


class Jobs(PlatformPage):
    """Each job with its last and next run; what waits."""

    permission = "Jobs:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        found = jobs.scheduled()
        waiting = queues.queues(at=self.at)
        last = jobs.latest(found)
        troubled = [job for job in found if job.state(self.at) in ("failed", "late")]
        count = len(troubled)
        context = {
            "page": {
                "title": _("Jobs and queues"),
                "lead": _("No answer waits for a job. One that stands still delays events and mail."),
            },
            "still": last if last is None or self.at - last > STILL else None,
            "is_still": last is None or self.at - last > STILL,
            "troubled": ngettext("%(count)d job needs a look.", "%(count)d jobs need a look.", count)
            % {"count": count}
            if count
            else "",
            "tiles": _tiles(waiting),
            "table": {
                "caption": _("Jobs"),
                "columns": _columns(),
                "rows": [{"cells": _cells(job, self.at)} for job in found],
            },
            "queues": _queues(waiting),
        }
        return self.render("accesscontrol/job_list.html", context)


class System(PlatformPage):
    """What /readyz asks and why it would say no; what this process runs on."""

    permission = "Jobs:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        found = health.health(at=self.at, clock=timezone.now)
        context = {
            "page": {
                "title": _("System health"),
                "lead": _("Of the process that answered, and of the database behind all of them."),
                "state": "available" if found.ready else "failed",
                "state_word": _("Ready") if found.ready else _("Not ready"),
            },
            "asked": _asked(found),
            "database": _database(found.database),
            "process": _process(found),
            "faults": found.faults,
        }
        return self.render("accesscontrol/system_health.html", context)


def _columns() -> list[dict[str, Any]]:
    return [{"label": label} for label in (_("Job"), _("State"), _("Last run"), _("How often"))]


def _cells(job: jobs.Job, at: datetime) -> list[dict[str, Any]]:
    shape, word = _STATES[job.state(at)]
    said: dict[str, Any] = {"state": shape, "word": word}
    if job.failures:
        words = {"count": job.failures, "error": job.error}
        many = ngettext("once: %(error)s", "%(count)d times in a row: %(error)s", job.failures)
        said["note"] = many % words
    return [{"text": job.name, "note": job.task}, said, _last(job), _next(job)]


def _last(job: jobs.Job) -> dict[str, Any]:
    if job.finished_at is None:
        return {"text": "–"}
    return {"at": job.finished_at, "note": _("took %(time)s") % {"time": _took(job.milliseconds)}}


def _next(job: jobs.Job) -> dict[str, Any]:
    """How often; where that is less than several times a minute, also when next."""
    often = _often(int(job.every.total_seconds()))
    if job.next_at is None or job.every < timedelta(minutes=1):
        return {"text": often}
    moment = job.next_at.astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")
    return {"text": often, "note": _("next about %(moment)s") % {"moment": moment}}


def _often(seconds: int) -> str:
    """``every minute``, ``every 5 seconds``."""
    whole_units = {1: _("every second"), 60: _("every minute"), 3600: _("every hour"), 86400: _("every day")}
    return whole_units.get(seconds) or _("every %(time)s") % {"time": in_words(seconds)}


def _took(milliseconds: int) -> str:
    if milliseconds < 1000:
        return _("%(count)d ms") % {"count": milliseconds}
    return _("%(seconds).1f s") % {"seconds": milliseconds / 1000}


def _tiles(waiting: queues.Queues) -> list[dict[str, Any]]:
    tasks = _("no answer") if waiting.tasks is None else whole(waiting.tasks)
    services = ngettext("at %(count)d event service", "at %(count)d event services", waiting.services) % {
        "count": waiting.services
    }
    return [
        {"label": _("Tasks at the broker"), "value": tasks, "note": _("not taken by a worker yet")},
        {
            "label": _("Events without position"),
            "value": whole(waiting.outbox.count),
            "note": _("last given: %(position)s") % {"position": whole(waiting.position)},
        },
        {
            "label": _("Webhooks that fail"),
            "value": whole(waiting.webhooks.failing),
            "note": _("of %(count)s subscriptions") % {"count": whole(waiting.webhooks.subscriptions)},
        },
        {"label": _("Waiting for events"), "value": whole(waiting.listeners), "note": services},
    ]


def _queues(waiting: queues.Queues) -> list[dict[str, Any]]:
    hooks, chains = waiting.webhooks, waiting.chains
    return [
        _fact(_("Events without position"), waiting.outbox.count, waiting.outbox.since),
        _fact(_("Webhooks that fail"), hooks.failing, hooks.failing_since),
        _fact(_("Webhooks that are behind"), hooks.behind, None),
        _fact(_("Webhooks that the portal paused"), hooks.stopped, None),
        _fact(_("Deliveries asked for by hand"), hooks.asked.count, hooks.asked.since),
        _fact(_("Rows of history without a link"), chains.waiting, None),
        _fact(_("Organizations whose chain is broken"), chains.broken, None),
        {
            "label": _("Oldest check of a chain"),
            **({"at": chains.checked_since} if chains.checked_since else {"text": _("none yet")}),
        },
    ]


def _fact(label: str, count: int, since: datetime | None) -> dict[str, Any]:
    """A count, and since when the oldest waits."""
    return {"label": label, "text": whole(count), **({"at": since} if count and since else {})}


def _asked(found: health.Health) -> list[dict[str, Any]]:
    """The questions of /readyz, each with its answer."""
    pending = ", ".join(found.database.pending)
    gaps = " ".join(f"{code}: {text}" for code, text in sorted(found.wall.items()))
    return [
        _answer(_("Database"), "", _("It answers.")),
        _answer(_("Migrations"), pending, _("All of them are applied.")),
        _answer(_("Wall between organizations"), gaps, _("The login is held by row-level security.")),
        _answer(
            _("Signing keys"),
            ", ".join(found.without_signer),
            _("There is a key of each algorithm to sign with."),
        ),
    ]


def _answer(label: str, missing: str, good: str) -> dict[str, Any]:
    state = "failed" if missing else "available"
    word = _("Missing") if missing else _("Good")
    return {"label": label, "state": state, "word": word, "text": missing or good}


def _database(found: health.Database) -> list[dict[str, Any]]:
    ahead = round(found.ahead.total_seconds() * 1000)
    note = "" if found.clocks_agree else _("Set both by NTP: planned moments would be early or late.")
    return [
        {"label": _("PostgreSQL"), "text": found.version},
        {"label": _("Size"), "text": _("%(size)s MB") % {"size": whole(round(found.size / 1_000_000))}},
        {"label": _("Migrations applied"), "text": whole(found.applied)},
        {
            "label": _("Its clock against ours"),
            "text": _("%(count)+d ms") % {"count": ahead},
            "note": note,
        },
    ]


def _process(found: health.Health) -> list[dict[str, Any]]:
    """Settings that say how it runs; of secrets, how many there are."""
    kept = int(settings.PORTAL_EVENT_RETENTION.total_seconds())
    mail = settings.EMAIL_BACKEND.rsplit(".", 2)[-2]
    return [
        {"label": _("Version"), "text": found.version or _("unknown")},
        {"label": _("Environment"), "text": found.environment},
        {"label": _("Address"), "code": settings.PORTAL_BASE_URL},
        {"label": _("Event service"), "code": settings.PORTAL_EVENTS_URL}
        if settings.PORTAL_EVENTS_URL
        else {"label": _("Event service"), "text": _("none")},
        {"label": _("Mail"), "text": mail},
        {"label": _("Proxies in front"), "text": whole(settings.PORTAL_TRUSTED_PROXIES)},
        {"label": _("Encryption keys"), "text": whole(len(settings.PORTAL_ENCRYPTION_KEYS))},
        {"label": _("Peppers"), "text": whole(len(settings.PORTAL_SECRET_PEPPERS))},
        {
            "label": _("Events are kept"),
            "text": in_words(kept),
        },
        {"label": _("History is kept"), "text": _history()},
    ]


def _history() -> str:
    months: int = settings.PORTAL_HISTORY_MONTHS
    if not months:
        return _("all of it")
    return ngettext("%(count)d month", "%(count)d months", months) % {"count": months}
