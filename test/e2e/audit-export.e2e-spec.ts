import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { PostgresEventStore, type DomainEvent } from '#libs/event-store';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { ChildProgram } from '../support/child-program.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { historyKeysOf } from '../support/history-keys-of.ts';
import { until } from '../support/until.ts';

const COMMAND = path.resolve(import.meta.dirname, '../../dist/apps/control-plane/src/maintenance/audit-export.main.js');
/** Several pages, and more than a pipe holds. */
const EVENTS = 3_000;

const masterKey = randomBytes(32);
let database: FreshDatabase;

/** As `npm run audit:export` runs it; no control plane does. */
function started(args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
  const env = { PATH: process.env['PATH'], DATABASE_URL: database.url, MASTER_KEY: masterKey.toString('base64') };
  return spawn(process.execPath, [COMMAND, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ran(...args: readonly string[]): Promise<{ code: number; printed: string; said: string }> {
  const child = started(args);
  const [printed, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number, printed, said };
}

/** It makes the tables. */
async function startControlPlaneOnce(): Promise<void> {
  const [port = 0] = await freePortsInARow(1);
  const program = new ChildProgram('apps/control-plane/src/main.js', {
    ...{ DATABASE_URL: database.url, MASTER_KEY: masterKey.toString('base64'), HOST: '127.0.0.1', PORT: String(port) },
    ...{ REDIS_URL: process.env['TEST_REDIS_URL'] ?? '', ADMIN_TOKEN: `gwt_${randomBytes(32).toString('base64url')}` },
  });
  program.start();
  await until('it is ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200);
  await program.signal('SIGKILL');
}

describe('npm run audit:export', () => {
  beforeAll(async () => {
    database = await freshDatabase();
    await startControlPlaneOnce();
    expect(await ran()).toEqual({ code: 0, printed: '', said: 'audit:export: 0 events\n' });
    const store = new PostgresEventStore(database.pool, await historyKeysOf(database.pool, masterKey));
    const events = Array.from({ length: EVENTS }, (_, number): DomainEvent => {
      const data = { projectId: 'j-1', name: 'shop', number, text: 'x'.repeat(200) };
      return { type: 'ProjectCreated', schemaVersion: 1, data };
    });
    const context = { recordedAt: '2026-03-01T12:00:00.000Z', metadata: { actor: 'ada', requestId: 'r-1' } };
    await store.transact((session) => session.append({ streamId: 'project-j-1', expectedVersion: 0, events }, context));
  });
  afterAll(() => database.drop());

  it('prints lines of JSON alone, while no control plane runs', async () => {
    const { code, printed, said } = await ran('--project', 'shop', '--from', '2026-03-01T13:00:00+01:00');
    const lines = printed.trimEnd().split('\n');
    const numbers = lines.map((line) => (JSON.parse(line) as { data: { number: number } }).data.number);
    expect(numbers).toEqual(Array.from({ length: EVENTS }, (_, number) => number));
    const { position } = JSON.parse(lines.at(-1) ?? '') as { position: string };
    expect([code, said]).toEqual([0, `audit:export: ${EVENTS} events; go on with --after ${position}\n`]);
    expect(await ran('--after', position)).toMatchObject({ code: 0, printed: '' });
  });

  it('ends in peace when its reader has had enough', async () => {
    const child = started([]);
    const said = text(child.stderr);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = (await once(child, 'close')) as [number];
    expect([code, await said]).toEqual([0, '']);
  });

  it('leaves nothing behind when it is stopped in the middle', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'gatewarden-export-'));
    const holder = await database.pool.connect();
    await holder.query('BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE');
    const child = started(['--output', path.join(directory, 'trail.ndjson')]);
    await until('it has begun', () => Promise.resolve(readdirSync(directory).length === 1));
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number];
    await holder.query('ROLLBACK');
    holder.release();
    expect([code, readdirSync(directory)]).toEqual([2, []]);
    rmSync(directory, { recursive: true });
  });

  it('does not take a full disk for a success', async () => {
    const full = spawn('/bin/sh', ['-c', '"$0" "$1" --help > /dev/full', process.execPath, COMMAND], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [said, [code]] = await Promise.all([text(full.stderr), once(full, 'close')]);
    expect([code, said]).toEqual([2, expect.stringMatching(/^audit:export: ENOSPC[^\n]*\n$/)]);
  });

  it('explains itself, and what is wrong with what it was told', async () => {
    const help = await ran('--help');
    expect([help.code, help.printed]).toEqual([0, expect.stringContaining('--after POSITION')]);
    const wrong = await ran('--from', 'yesterday', '--after', 'x');
    expect([wrong.code, wrong.printed]).toEqual([2, '']);
    expect(wrong.said).toMatch(/^audit:export: --from must be an ISO 8601.*\n--after must be the position/);
    const unknown = await ran('--projekt', 'shop');
    expect([unknown.code, unknown.said]).toEqual([2, expect.stringContaining("'--projekt'")]);
  });
});
