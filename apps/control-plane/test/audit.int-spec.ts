import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { EVENT_STORE, START, type Checkpoint, type EventStore, type HistoryReport } from '#libs/event-store';
import { CheckpointUpkeep } from '../src/audit/checkpoint-upkeep.ts';
import { AUDIT_VERIFY } from '../src/maintenance/audit-verify.ts';
import { openHistory } from '../src/maintenance/open-history.ts';
import { WrongArguments } from '../src/maintenance/run-command.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

/** Long enough that the tests, and not the clock, say when a checkpoint is taken. */
const AUDIT_CHECKPOINT_SECONDS = 3_600;

let plane: RunningControlPlane;
let directory: string;
let file: string;
let project = 0;

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'gatewarden-audit-'));
  file = path.join(directory, 'checkpoints.jsonl');
  plane = await RunningControlPlane.start({
    auditCheckpointSeconds: AUDIT_CHECKPOINT_SECONDS,
    auditCheckpointFile: file,
  });
  // After that of its start: what a test records is anchored when the test says so.
  await plane.app.get(CheckpointUpkeep).takeCheckpoint();
});
afterEach(async () => {
  await plane.close();
  rmSync(directory, { recursive: true });
});

const change = () => plane.done('POST', '/projects/', { name: `project-${(project += 1)}` });
const listed = async (query = '') =>
  (await plane.done('GET', `/audit/checkpoints/${query}`)).resultList as unknown as Checkpoint[];
const kept = () =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Checkpoint);
const eventCount = async () =>
  Number((await plane.pool.query<{ count: string }>('SELECT count(*) FROM events')).rows[0]?.count);
const metric = async (name: string) => {
  const { body } = await plane.app.inject({ method: 'GET', url: '/metrics' });
  return Number(new RegExp(`^gatewarden_history_${name} (\\S+)$`, 'm').exec(body)?.[1]);
};
const errors = () =>
  plane.logLines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ level }) => level === 50);

/** Transactions of other suites on the server may hold back the newest events for a while. */
async function anchorAll(): Promise<void> {
  const upkeep = plane.app.get(CheckpointUpkeep);
  await until('everything is anchored', async () => {
    await upkeep.takeCheckpoint();
    return ((await listed()).at(-1)?.eventCount ?? 0) === (await eventCount());
  });
}

async function verify(values: Readonly<Record<string, unknown>> = {}): Promise<{ code: number; printed: string }> {
  const history = await openHistory({
    ...{ DATABASE_URL: plane.database.url, MASTER_KEY: plane.masterKey.toString('base64') },
    AUDIT_CHECKPOINT_FILE: file,
  });
  const printed: string[] = [];
  const stdout = jest.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  try {
    return { code: await AUDIT_VERIFY.run(history, { values, positionals: [] }), printed: printed.join('') };
  } finally {
    stdout.mockRestore();
    await history.close();
  }
}

describe('checkpoints of a control plane', () => {
  it('are taken when a process starts, of what was recorded before', async () => {
    await change();
    const recorded = await eventCount();
    const store = plane.app.get<EventStore>(EVENT_STORE);
    await until('nothing holds it back', async () => (await store.readAll(START, recorded)).length === recorded);
    await plane.process();
    await until('it is anchored', async () => ((await listed()).at(-1)?.eventCount ?? 0) >= recorded);
  });

  it('are listed in parts for whoever keeps them elsewhere, and lie in the file', async () => {
    for (let round = 0; round < 3; round += 1) {
      await change();
      await anchorAll();
    }
    const all = await listed();
    expect(all.length).toBeGreaterThanOrEqual(3);
    expect(kept()).toEqual(all);
    expect(await listed('?after=1&limit=1')).toEqual([all[1]]);
    expect((await plane.call('GET', '/audit/checkpoints/?limit=101')).status).toBe(400);
    expect(await metric('faulty')).toBe(0);
    expect(await metric('last_checkpoint_timestamp_seconds')).toBeGreaterThan(1e9);
  });

  it('are shown to administrators only', async () => {
    const given = { name: 'viewer', permissions: ['VIEW', 'MANAGE', 'DEPLOY'], projects: ['*'], expiresAt: null };
    const [token] = (await plane.done('POST', '/tokens/', given)).resultList;
    const headers = { authorization: `Bearer ${String(token?.['token'])}` };
    expect((await plane.call('GET', '/audit/checkpoints/', undefined, headers)).status).toBe(403);
  });

  it('are taken a last time when the process stops, and reach the files of others', async () => {
    await change();
    const other = path.join(directory, 'other', 'checkpoints.jsonl');
    const second = await plane.process({ auditCheckpointSeconds: 0, auditCheckpointFile: other });
    await second.close();
    expect(await listed()).toEqual([]);
    const third = await plane.process({ auditCheckpointFile: path.join(directory, 'third.jsonl') });
    await third.get(CheckpointUpkeep).takeCheckpoint();
    await change();
    // Once what another suite's transaction may hold back is free: the process itself gets one attempt.
    await until('nothing is held back', async () => {
      const { rows } = await plane.pool.query<{ held: boolean }>(
        'SELECT bool_or(transaction_id >= pg_snapshot_xmin(pg_current_snapshot())) AS held FROM events',
      );
      return rows[0]?.held === false;
    });
    await third.close();
    const taken = await listed();
    expect(taken.at(-1)).toMatchObject({ eventCount: 2 });
    const lines = (name: string) => readFileSync(name, 'utf8').trimEnd().split('\n');
    expect(lines(path.join(directory, 'third.jsonl')).map((line) => JSON.parse(line) as unknown)).toEqual(taken);
    const fourth = await plane.process({ auditCheckpointSeconds: 0, auditCheckpointFile: other });
    await fourth.get(CheckpointUpkeep).takeCheckpoint();
    await fourth.close();
    expect(lines(other).map((line) => JSON.parse(line) as unknown)).toEqual(taken);
  });

  it('stop before an event that was changed, which is logged each time and counted', async () => {
    await change();
    await anchorAll();
    await change();
    await plane.pool.query(
      `UPDATE events SET metadata = metadata || '{"actor": "eve"}' WHERE sequence = (SELECT max(sequence) FROM events)`,
    );
    const { rows } = await plane.pool.query<{ event_id: string; type: string; stream_id: string }>(
      'SELECT * FROM events ORDER BY sequence DESC LIMIT 1',
    );
    const upkeep = plane.app.get(CheckpointUpkeep);
    await until('it is met', async () => {
      await upkeep.takeCheckpoint();
      return (await metric('faulty')) === 1;
    });
    const before = errors().length;
    await upkeep.takeCheckpoint();
    expect(errors().length).toBe(before + 1);
    expect(errors().at(-1)).toMatchObject({
      ...{ kind: 'changed', eventId: rows[0]?.event_id, type: rows[0]?.type, streamId: rows[0]?.stream_id },
      msg: expect.stringContaining('history was changed in the database') as unknown,
    });
    expect((await listed()).at(-1)?.eventCount).toBeLessThan(await eventCount());
  });

  it('are missed when the database no longer has them, and the control plane goes on', async () => {
    for (let round = 0; round < 2; round += 1) {
      await change();
      await anchorAll();
    }
    const newest = (await listed()).at(-1)?.number ?? 0;
    await plane.pool.query('DELETE FROM history_checkpoint_heads WHERE number = $1', [newest]);
    await plane.pool.query('DELETE FROM history_checkpoints WHERE number = $1', [newest]);
    await anchorAll();
    expect(await metric('lost_checkpoints')).toBe(1);
    expect(errors()).toMatchObject([{ file, lost: 1, highestLost: newest }]);
    await change();
    await anchorAll();
    expect(await metric('lost_checkpoints')).toBe(1);
    expect(errors()).toHaveLength(1);
  });

  it('are taken where their file cannot be written: that is said once, and they get there later', async () => {
    writeFileSync(path.join(directory, 'no-directory'), '');
    const blocked = path.join(directory, 'no-directory', 'checkpoints.jsonl');
    const process = await plane.process({ auditCheckpointFile: blocked });
    await change();
    await anchorAll();
    for (let round = 0; round < 2; round += 1) await process.get(CheckpointUpkeep).takeCheckpoint();
    expect(errors()).toMatchObject([{ file: blocked, reason: expect.stringMatching(/ENOTDIR|EEXIST/) as unknown }]);
    rmSync(path.join(directory, 'no-directory'));
    await process.get(CheckpointUpkeep).takeCheckpoint();
    expect(readFileSync(blocked, 'utf8').trimEnd().split('\n').length).toBe((await listed()).length);
    await process.close();
  });
});

describe('npm run audit:verify', () => {
  beforeEach(async () => {
    await change();
    await anchorAll();
  });

  it('finds nothing, and says how far that goes', async () => {
    const { code, printed } = await verify();
    expect(code).toBe(0);
    expect(printed).toMatch(/^History is as it was recorded: \d+ events? in \d+ streams? verified\.\n/);
    expect(printed).toMatch(/Anchored up to event \d+ by checkpoint \d+ of /);
    expect(printed).toContain(`${file}: `);
    rmSync(file);
    expect((await verify()).printed).toContain('an older state of the whole database could not be noticed');
    await change();
    expect((await verify()).printed).toMatch(/\d events? behind it only chained/);
  });

  it('names the event that was changed', async () => {
    await plane.pool.query(
      `UPDATE events SET type = 'ProjectDeleted' WHERE sequence = (SELECT min(sequence) FROM events)`,
    );
    const { rows } = await plane.pool.query<{ event_id: string; stream_id: string }>(
      'SELECT event_id, stream_id FROM events ORDER BY sequence LIMIT 1',
    );
    const { code, printed } = await verify();
    expect(code).toBe(1);
    expect(printed).toContain('HISTORY IS NOT AS IT WAS RECORDED: 1 fault');
    const [event] = rows;
    expect(printed).toContain(
      `changed: stream ${event?.stream_id}, version 1, event ${event?.event_id}, ProjectDeleted`,
    );
    const asJson = await verify({ json: true });
    expect(asJson.code).toBe(1);
    expect((JSON.parse(asJson.printed) as HistoryReport).faults).toMatchObject([
      { kind: 'changed', event: { eventId: event?.event_id, version: 1 } },
    ]);
  });

  it('compares with the files that it is given', async () => {
    await plane.pool.query('TRUNCATE history_checkpoint_heads, history_checkpoints');
    const copy = path.join(directory, 'copy.jsonl');
    writeFileSync(copy, readFileSync(file));
    rmSync(file);
    expect((await verify()).code).toBe(0);
    const { code, printed } = await verify({ checkpoints: [copy] });
    expect(code).toBe(1);
    expect(printed).toContain(`of ${copy}: not in the database`);
    await expect(verify({ checkpoints: [`${copy}.not`] })).rejects.toBeInstanceOf(WrongArguments);
  });

  it('prints the key that signatures are checked with', async () => {
    const { code, printed } = await verify({ 'public-key': true });
    expect(code).toBe(0);
    expect(printed).toMatch(/^-----BEGIN PUBLIC KEY-----\n[\w+/=]+\n-----END PUBLIC KEY-----\n$/);
  });
});
