"""Authlib in Flask with its SQLAlchemy mix-ins: ``AUTHLIB`` is ``opaque`` or ``signed``.

``opaque`` keeps a row for each token, ``signed`` gives JWTs by RFC 9068 and keeps none.
"""

import json
import os
import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.sqla_oauth2 import (
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_query_client_func,
    create_save_token_func,
)
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

SIGNED = os.environ["AUTHLIB"] == "signed"
application = Flask("reader")
application.config.update(
    SQLALCHEMY_DATABASE_URI="postgresql+psycopg://{DATABASE_USER}@/{DATABASE}?host={DATABASE_HOST}".format_map(
        os.environ
    ),
    OAUTH2_TOKEN_EXPIRES_IN={"client_credentials": 300},
)
database = SQLAlchemy(application)


class Client(database.Model, OAuth2ClientMixin):
    id = database.Column(database.Integer, primary_key=True)


class Token(database.Model, OAuth2TokenMixin):
    id = database.Column(database.Integer, primary_key=True)
    user_id = database.Column(database.Integer)  # what saves a token asks for it; a service has none


class Credentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]


class Signer(JWTBearerTokenGenerator):
    """Signs with the key of this run."""

    def get_jwks(self) -> dict[str, Any]:
        return {"keys": [json.loads(os.environ["SIGNING_KEY"])]}

    def get_audiences(self, client: Any, user: Any, scope: str) -> str:
        return "meter"


def _no_row(token: dict[str, Any], request: Any) -> None:
    """A signed token is kept by whoever holds it."""


save = _no_row if SIGNED else create_save_token_func(database.session, Token)
server = AuthorizationServer(application, create_query_client_func(database.session, Client), save)
server.register_grant(Credentials)
if SIGNED:
    server.register_token_generator("client_credentials", Signer("http://127.0.0.1", alg="ES256"))


@application.post("/token")
def token() -> Any:
    return server.create_token_response()


def prepare() -> None:
    """Tables, and one client that gets its tokens by client credentials."""
    with application.app_context():
        database.create_all()
        client = Client(client_id="reader", client_secret=os.environ["SECRET"])
        client.client_id_issued_at = int(time.time())
        client.set_client_metadata(
            {
                "grant_types": ["client_credentials"],
                "scope": "read",
                "token_endpoint_auth_method": "client_secret_basic",
            }
        )
        database.session.add(client)
        database.session.commit()
