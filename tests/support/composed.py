"""The database of compose.yaml: as its image makes it, with the roles of docs/deployment/roles.sh."""

import os
import subprocess
from pathlib import Path

import psycopg

from iam_portal.launchers import placement
from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.postgres import DATABASE, EmbeddedPostgres, ensure_database

SECRETS = {"owner-password": "made-up-owner", "web-password": "made-up-web"}


class ComposedPostgres(EmbeddedPostgres):
    """Of the version that the demo has: the script speaks to 16 and newer. Nobody need show a password."""

    superuser = "postgres"

    def _ensure_roles(self) -> None:
        with psycopg.connect(self.url(self.superuser, "postgres"), autocommit=True) as connection:
            connection.execute("ALTER ROLE postgres PASSWORD 'made-up-owner'")  # as the image sets one
            ensure_database(connection, DATABASE)
        secrets = self.data_dir.parent / "secrets"
        secrets.mkdir(exist_ok=True)
        for name, value in SECRETS.items():
            (secrets / name).write_text(f"{value}\n")
        programs = f"{placement.find_binaries()}:{os.defpath}"
        environment = {"PATH": programs, "PGHOST": str(self._sockets), "POSTGRES_DB": DATABASE}
        script = Path("docs", "deployment", "roles.sh")
        subprocess.run(
            ["sh", script],
            cwd=ROOT,
            env=environment | {"SECRETS": str(secrets)},
            check=True,
            capture_output=True,
        )
