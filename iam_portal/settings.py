"""Settings, read from the environment, top to bottom. No secret has a default outside demo and tests."""

import ipaddress
from datetime import timedelta
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from iam_portal import broadcast, connecting, keyring, logs, schedule
from iam_portal.openapi import words

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Which installation is this -----------------------------------------------------------------------

PORTAL_ENVIRONMENT = env.str("PORTAL_ENVIRONMENT", default="production")  # production | demo | test
PRODUCTION = PORTAL_ENVIRONMENT == "production"
TESTING = PORTAL_ENVIRONMENT == "test"
DEBUG = False

if TESTING:
    environ.Env.ENVIRON.setdefault("SECRET_KEY", "test-" + "k" * 60)
    environ.Env.ENVIRON.setdefault("PORTAL_ENCRYPTION_KEYS", "dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtMDA=")
    environ.Env.ENVIRON.setdefault("PORTAL_SECRET_PEPPERS", "1:dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtMDA=")
    environ.Env.ENVIRON.setdefault("PORTAL_BASE_URL", "http://testserver")
    environ.Env.ENVIRON.setdefault("DATABASE_URL", "postgres://iam_web@localhost/iam")
    environ.Env.ENVIRON.setdefault("DATABASE_OWNER_URL", "postgres://iam_owner@localhost/iam")
    environ.Env.ENVIRON.setdefault("CELERY_BROKER_URL", "memory://")
    environ.Env.ENVIRON.setdefault("ALLOWED_HOSTS", "testserver,127.0.0.1,localhost")

SECRET_KEY = env.str("SECRET_KEY")
PORTAL_BASE_URL = env.str("PORTAL_BASE_URL").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")

# Fernet keys, newest first: private signing keys and other secrets that must be read again.
PORTAL_ENCRYPTION_KEYS = env.list("PORTAL_ENCRYPTION_KEYS")
# "number:base64" pairs; the highest number makes new digests of client secrets, the others still verify.
PORTAL_SECRET_PEPPERS = env.list("PORTAL_SECRET_PEPPERS")

_known = ("demo-", "test-", "django-insecure-", "dGVzdC10ZXN0", "1:dGVzdC10ZXN0")  # how those above begin
for _name in ("SECRET_KEY", "PORTAL_ENCRYPTION_KEYS", "PORTAL_SECRET_PEPPERS"):
    _values = env.list(_name)
    if PRODUCTION and (not _values or any(value.startswith(_known) for value in _values)):
        raise ImproperlyConfigured(f"{_name} is empty, or that of a demo or a test.")
if PRODUCTION:
    keyring.require_readable(encryption_keys=PORTAL_ENCRYPTION_KEYS, peppers=PORTAL_SECRET_PEPPERS)

# --- What it is made of -------------------------------------------------------------------------------

INSTALLED_APPS = [
    "accesscontrol.apps.AccessControlConfig",
    "applications.apps.ApplicationsConfig",
    "tenants.apps.TenantsConfig",
    "iam_portal.apps.PortalConfig",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django.contrib.auth",  # the toolkit's views import its models
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.messages",
    *("django.contrib.staticfiles", "django.forms"),  # the latter's widget templates, for the renderer below
]
MIDDLEWARE = [
    "iam_portal.tracing.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "iam_portal.csp.SecurityHeaders",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "iam_portal.languages.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "iam_portal.replica.FromReplica",  # the last: it calls the view
]
ROOT_URLCONF = "iam_portal.urls"
WSGI_APPLICATION = "iam_portal.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
FORM_RENDERER = "iam_portal.templatetags.controls.Controls"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # a user name is unique in its tenant only, by design
IAM_GATE = "accesscontrol.gate.PortalGate"
IAM_APPLICATION_AUTHENTICATION = "accesscontrol.authentication.ApplicationAuthentication"

# --- Database -----------------------------------------------------------------------------------------
# Web and worker log in as a role that owns nothing (row-level security binds it); migrations as the owner,
# whose address only the process that migrates is given.

DATABASES, _direct = {"default": env.db("DATABASE_URL")}, env.str("DATABASE_DIRECT_URL", default="")
if env.str("DATABASE_REPLICA_URL", default=""):
    DATABASES["replica"] = env.db("DATABASE_REPLICA_URL")  # answers lists (iam_portal.replica)
for _database in DATABASES.values():
    if TESTING:
        _database["CONN_MAX_AGE"] = 0
        continue
    # With checks: a connection that the server has closed is no request's.
    _database |= {**connecting.bounded(_database, pooled=bool(_direct)), "CONN_HEALTH_CHECKS": True}
    _database["OPTIONS"]["pool"] = connecting.pool(env.int("DATABASE_POOL_SIZE", default=6))
if "replica" in DATABASES and not TESTING:  # one that is away costs a request little: the primary answers
    DATABASES["replica"]["OPTIONS"] |= {"connect_timeout": 1, "tcp_user_timeout": 2000}
    DATABASES["replica"]["OPTIONS"]["pool"]["timeout"] = 0.3
if env.str("DATABASE_OWNER_URL", default=""):
    DATABASES["owner"] = env.db("DATABASE_OWNER_URL")

# Past a pooler that hands connections around: who listens needs one of its own.
DATABASE_DIRECT = connecting.bounded(env.db("DATABASE_DIRECT_URL"), pooled=False) if _direct else {}

# --- Events -------------------------------------------------------------------------------------------

PORTAL_AMQP = broadcast.read(env)
PORTAL_EVENT_RETENTION = timedelta(days=env.int("PORTAL_EVENT_RETENTION", default=90))
PORTAL_HISTORY_MONTHS = env.int("PORTAL_HISTORY_MONTHS", default=0)  # how many are kept; 0: all of them
PORTAL_ACL_RETENTION = timedelta(days=env.int("PORTAL_ACL_RETENTION", default=30))  # of what is gone
PORTAL_SESSION_RETENTION = timedelta(days=env.int("PORTAL_SESSION_RETENTION", default=90))
# Where the event service (manage.py serve_events) is reached from outside; empty when there is none.
PORTAL_EVENTS_URL = env.str("PORTAL_EVENTS_URL", default="").rstrip("/")
PORTAL_EVENT_STREAMS = env.int("PORTAL_EVENT_STREAMS", default=2000)
PORTAL_EVENT_STREAMS_PER_CALLER = env.int("PORTAL_EVENT_STREAMS_PER_CALLER", default=100)
PORTAL_EVENT_STREAMS_PER_TENANT = env.int("PORTAL_EVENT_STREAMS_PER_TENANT", default=500)
# Connections of one address that have not sent their request yet. The address is the peer's, maybe a proxy's.
PORTAL_EVENT_UNREAD_PER_ADDRESS = env.int("PORTAL_EVENT_UNREAD_PER_ADDRESS", default=200)

# --- People -------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS: list[str] = []  # sign-in goes through tenants.actions.sessions only
# A demo prints its passwords at the start: they need no slow hash.
_argon2 = "django.contrib.auth.hashers.Argon2PasswordHasher" if PRODUCTION else "tenants.hashers.LightArgon2"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher" if TESTING else _argon2]
# How long one must be is the tenant's own choice, and no part of its owner's name (tenants.passwords).
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"}]
# Seconds: default, least, most. A tenant chooses within (tenants.lifetimes). Whoever checks tokens by JWKS
# alone sees an unplanned end after an access token's life: nobody may make that longer.
LIFETIMES = {
    "access_token_seconds": (300, 30, 300),
    "refresh_idle_seconds": (3_600, 300, 43_200),
    "offline_idle_seconds": (2_592_000, 3_600, 7_776_000),
    "session_idle_seconds": (3_600, 300, 43_200),
    "session_seconds": (43_200, 900, 604_800),
    "proof_seconds": (900, 60, 43_200),  # then password or passkey are asked for again before some acts
}
INVITATION_LIFETIME = timedelta(days=7)
PORTAL_LINKS_PER_HOUR = env.int("PORTAL_LINKS_PER_HOUR", default=500)  # by mail, of one organization
EMAIL_CONFIG = env.email_url("EMAIL_URL", default=env.NOTSET if PRODUCTION else "consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="iam-portal@localhost")

# --- Languages and time -------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]
USE_TZ = True
TIME_ZONE = env.str("PORTAL_TIME_ZONE", default="UTC")

# --- Static files -------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("PORTAL_STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
_modules = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *(
        (prefix, folder)
        for prefix, folder in (
            ("vendor/tabler", _modules / "@tabler" / "core" / "dist" / "css"),
            ("vendor/htmx", _modules / "htmx.org" / "dist"),
        )
        if folder.is_dir()
    ),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if not PRODUCTION  # compressing takes longer than a demo saves by it
        else "whitenoise.storage.CompressedStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = TESTING  # found when asked for, not listed by each client

# --- Transport ----------------------------------------------------------------------------------------

_https = PORTAL_BASE_URL.startswith("https://")
SECURE_SSL_REDIRECT = _https and env.bool("PORTAL_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]  # read inside, past the proxy, by who can set no header
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if env.bool("PORTAL_BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# How many proxies of ours stand in front, each of which appends the peer it saw to X-Forwarded-For.
PORTAL_TRUSTED_PROXIES = env.int("PORTAL_TRUSTED_PROXIES", default=0)
# In which header a proxy of ours brings a client's certificate (RFC 8705), and what proves that proxy.
PORTAL_CLIENT_CERTIFICATE_HEADER = env.str("PORTAL_CLIENT_CERTIFICATE_HEADER", default="")
PORTAL_PROXY_SECRETS = env.list("PORTAL_PROXY_SECRET", default=[])
keyring.require_proof(header=PORTAL_CLIENT_CERTIFICATE_HEADER, secrets=PORTAL_PROXY_SECRETS)
SESSION_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = _https
# Taken by https alone and for this host alone: no neighbour below the same domain can set it.
CSRF_COOKIE_NAME = "__Host-csrftoken" if _https else "csrftoken"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "iam_portal.pages.csrf_failure"
# docs/limits.md: threads of a web process, as its server was told; how many requests run at once, 0: all.
PORTAL_WEB_THREADS = env.int("PORTAL_WEB_THREADS", default=64)
PORTAL_WEB_RUNNING = env.int("PORTAL_WEB_RUNNING", default=2)
PORTAL_CALLER_RATE = env.float("PORTAL_CALLER_RATE", default=50.0 if PRODUCTION else 0.0)  # a second; 0: any
PORTAL_TENANT_RATE = env.float("PORTAL_TENANT_RATE", default=200.0 if PRODUCTION else 0.0)
PORTAL_TOKEN_RATE = env.float("PORTAL_TOKEN_RATE", default=500.0 if PRODUCTION else 0.0)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
# What is uploaded may hold a private key by mistake: it never touches the disk. A larger file is dropped.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- REST ---------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accesscontrol.authentication.ServiceTokenAuthentication",
        "accesscontrol.authentication.ConsoleSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accesscontrol.authentication.DeclaredPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["iam_portal.bodies.JSONBody"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "iam_portal.bodies.Forms",
    "DEFAULT_SCHEMA_CLASS": "iam_portal.openapi.described.DoorSchema",
    "EXCEPTION_HANDLER": "iam_portal.problem.handle",
    "UNAUTHENTICATED_USER": None,
    "DATETIME_FORMAT": "iso-8601",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = words.SETTINGS

# --- OAuth --------------------------------------------------------------------------------------------

PORTAL_SHORT_WAY = env.str("PORTAL_SHORT_WAY", default="on")  # off: each token goes through the framework
# The toolkit asks for a model of each kind. It gets ours, and is never let near the last four.
OAUTH2_PROVIDER_APPLICATION_MODEL = "applications.Client"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "accesscontrol.RevokedToken"  # noqa: S105  (the name of a model)
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "accesscontrol.RefreshToken"  # noqa: S105  (the name of a model)
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "accesscontrol.AuthorizationCode"  # noqa: S105  (the name of a model)
OAUTH2_PROVIDER_GRANT_MODEL = "accesscontrol.AuthorizationCode"
OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "accesscontrol.oauth.validator.PortalValidator",
    "OAUTH2_SERVER_CLASS": "accesscontrol.oauth.server.TokenServer",
    "OAUTH2_BACKEND_CLASS": "accesscontrol.oauth.server.TokenCore",
    "SCOPES_BACKEND_CLASS": "accesscontrol.oauth.scopes.NoScopes",  # the default gives every scope
    "OAUTH_PRE_TOKEN_VALIDATION": [],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 300,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "PKCE_REQUIRED": True,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    # Left unset, refresh tokens would be made by the access-token generator and pass at a gateway.
    "REFRESH_TOKEN_GENERATOR": "oauthlib.oauth2.rfc6749.tokens.random_token_generator",
    "ALLOW_URI_WILDCARDS": False,
    # Demo and tests run their clients on loopback without TLS.
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"] if PRODUCTION else ["https", "http"],
    # RFC 9700, all ten; every one is off by default.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
}

# How long a key signs, how long before that the next one is published, how long it verifies afterwards.
SIGNING_KEY_LIFE = timedelta(days=env.int("PORTAL_SIGNING_KEY_DAYS", default=90))
SIGNING_KEY_AHEAD = timedelta(hours=env.int("PORTAL_SIGNING_KEY_AHEAD_HOURS", default=24))
SIGNING_KEY_KEPT = timedelta(hours=env.int("PORTAL_SIGNING_KEY_KEPT_HOURS", default=24))
if min(SIGNING_KEY_LIFE, SIGNING_KEY_AHEAD, SIGNING_KEY_KEPT) < timedelta(hours=1):
    raise ImproperlyConfigured("PORTAL_SIGNING_KEY_…: at least one day or hour each.")

# --- Worker -------------------------------------------------------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = schedule.JOBS
CONTRACT_REMINDER_DAYS = env.list("PORTAL_REMINDER_DAYS", cast=int, default=[30, 7, 1])
USAGE_FLUSH_SECONDS = 0 if TESTING else 5  # how long counts of tokens wait in a process; 0: none are made

# --- Webhooks -----------------------------------------------------------------------------------------


def _networks(named: list[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(network) for network in named]


# Besides public addresses; a malformed network stops the start.
PORTAL_WEBHOOK_ALLOWED_NETWORKS = _networks(env.list("PORTAL_WEBHOOK_ALLOWED_NETWORKS", default=[]))
PORTAL_WEBHOOK_INSECURE_HTTP = env.bool("PORTAL_WEBHOOK_INSECURE_HTTP", default=False)  # never in production
WEBHOOK_CONNECT_SECONDS, WEBHOOK_WHOLE_SECONDS, WEBHOOK_SLOW_SECONDS = 3.0, 10.0, 2.0  # slow: delivery.rounds

# --- Keys of others ------------------------------------------------------------------------------------

# Where keys of clients (jwks_uri) and of issuers they trust may lie besides public addresses.
PORTAL_FOREIGN_NETWORKS = _networks(env.list("PORTAL_FOREIGN_NETWORKS", default=[]))
FOREIGN_CONNECT_SECONDS, FOREIGN_WHOLE_SECONDS = 1.5, 3.0

# --- Logs and metrics ---------------------------------------------------------------------------------

PORTAL_WORKER_PORT = env.str("PORTAL_WORKER_PORT", default="")  # host:port; empty: the worker has none
# Who reads /metrics shows one of them (two while it is changed). Production without any answers 404 there.
PORTAL_METRICS_TOKENS = env.list("PORTAL_METRICS_TOKEN", default=[])
keyring.require_long(tokens=PORTAL_METRICS_TOKENS)
LOGGING_CONFIG = None
LOG_LEVEL = env.str("LOG_LEVEL", default="WARNING" if TESTING else "INFO")
logs.configure(LOG_LEVEL)
