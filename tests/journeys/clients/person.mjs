// An application that people sign in to, played by openid-client. It says where a browser has to go, hears where
// the browser came back to, and prints what it found as JSON. What the library checks by itself (state, nonce, iss,
// signature, at_hash, rotation's reply) ends it with an error.

import { createInterface } from 'node:readline'
import { createPrivateKey } from 'node:crypto'
import * as openid from 'openid-client'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PRIVATE_KEY, REDIRECT, AFTER, SCOPE } = process.env
const [algorithm, method] = process.argv.slice(2)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

async function proof() {
  switch (method) {
    case 'client_secret_basic': return openid.ClientSecretBasic(CLIENT_SECRET)
    case 'client_secret_post': return openid.ClientSecretPost(CLIENT_SECRET)
    case 'private_key_jwt': {
      const pkcs8 = createPrivateKey(PRIVATE_KEY).export({ format: 'der', type: 'pkcs8' })
      const ec = { name: 'ECDSA', namedCurve: 'P-256' }
      return openid.PrivateKeyJwt(await crypto.subtle.importKey('pkcs8', pkcs8, ec, false, ['sign']))
    }
    case 'none': return openid.None()
    default: throw new Error(`unknown method ${method}`)
  }
}

async function refusal(promise) {
  try {
    await promise
  } catch (error) {
    return { status: error.status, error: error.error }
  }
  throw new Error('nothing was refused')
}

function say(found) {
  console.log(JSON.stringify(found))
}

async function hear() {
  return new URL((await lines.next()).value)
}

const config = await openid.discovery(new URL(ISSUER), CLIENT_ID, undefined, await proof(), {
  algorithm,
  execute: [openid.allowInsecureRequests], // http, on loopback only
})

const pkceCodeVerifier = openid.randomPKCECodeVerifier()
const expectedState = openid.randomState()
const expectedNonce = openid.randomNonce()
say({
  go: openid.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: SCOPE,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  }).href,
})

const back = await hear()
const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
const first = await openid.authorizationCodeGrant(config, back, checks)
const { sub } = first.claims()
const found = {
  idToken: first.claims(),
  scope: first.scope,
  userinfo: await openid.fetchUserInfo(config, first.access_token, sub),
}
if (method !== 'none') {
  const own = await openid.tokenIntrospection(config, first.access_token)
  found.introspected = own
  found.introspectedRefresh = await openid.tokenIntrospection(config, first.refresh_token)
}
const second = await openid.refreshTokenGrant(config, first.refresh_token)
found.rotated = second.refresh_token !== first.refresh_token
found.userinfoAfterRefresh = (await openid.fetchUserInfo(config, second.access_token, sub)).sub === sub
await openid.tokenRevocation(config, second.access_token)
found.revoked = await refusal(openid.fetchUserInfo(config, second.access_token, sub))
found.reused = await refusal(openid.refreshTokenGrant(config, first.refresh_token))
found.familyEnded = await refusal(openid.refreshTokenGrant(config, second.refresh_token))
found.codeTwice = await refusal(openid.authorizationCodeGrant(config, back, checks))
const leave = { id_token_hint: first.id_token, post_logout_redirect_uri: AFTER, state: expectedState }
say({ found, leave: openid.buildEndSessionUrl(config, leave).href, state: expectedState })
