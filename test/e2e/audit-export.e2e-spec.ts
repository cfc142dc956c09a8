import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { HistoryKeys, PostgresEventStore, type DomainEvent } from '#libs/event-store';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';

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

describe('npm run audit:export', () => {
  beforeAll(async () => {
    database = await freshDatabase();
    // Brings the database up to date first, as everything does that opens it.
    expect(await ran()).toEqual({ code: 0, printed: '', said: 'audit:export: 0 events\n' });
    const store = new PostgresEventStore(database.pool, new HistoryKeys(masterKey));
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
