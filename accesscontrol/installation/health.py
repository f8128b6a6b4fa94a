"""Whether this process can serve, on what it stands, and under which settings. No value of a secret."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accesscontrol.actions import keys
from iam_portal import wall_check
from iam_portal.walls import tenant_scope

SKEW = timedelta(seconds=5)  # more between two clocks, and moments that were planned are missed or early
_DATABASE = """
SELECT current_setting('server_version'), pg_database_size(current_database()), clock_timestamp(),
    (SELECT count(*) FROM django_migrations)
"""


@dataclass(frozen=True, slots=True)
class Database:
    """The server behind ``DATABASE_URL``. ``ahead``: how far its clock is before ours."""

    version: str
    size: int  # bytes
    ahead: timedelta
    applied: int  # migrations
    pending: tuple[str, ...]

    @property
    def clocks_agree(self) -> bool:
        """As far as decisions by the second need it."""
        return abs(self.ahead) <= SKEW


@dataclass(frozen=True, slots=True)
class Fault:
    """What ``check --deploy`` says of the settings of this process."""

    id: str
    text: str
    hint: str
    serious: bool


@dataclass(frozen=True, slots=True)
class Health:
    """What /readyz asks, with all that is missing instead of the first; and more that only people need."""

    version: str
    environment: str
    database: Database
    wall: dict[str, str]  # code → what lets the login through
    without_signer: tuple[str, ...]
    faults: tuple[Fault, ...]

    @property
    def ready(self) -> bool:
        """As a prober is answered."""
        return not (self.database.pending or self.wall or self.without_signer)


def health(*, at: datetime, clock: Callable[[], datetime]) -> Health:
    """Of this process and its database. ``clock`` is ours, to be set against the server's."""
    with tenant_scope(""):  # nobody's: what is seen now is seen without any tenant
        gaps = wall_check.gaps(connection)
    return Health(
        version=product_version(),
        environment=settings.PORTAL_ENVIRONMENT,
        database=database(clock),
        wall=gaps,
        without_signer=tuple(keys.without_signer(at=at)),
        faults=tuple(faults()),
    )


def product_version() -> str:
    """Of what runs: as it was installed, or as its sources say."""
    try:
        return version("iam-portal")
    except PackageNotFoundError:
        return _written()


def _written() -> str:
    path = settings.BASE_DIR / "pyproject.toml"
    lines = path.read_text().splitlines() if path.exists() else []
    found = (line.split('"')[1] for line in lines if line.startswith("version = "))
    return next(found, "")


def database(clock: Callable[[], datetime]) -> Database:
    """As it is now, seen from this process."""
    before = clock()
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        server, size, theirs, applied = cursor.fetchone()
    ours = before + (clock() - before) / 2
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    pending = tuple(f"{migration.app_label}.{migration.name}" for migration, _backwards in plan)
    return Database(server, size, theirs - ours, applied, pending)


def faults() -> Sequence[Fault]:
    """The deployment checks, ours and the framework's: they name settings and never their values."""
    found = checks.run_checks(tags=[checks.Tags.security], include_deployment_checks=True)
    told = [
        Fault(message.id or "", str(message.msg), str(message.hint or ""), message.is_serious())
        for message in found
        if not message.is_silenced()
    ]
    return sorted(told, key=lambda fault: (not fault.serious, fault.id))
