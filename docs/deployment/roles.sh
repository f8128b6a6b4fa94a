#!/bin/sh
# Run once by the database's image, in an empty data directory: the roles that docs/operations.md names. The superuser is
# left without a password: he comes in by the socket of the container alone (docker compose exec database psql -U postgres).
set -eu
psql --set ON_ERROR_STOP=1 --username postgres --dbname "$POSTGRES_DB" --set database="$POSTGRES_DB" \
  --set owner="$(cat "${SECRETS:=/run/secrets}/owner-password")" --set web="$(cat "$SECRETS/web-password")" <<'SQL'
ALTER ROLE CURRENT_USER PASSWORD NULL;
CREATE ROLE iam_owner LOGIN CREATEROLE PASSWORD :'owner';
ALTER DATABASE :"database" OWNER TO iam_owner;
CREATE ROLE iam_web LOGIN NOINHERIT PASSWORD :'web';
CREATE ROLE iam_cross NOLOGIN NOINHERIT;
GRANT iam_cross TO iam_web WITH INHERIT FALSE, SET TRUE;
SQL
