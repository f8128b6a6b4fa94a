"""Questions about this process and its machine: settings, files."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings

from accesscontrol.installation import health
from accesscontrol.installation.doctor.findings import Finding, bad, doubtful, good

_A_FILE = Path("iam_portal") / "portal.css"  # of ours, that every page asks for


def settings_are_safe(clock: Callable[[], datetime]) -> Iterator[Finding]:
    """What ``check --deploy`` says."""
    if not settings.PRODUCTION:
        text = f"The environment is {settings.PORTAL_ENVIRONMENT}: what is unsafe is not looked at."
        yield doubtful("settings", text, "Set PORTAL_ENVIRONMENT=production where it is to be one.")
        return
    faults = health.faults()
    for fault in faults:
        make = bad if fault.serious else doubtful
        yield make("settings", f"{fault.id}: {fault.text}", fault.hint)
    if not faults:
        yield good("settings", "check --deploy has nothing to say.")


def static_files(clock: Callable[[], datetime]) -> Iterator[Finding]:
    """Whether pages have their looks."""
    if (Path(settings.STATIC_ROOT) / _A_FILE).is_file():
        yield good("static files", "They are collected.")
    else:
        mend = "Run manage.py collectstatic --noinput, into PORTAL_STATIC_ROOT of the web processes."
        yield bad("static files", "They are not where web looks for them.", mend)


def counts(clock: Callable[[], datetime]) -> Iterator[Finding]:
    """Where the processes of a server count."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if not folder:
        mend = (
            "Set PROMETHEUS_MULTIPROC_DIR for web and worker: a folder of each one's own, empty at its start."
        )
        yield doubtful("counts", "Each process counts for itself: /metrics jumps.", mend)
    elif not os.access(folder, os.W_OK | os.X_OK):
        mend = (
            "Make the folder of PROMETHEUS_MULTIPROC_DIR, for the processes to write to: none starts without."
        )
        yield bad("counts", "The folder for counts cannot be written to.", mend)
    else:
        yield good("counts", "The processes count in one folder.")
    if settings.PRODUCTION and not settings.PORTAL_METRICS_TOKENS:
        yield doubtful("counts", "Nobody can read /metrics.", "Set PORTAL_METRICS_TOKEN.")
