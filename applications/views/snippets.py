"""The first lines of code for a client that was just made: ready to be copied, run by a test.

Nothing of what people typed is put in as it is: shells and languages have their own quotes.
"""

import json
import shlex
from dataclasses import dataclass

SECRET, KEY, CERTIFICATE, ISSUER = "secret", "key", "certificate", "issuer"
WEB, PUBLIC = "web", "public"


@dataclass(frozen=True, slots=True)
class Place:
    """What the code speaks of. ``secret`` is shown this once; ``redirect`` is where people come back."""

    kind: str
    client_id: str
    issuer: str
    token_endpoint: str
    secret: str = ""
    redirect: str = ""

    @property
    def endpoints(self) -> str:
        """Where the endpoints of the issuer are."""
        return f"{self.issuer}/protocol/openid-connect"


@dataclass(frozen=True, slots=True)
class Snippet:
    """One of them; ``name`` is the language with its library."""

    name: str
    code: str


def snippets(place: Place) -> list[Snippet]:
    """curl, Python and JavaScript for this kind of client."""
    made = [
        ("curl", _CURL[place.kind]),
        ("Python (Authlib)" if place.kind in _AUTHLIB else "Python (requests)", _PYTHON[place.kind]),
        ("JavaScript (openid-client)" if place.kind in _OPENID else "JavaScript", _SCRIPT[place.kind]),
    ]
    return [
        Snippet(name, _filled(code, place, _SHELL if name == "curl" else json.dumps)) for name, code in made
    ]


def _filled(code: str, place: Place, quoted: object) -> str:
    values = {
        "CLIENT_ID": place.client_id,
        "SECRET": place.secret,
        "ISSUER": place.issuer,
        "TOKEN_ENDPOINT": place.token_endpoint,
        "AUTH_ENDPOINT": f"{place.endpoints}/auth",
        "REDIRECT": place.redirect,
        "BASIC": f"{place.client_id}:{place.secret}",
    }
    for name, value in values.items():
        code = code.replace(f"«{name}»", quoted(value))  # type: ignore[operator]
    return code.strip()


_SHELL = shlex.quote
_GRANT = "  -d grant_type=client_credentials \\\n"
_BY_ASSERTION = (
    "  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\\n"
    '  -d client_assertion="$ASSERTION" \\\n'
)
_AUTHLIB = (SECRET, KEY, WEB, PUBLIC)
_OPENID = (SECRET, KEY, WEB, PUBLIC)
_SIGN_IN = """# Open this address in a browser; PKCE: VERIFIER stays with you.
VERIFIER=$(openssl rand -hex 32)
CHALLENGE=$(printf %s "$VERIFIER" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d =)
curl -sG -o /dev/null -w '%{url_effective}\\n' «AUTH_ENDPOINT» \\
  -d response_type=code -d scope=openid --data-urlencode client_id=«CLIENT_ID» \\
  --data-urlencode redirect_uri=«REDIRECT» -d code_challenge_method=S256 -d code_challenge="$CHALLENGE"
# Then, with the code that came back:
# curl %s-d grant_type=authorization_code -d code=… \\
#   --data-urlencode redirect_uri=«REDIRECT» -d code_verifier="$VERIFIER" «TOKEN_ENDPOINT»
"""
_CURL = {
    SECRET: f"curl -u «BASIC» \\\n{_GRANT}  «TOKEN_ENDPOINT»",
    KEY: "# ASSERTION: a JWT signed by your key (RFC 7523), its aud «ISSUER»\n"
    f"curl -d client_id=«CLIENT_ID» \\\n{_BY_ASSERTION}{_GRANT}  «TOKEN_ENDPOINT»",
    CERTIFICATE: f"curl --cert client.pem --key client.key -d client_id=«CLIENT_ID» \\\n{_GRANT}"
    "  «TOKEN_ENDPOINT»",
    ISSUER: '# The token that your cluster or pipeline gives the job\nASSERTION=$(cat "$TOKEN_FILE")\n'
    f"curl -d client_id=«CLIENT_ID» \\\n{_BY_ASSERTION}{_GRANT}  «TOKEN_ENDPOINT»",
    WEB: _SIGN_IN.replace("%s-d grant", "-u «BASIC» -d grant"),
    PUBLIC: _SIGN_IN.replace("%s-d grant", "-d client_id=«CLIENT_ID» -d grant"),
}

_PYTHON_SIGN_IN = """
from authlib.integrations.requests_client import OAuth2Session

session = OAuth2Session(
    «CLIENT_ID»,
    %s,
    redirect_uri=«REDIRECT»,
    scope="openid",
    code_challenge_method="S256",
)
verifier = secrets.token_urlsafe(48)
address, state = session.create_authorization_url(«AUTH_ENDPOINT», code_verifier=verifier)
print("Send the person to", address)
back = input("Where did the browser come back to? ")
token = session.fetch_token(«TOKEN_ENDPOINT», authorization_response=back, code_verifier=verifier)
print(token["access_token"])
"""
_PYTHON = {
    SECRET: """
from authlib.integrations.requests_client import OAuth2Session

with OAuth2Session(«CLIENT_ID», «SECRET») as session:
    token = session.fetch_token(«TOKEN_ENDPOINT», grant_type="client_credentials")
print(token["access_token"])
""",
    KEY: """
from pathlib import Path

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

key = Path("private.pem").read_text()
with OAuth2Session(«CLIENT_ID», key, token_endpoint_auth_method=PrivateKeyJWT(«ISSUER»)) as session:
    token = session.fetch_token(«TOKEN_ENDPOINT», grant_type="client_credentials")
print(token["access_token"])
""",
    CERTIFICATE: """
import requests

form = {"grant_type": "client_credentials", "client_id": «CLIENT_ID»}
reply = requests.post(«TOKEN_ENDPOINT», form, cert=("client.pem", "client.key"), timeout=10)
print(reply.json()["access_token"])
""",
    ISSUER: """
import os
from pathlib import Path

import requests

form = {
    "grant_type": "client_credentials",
    "client_id": «CLIENT_ID»,
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": Path(os.environ["TOKEN_FILE"]).read_text(),
}
print(requests.post(«TOKEN_ENDPOINT», form, timeout=10).json()["access_token"])
""",
    WEB: "import secrets\n" + _PYTHON_SIGN_IN.replace("%s", "«SECRET»"),
    PUBLIC: "import secrets\n" + _PYTHON_SIGN_IN.replace("%s", 'token_endpoint_auth_method="none"'),
}

_SCRIPT_SIGN_IN = """
import * as openid from 'openid-client'

const client = await openid.discovery(new URL(«ISSUER»), «CLIENT_ID»%s)
const verifier = openid.randomPKCECodeVerifier()
const state = openid.randomState()
const address = openid.buildAuthorizationUrl(client, {
  redirect_uri: «REDIRECT»,
  scope: 'openid',
  code_challenge: await openid.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
})
console.log('Send the person to', address.href)
// In the page behind the redirect address; `url` is its own, with the code:
// const expected = { pkceCodeVerifier: verifier, expectedState: state }
// const tokens = await openid.authorizationCodeGrant(client, url, expected)
"""
_SCRIPT = {
    SECRET: """
import * as openid from 'openid-client'

const proof = openid.ClientSecretBasic(«SECRET»)
const client = await openid.discovery(new URL(«ISSUER»), «CLIENT_ID», undefined, proof)
const token = await openid.clientCredentialsGrant(client)
console.log(token.access_token)
""",
    KEY: """
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as openid from 'openid-client'

const der = createPrivateKey(readFileSync('private.pem')).export({ format: 'der', type: 'pkcs8' })
const kind = { name: 'ECDSA', namedCurve: 'P-256' } // or what your key is
const key = await crypto.subtle.importKey('pkcs8', der, kind, false, ['sign'])
const client = await openid.discovery(new URL(«ISSUER»), «CLIENT_ID», undefined, openid.PrivateKeyJwt(key))
const token = await openid.clientCredentialsGrant(client)
console.log(token.access_token)
""",
    CERTIFICATE: """
import { readFileSync } from 'node:fs'
import { request } from 'node:https'

const proof = { cert: readFileSync('client.pem'), key: readFileSync('client.key') }
const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
const options = { method: 'POST', headers, ...proof }
const call = request(«TOKEN_ENDPOINT», options, (reply) => reply.pipe(process.stdout))
call.end(String(new URLSearchParams({ grant_type: 'client_credentials', client_id: «CLIENT_ID» })))
""",
    ISSUER: """
import { readFileSync } from 'node:fs'

const form = new URLSearchParams({
  grant_type: 'client_credentials',
  client_id: «CLIENT_ID»,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: readFileSync(process.env.TOKEN_FILE, 'utf8').trim(),
})
const reply = await fetch(«TOKEN_ENDPOINT», { method: 'POST', body: form })
console.log((await reply.json()).access_token)
""",
    WEB: _SCRIPT_SIGN_IN.replace("%s", ", undefined, openid.ClientSecretBasic(«SECRET»)"),
    PUBLIC: _SCRIPT_SIGN_IN.replace("%s", ", undefined, openid.None()"),
}
