"""Each setting that would be unsafe is refused by ``check --deploy``, from the environment that says so."""

import base64
import re
from types import SimpleNamespace

import pytest
from django.conf import global_settings

from iam_portal import checks, unsafe_links, unsafe_values
from iam_portal.launchers.portal import ROOT
from tests.architecture.test_settings import DOCUMENTED, production, started

MODULES = (checks, unsafe_links, unsafe_values)
OF_SETTINGS = (
    checks.unsafe_settings,
    checks.uncounted_proxies,
    checks.plain_events,
    checks.unproved_certificates,
    checks.unlimited,
    unsafe_values.guessable_secrets,
    unsafe_values.open_browser,
    unsafe_values.odd_address,
    unsafe_values.reachable_insides,
    unsafe_values.absurd_values,
    unsafe_links.open_broker,
    unsafe_links.open_databases,
    unsafe_links.open_exchange,
    unsafe_links.open_mail,
)
# tests/architecture/test_wall_check.py and test_wall_seals.py
OF_DATABASE = {*(f"iam.E{number:03}" for number in range(6, 11)), "iam.E015"}
TOKEN = "wK0e5v1XjZ8mQ2rT7bN4cY9aL6hD3gFs"
PLAIN = base64.b64encode(b"a" * 32).decode()
DATABASE = "postgres://iam_web:word@"

# What somebody sets → what he is told.
UNSAFE: list[tuple[dict[str, str], set[str]]] = [
    ({"PORTAL_ENVIRONMENT": "demo"}, {"iam.E001"}),
    ({"PORTAL_BASE_URL": "http://iam.example.com"}, {"iam.E002", "iam.E025", "iam.E026"}),
    ({"PORTAL_BASE_URL": "https://olga:word@iam.example.com"}, {"iam.E027"}),
    ({"PORTAL_BASE_URL": "https://iam.example.com?x=1"}, {"iam.E027"}),
    ({"PORTAL_BASE_URL": "https://iam.example.org"}, {"iam.E028"}),
    ({"ALLOWED_HOSTS": "*"}, {"iam.E003"}),
    ({"ALLOWED_HOSTS": "am.example.com"}, {"iam.E028"}),
    ({"DATABASE_OWNER_URL": "postgres://iam_web@localhost/iam"}, {"iam.E004"}),
    ({"EMAIL_URL": "consolemail://"}, {"iam.E005"}),
    ({"EMAIL_URL": "smtp://mail.example.com:25"}, {"iam.E038"}),
    ({"PORTAL_TRUSTED_PROXIES": "0"}, {"iam.E011"}),
    ({"PORTAL_EVENTS_URL": "http://events.iam.example.com"}, {"iam.E012"}),
    ({"PORTAL_WEBHOOK_INSECURE_HTTP": "true"}, {"iam.E013"}),
    ({"SECRET_KEY": "short-" + TOKEN}, {"iam.E021"}),
    ({"SECRET_KEY": "ab" * 40}, {"iam.E021"}),
    ({"PORTAL_ENCRYPTION_KEYS": PLAIN}, {"iam.E022"}),
    ({"PORTAL_SECRET_PEPPERS": f"1:{PLAIN}"}, {"iam.E022"}),
    ({"PORTAL_METRICS_TOKEN": TOKEN, "PORTAL_PROXY_SECRET": TOKEN}, {"iam.E024"}),
    ({"PORTAL_SSL_REDIRECT": "false"}, {"iam.E026"}),
    *(
        ({name: f"10.0.0.0/8,{network}"}, {"iam.E029"})
        for name in unsafe_values.NETWORKS
        for network in (
            "127.0.0.1/32",
            "169.254.169.254/32",
            "0.0.0.0/0",
            "::/0",
            "fe80::/64",
            "::ffff:7f00:1/128",
        )
    ),
    *(({name: days}, {"iam.E030"}) for name in unsafe_values.RETENTIONS for days in ("0", "-1", "36500")),
    ({"LOG_LEVEL": "debug"}, {"iam.E031"}),
    ({"PORTAL_WEB_RUNNING": "0"}, {"iam.E040"}),
    ({"PORTAL_WEB_THREADS": "15"}, {"iam.E040"}),
    ({"DATABASE_POOL_SIZE": "3"}, {"iam.E041"}),
    ({"PORTAL_SHORT_WAY": "false"}, {"iam.E032"}),
    ({"DEFAULT_FROM_EMAIL": "Portal <iam@localhost>"}, {"iam.E033"}),
    ({"CELERY_BROKER_URL": "memory://"}, {"iam.E034"}),
    ({"CELERY_BROKER_URL": "rediss://broker.example.com"}, {"iam.E035"}),
    ({"CELERY_BROKER_URL": "redis://broker"}, {"iam.E035"}),
    ({"CELERY_BROKER_URL": "amqps://guest:guest@broker.example.com"}, {"iam.E035"}),
    ({"CELERY_BROKER_URL": "redis://:word@broker.example.com"}, {"iam.E036"}),
    ({"CELERY_BROKER_URL": "redis://:word@8.8.8.8:6379/0"}, {"iam.E036"}),
    ({"CELERY_BROKER_URL": "rediss://:word@broker.example.com?ssl_cert_reqs=CERT_NONE"}, {"iam.E036"}),
    ({"CELERY_BROKER_URL": "amqps://u:word@a.example.com;amqp://u:word@b.example.com"}, {"iam.E036"}),
    *(
        ({name: DATABASE + rest}, {"iam.E037"})
        for name in ("DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_REPLICA_URL")
        for rest in ("db.example.com/iam", "db.example.com/iam?sslmode=require", "8.8.8.8/iam?sslmode=prefer")
    ),
    ({"DATABASE_OWNER_URL": "postgres://iam_owner@db.example.com/iam"}, {"iam.E037"}),
    *(
        ({"PORTAL_AMQP_URL": url}, {"iam.E039"})
        for url in (
            "amqp://iam:word@mq.example.com/",
            "amqps://iam:word@mq.example.com/?ssl_cert_reqs=CERT_NONE",
            "amqps://guest:guest@mq.example.com/",
            "amqp://mq.internal/",
        )
    ),
]
SAFE: list[dict[str, str]] = [
    {"CELERY_BROKER_URL": url}
    for url in (
        "redis://127.0.0.1:6379/0",
        "redis://[::1]/0",
        "redis+socket:///run/valkey.sock",
        "redis://:word@valkey:6379/0",
        "redis://:word@10.1.2.3/0",
        "amqp://iam:word@rabbit.iam.svc.cluster.local//",
        "amqps://iam:word@a.example.com;amqps://iam:word@b.example.com",
    )
] + [
    {"DATABASE_URL": DATABASE + "db.example.com/iam?sslmode=verify-full"},
    {"DATABASE_URL": DATABASE + "%2Frun%2Fpostgresql/iam"},
    {"DATABASE_URL": DATABASE + "postgres/iam"},
    {"DATABASE_DIRECT_URL": ""},
    *({"PORTAL_AMQP_URL": url} for url in ("amqps://iam:word@mq.example.com/", "amqp://iam:word@mq/", "")),
    {"EMAIL_URL": "smtp://mail:25"},
    {"EMAIL_URL": "smtp+ssl://mail.example.com:465"},
    {"ALLOWED_HOSTS": ".example.com"},
    {"PORTAL_WEBHOOK_ALLOWED_NETWORKS": "10.0.0.0/8,fd12::/16", "PORTAL_FOREIGN_NETWORKS": "192.168.0.0/16"},
    {"PORTAL_METRICS_TOKEN": f"{TOKEN},{TOKEN[::-1]}", "PORTAL_SHORT_WAY": "off"},
]


def told(monkeypatch: pytest.MonkeyPatch, settings: SimpleNamespace) -> set[str]:
    """The ids of all errors under these settings; each must be one, with a hint, and name no secret."""
    whole = SimpleNamespace(**{**vars(global_settings), **vars(settings)})
    for module in MODULES:
        monkeypatch.setattr(module, "settings", whole)
    found = [message for check in OF_SETTINGS for message in check(None)]
    for message in found:
        assert message.is_serious() and message.hint, message
        assert "word" not in f"{message.msg}{message.hint}".replace("passwords", "").replace("password", "")
    return {message.id for message in found if message.id}


def test_the_documented_environment_is_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, started(production())) == set()


@pytest.mark.parametrize(("changed", "codes"), UNSAFE, ids=[str(dict(changed)) for changed, _ in UNSAFE])
def test_what_is_unsafe_is_an_error(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], codes: set[str]
) -> None:
    assert told(monkeypatch, started(production(**changed))) == codes


@pytest.mark.parametrize("changed", SAFE, ids=[str(changed) for changed in SAFE])
def test_what_is_safe_passes(monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]) -> None:
    assert told(monkeypatch, started(production(**changed))) == set()


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DEBUG", True, "iam.E020"),
        ("CSRF_COOKIE_NAME", "csrftoken", "iam.E025"),
        ("CSRF_COOKIE_SECURE", False, "iam.E025"),
        ("SESSION_COOKIE_SECURE", False, "iam.E025"),
        ("SECURE_HSTS_SECONDS", 3600, "iam.E026"),
        # Such an environment does not start.
        ("PORTAL_CLIENT_CERTIFICATE_HEADER", "ClientCert", "iam.E014"),
        ("PORTAL_METRICS_TOKENS", [TOKEN, TOKEN[:31]], "iam.E023"),
    ],
)
def test_what_no_variable_says_is_looked_at_too(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object, code: str
) -> None:
    settings = started(production())
    setattr(settings, name, value)
    assert told(monkeypatch, settings) == {code}


def test_each_check_has_its_test_and_its_line_in_the_documentation() -> None:
    written = "".join(
        (ROOT / "iam_portal" / f"{module.__name__.split('.')[1]}.py").read_text() for module in MODULES
    )
    known = set(re.findall(r'id="(iam\.E[0-9]{3})"', written)) | OF_DATABASE
    tested = (
        {code for _, codes in UNSAFE for code in codes} | {"iam.E014", "iam.E020", "iam.E023"} | OF_DATABASE
    )
    page = (ROOT / "docs" / "operations.md").read_text()
    documented = re.findall(r"^\| `(iam\.E[0-9]{3})` \|", page, re.M)
    assert known == tested
    assert sorted(documented) == sorted(known)


def test_an_id_has_one_meaning() -> None:
    """An operator looks it up: it is given by one place, and has one line in the table."""
    given = [  # those that are followed by words have their hint there
        code
        for path in (ROOT / "iam_portal").rglob("*.py")
        for code in re.findall(r'(?<!\[)"(iam\.[EW][0-9]{3})"(?!: ")', path.read_text())
    ]
    assert set(given) > OF_DATABASE | {"iam.E001", "iam.W031"}
    assert sorted(given) == sorted(set(given))


# Any value of these is as safe as another, or the start refuses what is not.
HARMLESS = {
    "PORTAL_HISTORY_MONTHS",  # tenants.actions.retention keeps a year at least
    "PORTAL_CLIENT_CERTIFICATE_HEADER",
    "PORTAL_BEHIND_TLS_PROXY",
    "PORTAL_STATIC_ROOT",
    "PORTAL_WORKER_PORT",
    "PORTAL_TIME_ZONE",
    "PORTAL_REMINDER_DAYS",
    "PORTAL_CALLER_RATE",  # 0: any number; turns keep one organization from having all threads
    "PORTAL_TENANT_RATE",
    "PORTAL_TOKEN_RATE",
    "PORTAL_LINKS_PER_HOUR",
    "PORTAL_SIGNING_KEY_DAYS",
    "PORTAL_SIGNING_KEY_AHEAD_HOURS",
    "PORTAL_SIGNING_KEY_KEPT_HOURS",
    "PORTAL_AMQP_EXCHANGE",  # a name at the broker
    "PORTAL_AMQP_TENANTS",  # the operator says whose; what is no id stops the start
    "PORTAL_EVENT_STREAMS",
    "PORTAL_EVENT_STREAMS_PER_CALLER",
    "PORTAL_EVENT_STREAMS_PER_TENANT",
    "PORTAL_EVENT_UNREAD_PER_ADDRESS",
}


def test_every_variable_is_checked_or_harmless() -> None:
    names = set(re.findall(r"^([A-Z_]+)=", DOCUMENTED.read_text(), re.M))
    checked = {name for changed, _ in UNSAFE for name in changed}
    assert names - checked == HARMLESS
