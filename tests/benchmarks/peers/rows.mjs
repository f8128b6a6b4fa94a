// A plain adapter: one table, one row for each thing kept, one prepared statement for each question.
import pg from 'pg'

const pool = new pg.Pool({
  host: process.env.DATABASE_HOST, database: process.env.DATABASE, user: process.env.DATABASE_USER, max: 8
})
const TABLE = `
  CREATE TABLE IF NOT EXISTS kept (
    kind text, id text, payload jsonb NOT NULL, grant_id text, expires_at timestamptz, PRIMARY KEY (kind, id)
  )`
const ask = async (name, text, values) => (await pool.query({ name, text, values })).rows
const UPSERT = `
  INSERT INTO kept (kind, id, payload, grant_id, expires_at)
  VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
  ON CONFLICT (kind, id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`
const FIND = 'SELECT payload FROM kept WHERE kind = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > now())'

export async function prepare (client) {
  await pool.query(TABLE)
  await new Rows('Client').upsert(client.client_id, client)
  await pool.end()
}

export class Rows {
  constructor (kind) {
    this.kind = kind
  }

  async upsert (id, payload, seconds = null) {
    await ask('upsert', UPSERT, [this.kind, id, payload, payload.grantId ?? null, seconds])
  }

  async find (id) {
    return (await ask('find', FIND, [this.kind, id]))[0]?.payload
  }

  async destroy (id) {
    await ask('destroy', 'DELETE FROM kept WHERE kind = $1 AND id = $2', [this.kind, id])
  }

  async revokeByGrantId (id) {
    await ask('revoke', 'DELETE FROM kept WHERE grant_id = $1', [id])
  }
}
