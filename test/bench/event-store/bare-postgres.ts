import { randomUUID } from 'node:crypto';
import type pg from 'pg';

/** The columns of an event, with a primary key and nothing else. */
export const CREATE_BARE_TABLE = `
  create table bare (
    sequence bigint generated always as identity primary key, event_id uuid not null, stream_id text not null,
    version integer not null, type text not null, schema_version integer not null, recorded_at timestamptz not null,
    metadata jsonb not null, data jsonb not null)`;

const INSERT = {
  name: 'insert_bare',
  text: `insert into bare (event_id, stream_id, version, type, schema_version, recorded_at, metadata, data)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
};

export const METADATA = { actor: 'admin', requestId: randomUUID() };

/** About what adding a policy with a key and some claims records. */
export const EVENT_DATA = {
  ...{ proxyId: randomUUID(), name: 'check-tokens', place: { scope: 'ALL', pipeline: 'REQUEST' }, order: 1 },
  policy: { type: 'policy-verify-jwt', algorithm: 'RS256', issuer: 'https://issuer.example', pem: 'k'.repeat(500) },
};

const values = (): unknown[] => [
  ...[randomUUID(), `apiProxy-${randomUUID()}`, 1, 'PolicyAdded', 1, new Date().toISOString()],
  ...[JSON.stringify(METADATA), JSON.stringify(EVENT_DATA)],
];

/** `begin`, `insert`, `commit`, as anybody writes it with `pg`. */
export async function bareCommit(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  await client.query('begin');
  await client.query(INSERT, values());
  await client.query('commit');
  client.release();
}

/** One statement that commits by itself. */
export async function bareAutocommit(pool: pg.Pool): Promise<void> {
  await pool.query(INSERT, values());
}
