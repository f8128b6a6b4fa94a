#!/bin/sh
# Run once by the database's image, in an empty data directory: the roles that docs/operations.md names.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set password="$(cat /run/secrets/web-password)" <<'SQL'
CREATE ROLE iam_web LOGIN NOINHERIT PASSWORD :'password';
CREATE ROLE iam_cross NOLOGIN NOINHERIT;
GRANT iam_cross TO iam_web WITH INHERIT FALSE, SET TRUE;
SQL
