// One round of load: the job comes as JSON on standard input, the figures leave as JSON on standard output.
import autocannon from 'autocannon'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const { origin, connections, seconds, request, bodies, draws, order, once, status, holds } = JSON.parse(Buffer.concat(chunks))

// A body that may be sent once only, a signed assertion for instance, is drawn anew for every request.
let drawn = 0
const one = { ...request }
if (bodies.length > 0) {
  one.setupRequest = (asked) => ({ ...asked, body: bodies[drawn++ % bodies.length] })
}
// Many callers: each request is that of another, in an order that was drawn before.
if (draws.length > 0) {
  one.setupRequest = (asked) => ({ ...asked, ...draws[order[drawn++ % order.length]] })
}

const taken = []
let wrong = 0
let answered = 0 // the status of the answer whose body is looked at next
let sample = ''
const judge = (body) => {
  if (answered === status && (body ?? '').includes(holds)) return true
  wrong += 1
  sample ||= `${answered} ${String(body).slice(0, 300)}`
  return true
}

const options = { url: origin, connections, duration: seconds, requests: [one], verifyBody: judge, timeout: 60 }
if (once) options.maxOverallRequests = order.length // it ends with the last of them, or with the time
const begun = performance.now()
const before = process.cpuUsage()
const running = autocannon(options, (error, result) => {
  if (error) throw error
  const elapsed = (performance.now() - begun) / 1000
  const used = process.cpuUsage(before)
  taken.sort((a, b) => a - b)
  const at = (share) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))] ?? 0
  if (bodies.length > 0 && drawn > bodies.length) {
    wrong += drawn - bodies.length
    sample ||= `only ${bodies.length} bodies for ${drawn} requests`
  }
  process.stdout.write(JSON.stringify({
    requests: taken.length,
    seconds: elapsed,
    p50: at(0.5),
    p99: at(0.99),
    processor: (used.user + used.system) / 1e6,
    errors: wrong + result.errors + result.timeouts,
    sample
  }))
})
running.on('response', (_client, code, _bytes, milliseconds) => {
  answered = code
  taken.push(milliseconds)
})
