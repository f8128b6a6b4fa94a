// node-oidc-provider as two processes at one port: PORT, and DATABASE (host and name of a PostgreSQL) or none.
import cluster from 'node:cluster'
import Provider from 'oidc-provider'
import { Rows, prepare } from './rows.mjs'

const { PORT, SECRET, SIGNING_KEY, OPAQUE } = process.env
const origin = `http://127.0.0.1:${PORT}`
const client = {
  client_id: 'reader',
  client_secret: SECRET,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_basic',
  id_token_signed_response_alg: 'ES256' // the only key there is
}
const scope = 'read'
const signed = { scope, accessTokenTTL: 300, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }
const targets = {
  'urn:meter': { ...signed, audience: 'meter' },
  'urn:opaque': { scope, audience: 'opaque', accessTokenTTL: 300, accessTokenFormat: 'opaque' }
}
const inMemory = !process.env.DATABASE

function serve () {
  const provider = new Provider(origin, {
    ...(inMemory ? {} : { adapter: Rows }),
    clients: inMemory ? [client] : [],
    scopes: [scope],
    jwks: { keys: [JSON.parse(SIGNING_KEY)] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:meter',
        getResourceServerInfo: (_ctx, name) => targets[name],
        useGrantedResource: () => true
      }
    }
  })
  // Processes share no memory: each begins with the same opaque token, so that either can introspect it.
  const now = Math.floor(Date.now() / 1000)
  const token = { iat: now, exp: now + 3600, jti: OPAQUE, kind: 'ClientCredentials', clientId: client.client_id, aud: 'opaque', scope }
  provider.ClientCredentials.adapter.upsert(OPAQUE, token, 3600)
  provider.on('server_error', (_ctx, error) => console.error(error))
  provider.listen(Number(PORT), '127.0.0.1')
}

if (cluster.isPrimary) {
  if (!inMemory) await prepare(client)
  cluster.fork()
  cluster.fork()
} else {
  serve()
}
