// A service and its target, played by openid-client, jose and oauth4webapi. Prints what they found as JSON.
// Every check that these libraries make by themselves (metadata, replies, signature, RFC 9068) ends it with an error.

import { createPrivateKey } from 'node:crypto'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PRIVATE_KEY, VOUCHED, TARGET, TARGET_SECRET } = process.env

const METHODS = { client_secret_basic: openid.ClientSecretBasic, client_secret_post: openid.ClientSecretPost }

async function withoutSecret(method) {
  if (method === 'self_signed_tls_client_auth') return openid.TlsClientAuth()
  const pkcs8 = createPrivateKey(PRIVATE_KEY).export({ format: 'der', type: 'pkcs8' })
  const ec = { name: 'ECDSA', namedCurve: 'P-256' }
  return openid.PrivateKeyJwt(await crypto.subtle.importKey('pkcs8', pkcs8, ec, false, ['sign']))
}

// What the proxy in front adds, when the connection came with a certificate.
const overTls = (url, options) =>
  fetch(url, { ...options, headers: { ...options.headers, ...JSON.parse(VOUCHED) } })

// OpenID Connect Discovery and RFC 8414 write the well-known part into different places of the address.
function discover(algorithm, proof, clientId) {
  const options = { algorithm, execute: [openid.allowInsecureRequests] } // http, on loopback only
  if (VOUCHED) options[openid.customFetch] = overTls
  return openid.discovery(new URL(ISSUER), clientId, undefined, proof, options)
}

async function verify(metadata, token) {
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
  const expected = { issuer: metadata.issuer, audience: TARGET, typ: 'at+jwt', requiredClaims: ['exp', 'jti'] }
  return (await jwtVerify(token, keys, expected)).payload
}

// What a resource server does with a request (RFC 9068 §4).
function accept(metadata, token) {
  const request = new Request('http://target.example/', { headers: { authorization: `Bearer ${token}` } })
  return oauth.validateJwtAccessToken(metadata, request, TARGET, { [oauth.allowInsecureRequests]: true })
}

async function refusal(config, scope) {
  try {
    await openid.clientCredentialsGrant(config, { scope })
  } catch (error) {
    return { status: error.status, error: error.error, description: error.error_description }
  }
  throw new Error(`a token was given for ${scope}`)
}

async function visit(algorithm, method) {
  const bySecret = METHODS[method]
  const proof = bySecret ? bySecret(CLIENT_SECRET) : await withoutSecret(method)
  const caller = await discover(algorithm, proof, CLIENT_ID)
  const target = await discover(algorithm, (bySecret ?? openid.ClientSecretBasic)(TARGET_SECRET), TARGET)
  const metadata = caller.serverMetadata()
  const reply = await openid.clientCredentialsGrant(caller, { scope: `aud:${TARGET} openid` })
  const token = reply.access_token
  return {
    metadata: { ...metadata },
    header: decodeProtectedHeader(token),
    reply: { scope: reply.scope, token_type: reply.token_type, expires_in: reply.expires_in, jti: reply.jti },
    claims: await verify(metadata, token),
    // oauth4webapi does not know tokens that are bound to a certificate.
    accepted: VOUCHED ? undefined : (await accept(metadata, token)).jti,
    introspectedByTarget: await openid.tokenIntrospection(target, token),
    introspectedByCaller: await openid.tokenIntrospection(caller, token),
    refused: await refusal(caller, 'aud:nobody.nothing'),
  }
}

const [algorithm, method] = process.argv.slice(2)
console.log(JSON.stringify(await visit(algorithm, method)))
