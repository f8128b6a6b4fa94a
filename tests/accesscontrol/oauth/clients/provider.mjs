// npm's oidc-provider as the identity provider of somebody else. Whoever comes is one person (WHO); nobody is asked for more.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import https from 'node:https'
import { pathToFileURL } from 'node:url'

const { PORT, ISSUER, PEM, BACK, AFTER, SECRET, MODULES, WHO } = process.env
const require = createRequire(`${MODULES}/`)
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href)

const sub = `${WHO}-there`
const claims = { sub, email: `${WHO}@corp.example`, email_verified: true, name: 'Anna There', groups: ['g-1'] }
const client = {
  client_id: 'portal',
  client_secret: SECRET,
  redirect_uris: [BACK],
  post_logout_redirect_uris: [AFTER],
  response_types: ['code'],
  grant_types: ['authorization_code']
}
const provider = new Provider(ISSUER, {
  clients: [client],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  findAccount: (_ctx, accountId) => ({ accountId, claims: () => claims }),
  interactions: { url: (_ctx, interaction) => `/enter/${interaction.uid}` },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ['a key of this test'] },
  async loadExistingGrant (ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
    grant.addOIDCScope('openid email profile')
    await grant.save()
    return grant
  }
})
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/enter/')) return next()
  const login = { accountId: sub, amr: ['pwd', 'mfa'] }
  await provider.interactionFinished(ctx.req, ctx.res, { login }, { mergeWithLastSubmission: false })
  ctx.respond = false
})
const pem = readFileSync(PEM)
https.createServer({ cert: pem, key: pem }, provider.callback()).listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
