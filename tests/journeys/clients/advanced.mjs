// openid-client at what large customers ask for: tokens bound to a key, pushed requests, token exchange.
// Prints what it found as JSON. Every check that the library makes by itself ends it with an error.

import * as openid from 'openid-client'

const { ISSUER, CALLER, CALLER_SECRET, MIDDLE, MIDDLE_SECRET, LAST, LAST_SECRET, BACK } = process.env
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS = 'urn:ietf:params:oauth:token-type:access_token'

function discover(clientId, secret) {
  const options = { execute: [openid.allowInsecureRequests] } // http, on loopback only
  return openid.discovery(new URL(ISSUER), clientId, undefined, openid.ClientSecretBasic(secret), options)
}

async function refusal(asked) {
  try {
    await asked()
  } catch (error) {
    return error.error ?? error.code
  }
  return 'given'
}

const [caller, middle, last] = await Promise.all([
  discover(CALLER, CALLER_SECRET),
  discover(MIDDLE, MIDDLE_SECRET),
  discover(LAST, LAST_SECRET),
])
const key = openid.getDPoPHandle(caller, await openid.randomDPoPKeyPair('ES256'))
const scope = `aud:${MIDDLE}`
// The client has to prove a key, with a nonce: the library gets one by the first answer and asks again.
const bound = await openid.clientCredentialsGrant(caller, { scope }, { DPoP: key })
const again = await openid.clientCredentialsGrant(caller, { scope }, { DPoP: key })
const plain = await openid.clientCredentialsGrant(middle, { scope: `aud:${LAST}` })

const subject = process.env.SUBJECT
const exchange = (config, token) =>
  openid.genericGrantRequest(config, EXCHANGE, {
    subject_token: token,
    subject_token_type: ACCESS,
    scope: `aud:${LAST} openid`,
  })
const exchanged = await exchange(middle, subject)

const verifier = openid.randomPKCECodeVerifier()
const address = await openid.buildAuthorizationUrlWithPAR(middle, {
  redirect_uri: BACK,
  scope: 'openid',
  code_challenge: await openid.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
console.log(
  JSON.stringify({
    metadata: { ...caller.serverMetadata() },
    bound: bound.token_type,
    again: again.token_type,
    plain: plain.token_type,
    withoutKey: await refusal(() => openid.clientCredentialsGrant(caller, { scope })),
    introspectedBound: await openid.tokenIntrospection(middle, bound.access_token),
    boundExchanged: await refusal(() => exchange(middle, bound.access_token)),
    exchanged: { type: exchanged.token_type, issued: exchanged.issued_token_type, scope: exchanged.scope },
    introspected: await openid.tokenIntrospection(last, exchanged.access_token),
    notCalled: await refusal(() => exchange(last, subject)),
    address: address.href,
  }),
)
