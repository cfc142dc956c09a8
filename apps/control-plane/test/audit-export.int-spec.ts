import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import nodePath from 'node:path';
import { EVENT_STORE, type PostgresEventStore } from '#libs/event-store';
import { AuditExports } from '../src/audit-trail/audit-exports.ts';
import type { AuditSelection } from '../src/audit-trail/audit-selection.ts';
import { AuditTrail } from '../src/audit-trail/audit-trail.ts';
import { AUDIT_EXPORT } from '../src/maintenance/audit-export.ts';
import { openHistory } from '../src/maintenance/open-history.ts';
import { createLogger } from '#libs/program-shell';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { whileOpen } from './testing/open-transactions.ts';
import { until } from './testing/test-servers.ts';

interface Line {
  readonly position: string;
  readonly at: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly project: { readonly id: string; readonly name: string } | null;
  readonly subject: { readonly kind: string; readonly id: string; readonly name: string | null };
  readonly stream: string;
  readonly version: number;
  readonly eventId: string;
  readonly actor: string;
  readonly requestId: string;
  readonly reason?: string;
  readonly idempotencyKey?: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly mac: string;
}

const ALL = '/audit/events/';
const LEAKED = { uri: 'https://login.example.com/jwks.json', kid: 'leaked' };
const linesIn = (text: string): Line[] => {
  expect(text).toMatch(/^([^\n]+\n)*$/);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
};
const idsOf = (lines: readonly Line[]): string[] => lines.map(({ eventId }) => eventId);

let plane: RunningControlPlane;
let listening: NestFastifyApplication;
let staging: string;
let production: string;

/** Over a real connection. */
async function asked(path: string, token = plane.adminToken): Promise<{ status: number; type: string; text: string }> {
  const url = `${await listening.getUrl()}/apiops${path}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() };
}
async function exported(path = ALL, token?: string): Promise<Line[]> {
  const { status, type, text } = await asked(path, token);
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
  expect(type).toBe('application/x-ndjson; charset=utf-8');
  return linesIn(text);
}
const inOrder = async (): Promise<string[]> => {
  const { rows } = await plane.pool.query<{ event_id: string }>(
    'select event_id from events order by epoch, transaction_id, sequence',
  );
  return rows.map((row) => row.event_id);
};

async function useProject(projectName: string): Promise<void> {
  const P = `/projects/${projectName}`;
  const X = `${P}/apiProxies/${projectName}-orders`;
  await plane.done('POST', '/projects/', { name: projectName });
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody(`${projectName}-orders`));
  await plane.done('POST', `${X}/policies/issue/`, policyBody(), {
    'x-change-reason': 'ticket 42',
    'idempotency-key': `key of ${projectName}`.replaceAll(' ', '-'),
  });
  await plane.done('POST', `${P}/credentials/`, credentialBody(`${projectName}-user`, 'a first password'));
  const variable = { global: true, globalValue: 'v', globalVisible: true };
  await plane.done('POST', `${P}/environmentVariables/LIMIT/`, variable);
  await plane.done('POST', `${P}/jwks/generate`, { name: 'signing', type: 'EC', ec: { curveType: 'P256' } });
  await plane.done('POST', `${X}/environments/${production}/`);
}

async function emptyProject(projectName: string): Promise<void> {
  const P = `/projects/${projectName}`;
  await plane.done('DELETE', `${P}/apiProxies/${projectName}-orders/`);
  await plane.done('DELETE', `${P}/credentials/${projectName}-user/`);
  await plane.done('DELETE', `${P}/environmentVariables/LIMIT/`);
  await plane.done('DELETE', `${P}/jwks/signing/`);
  await plane.done('DELETE', `${P}/`);
}

async function tokenOf(name: string, permissions: string[], projects: string[]): Promise<string> {
  const { resultList } = await plane.done('POST', '/tokens/', { name, permissions, projects });
  return String(resultList[0]?.['token']);
}

const later = async (): Promise<string> => {
  const { rows } = await plane.pool.query<{ at: Date }>('select max(recorded_at) as at from events');
  const newest = rows[0]?.at ?? new Date(0);
  await until('the clock goes on', () => Date.now() > newest.getTime() + 1);
  return new Date(newest.getTime() + 1).toISOString();
};

/** The moment between the two lives of the project `brief`. */
let between: string;

beforeAll(async () => {
  // Nobody deploys: what is asked for stays asked for.
  plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 10 });
  listening = await plane.process();
  await listening.listen({ host: '127.0.0.1', port: 0 });
  [staging, production] = [(await plane.environment()).name, (await plane.environment()).name];
  await useProject('brief');
  await emptyProject('brief');
  between = await later();
  for (const name of ['shop', 'bank', 'brief']) await useProject(name);
  const waves = { waves: [[staging], [production]], stopOnFailure: true, minAppliedPercent: 100 };
  await plane.done('POST', '/projects/bank/apiProxies/bank-orders/policies/check/', {
    ...policyBody(),
    operationMetadata: {
      ...policyBody().operationMetadata,
      ...{ deploy: true, deployTargetEnvironmentNameList: [staging, production], deployStrategy: waves },
    },
  });
  await tokenOf('of the shop', ['VIEW'], ['shop']);
  const orders = `/environments/${staging}/jwks/`;
  await plane.done('POST', `${orders}flush/`, {});
  await plane.done('POST', `${orders}deny/`, LEAKED, { 'x-change-reason': 'INC-1' });
  await plane.done('DELETE', `${orders}deny/?${new URLSearchParams(LEAKED).toString()}`);
});
afterAll(() => plane.close());

describe('GET /apiops/audit/events/', () => {
  it('shows every event of the database once, in the order of the log', async () => {
    const ids = idsOf(await exported());
    expect(ids.length).toBeGreaterThan(40);
    expect(ids).toEqual(await inOrder());
  });

  it('shows of each who did it, through which request, why and to what', async () => {
    const lines = await exported();
    const added = lines.filter((line) => line.type === 'PolicyAdded' && line.project?.name === 'shop');
    expect(added).toEqual([
      {
        ...{ position: expect.stringMatching(/^\d+-\d+-\d+$/), at: expect.stringMatching(/^\d{4}-.*Z$/) },
        ...{ type: 'PolicyAdded', schemaVersion: 1, version: 2, eventId: expect.any(String), actor: 'admin' },
        project: { id: expect.any(String), name: 'shop' },
        subject: { kind: 'apiProxy', id: expect.any(String), name: 'shop-orders' },
        stream: `apiProxy-${added[0]?.subject.id}`,
        ...{ requestId: expect.any(String), reason: 'ticket 42', idempotencyKey: 'key-of-shop' },
        data: expect.objectContaining({ proxyId: added[0]?.subject.id, name: 'issue' }),
        mac: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
  });

  it('shows what was ordered about key sets, by whom and why, as a matter of the environment', async () => {
    const lines = (await exported()).filter(({ type }) => /^Key(SetsFlushed|IdDenied|IdAllowed)$/.test(type));
    const subject = { kind: 'environment', name: staging };
    expect(lines).toMatchObject([
      { type: 'KeySetsFlushed', project: null, subject, actor: 'admin', data: { uri: null } },
      { type: 'KeyIdDenied', project: null, subject, actor: 'admin', reason: 'INC-1', data: LEAKED },
      { type: 'KeyIdAllowed', project: null, subject, actor: 'admin', data: LEAKED },
    ]);
  });

  it('holds all that the MACs of the events cover, as it was recorded', async () => {
    const { history: keys } = await plane.openKeys();
    const heads = new Map<string, Buffer>();
    for (const line of await exported()) {
      const { eventId, stream: streamId, version: streamVersion, type, schemaVersion, at: recordedAt, data } = line;
      const { actor, requestId, reason, idempotencyKey } = line;
      const metadata = JSON.parse(JSON.stringify({ actor, requestId, reason, idempotencyKey })) as typeof line;
      const event = { eventId, streamId, streamVersion, type, schemaVersion, recordedAt, metadata, data };
      const mac = keys.eventMac(heads.get(streamId) ?? null, event);
      expect([type, line.mac]).toEqual([type, mac.toString('hex')]);
      heads.set(streamId, mac);
    }
  });

  it.each(['shop', 'bank'])('shows what belongs to the project %s, deployments and rollouts included', async (name) => {
    const lines = await exported(`${ALL}?projectName=${name}`);
    expect(new Set(lines.map(({ project }) => project?.name))).toEqual(new Set([name]));
    const subjects = new Set(lines.map(({ subject }) => `${subject.kind} ${subject.name}`));
    const [first, second] = [`environmentDeployments ${production}`, `environmentDeployments ${staging}`];
    const ofBank = [second, 'rollout bank-orders'];
    expect([...subjects].sort()).toEqual(
      [
        ...[
          `project ${name}`,
          `apiProxy ${name}-orders`,
          `credential ${name}-user`,
          'variable LIMIT',
          'keyStore signing',
        ],
        ...[first, ...(name === 'bank' ? ofBank : [])],
      ].sort(),
    );
  });

  it('shows all that belongs to projects and all that belongs to none, and nothing twice', async () => {
    const all = await exported();
    const parts = await Promise.all(['shop', 'bank', 'brief'].map((name) => exported(`${ALL}?projectName=${name}`)));
    const ofNone = all.filter(({ project }) => project === null);
    expect(new Set(ofNone.map(({ subject }) => subject.kind))).toEqual(
      new Set(['environment', 'environmentRevocations', 'accessToken']),
    );
    const revoked = all.filter(({ subject }) => subject.kind === 'environmentRevocations');
    expect(new Set(revoked.map(({ subject }) => subject.name))).toEqual(new Set([production, staging]));
    expect(idsOf([...parts.flat(), ...ofNone]).sort()).toEqual(idsOf(all).sort());
  });

  it('shows a deleted project by its name, and all that ever bore it', async () => {
    const lines = await exported(`${ALL}?projectName=brief`);
    const projects = new Set(lines.map(({ project }) => project?.id));
    expect(projects.size).toBe(2);
    expect(lines.filter(({ type }) => type === 'ProjectDeleted')).toHaveLength(1);
    const before = await exported(`${ALL}?projectName=brief&to=${between}`);
    expect(new Set(before.map(({ project }) => project?.id))).toEqual(new Set([[...projects][0]]));
    // What its deployments come to may be recorded after it.
    expect(before.filter(({ type }) => type === 'ProjectDeleted')).toHaveLength(1);
  });

  it('takes the first moment in and leaves the last one out', async () => {
    const all = await exported();
    const moments = [...new Set(all.map(({ at }) => at))].sort();
    const [from, to] = [moments[Math.floor(moments.length / 3)] ?? '', moments[Math.floor(moments.length / 2)] ?? ''];
    const expected = idsOf(all.filter(({ at }) => at >= from && at < to));
    expect(expected.length).toBeGreaterThan(0);
    expect(idsOf(await exported(`${ALL}?from=${from}&to=${to}`))).toEqual(expected);
    const withOffset = new Date(Date.parse(from) + 3_600_000).toISOString().replace('Z', '+01:00');
    expect(idsOf(await exported(`${ALL}?from=${withOffset}&to=${to}`))).toEqual(expected);
    expect(idsOf(await exported(`${ALL}?from=${from}`))).toEqual(idsOf(all.filter(({ at }) => at >= from)));
    expect(idsOf(await exported(`${ALL}?to=${to}`))).toEqual(idsOf(all.filter(({ at }) => at < to)));
  });

  it('goes by the recorded time, in the order of the log, where clocks went backwards', async () => {
    const store = plane.app.get<PostgresEventStore>(EVENT_STORE);
    for (const [number, second] of [2, 1, 3, 2].entries()) {
      const context = {
        recordedAt: `2029-01-01T00:00:0${second}.000Z`,
        metadata: { actor: 'test', requestId: 'clocks' },
      };
      const events = [{ type: 'Ticked', schemaVersion: 1, data: { number } }];
      await store.transact((session) =>
        session.append({ streamId: 'project-clocks', expectedVersion: number, events }, context),
      );
    }
    const numbers = async (from: number, to: number) =>
      (await exported(`${ALL}?from=2029-01-01T00:00:0${from}Z&to=2029-01-01T00:00:0${to}Z`)).map(
        ({ data }) => data['number'],
      );
    expect(await numbers(2, 3)).toEqual([0, 3]);
    expect(await numbers(1, 2)).toEqual([1]);
    expect(await numbers(1, 4)).toEqual([0, 1, 2, 3]);
  });

  it('goes on after any line', async () => {
    const all = await exported();
    for (const place of [0, 7, all.length - 2]) {
      const rest = await exported(`${ALL}?after=${all[place]?.position}`);
      expect(idsOf(rest)).toEqual(idsOf(all.slice(place + 1)));
    }
    expect((await asked(`${ALL}?after=${all.at(-1)?.position}`)).text).toBe('');
  });

  it.each([
    ['from=yesterday', 'from'],
    ['to=2026-01-01', 'to'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z', 'to'],
    ['after=1', 'after'],
    ['after=1-1-9223372036854775808', 'after'],
    ['projectName=', 'projectName'],
    ['projectName=shop&projectName=bank', 'projectName'],
    ['project=shop', 'project'],
  ])('refuses ?%s, naming %s', async (query, field) => {
    const { status, type, text } = await asked(`${ALL}?${query}`);
    expect([status, type]).toEqual([400, 'application/json; charset=utf-8']);
    const body = JSON.parse(text) as { error: string; validation_errors: readonly { field: string }[] };
    expect([body.error, body.validation_errors.map((one) => one.field)]).toEqual(['validation_failed', [field]]);
  });

  it('takes every moment that can be written, and every position', async () => {
    const count = (await exported()).length;
    const widest = `from=${encodeURIComponent('0000-01-01T00:00:00+01:00')}&to=${encodeURIComponent('9999-12-31T23:59:59-01:00')}`;
    expect(await exported(`${ALL}?${widest}`)).toHaveLength(count);
    expect(await exported(`${ALL}?after=2147483647-18446744073709551615-9223372036854775807`)).toEqual([]);
  });

  it('of a project that never was is a 404', async () => {
    const { status, text } = await asked(`${ALL}?projectName=nobody`);
    expect([status, (JSON.parse(text) as { error: string }).error]).toEqual([404, 'not_found']);
  });
});

describe('GET P/audit/events/', () => {
  const ofShop = '/projects/shop/audit/events/';

  it('shows to whoever may look into the project what belongs to it', async () => {
    const token = await tokenOf('auditor', ['VIEW'], ['shop']);
    const lines = await exported(ofShop, token);
    expect(idsOf(lines)).toEqual(idsOf(await exported(`${ALL}?projectName=shop`)));
    for (const path of [ALL, `${ALL}?projectName=shop`, '/projects/bank/audit/events/']) {
      expect([path, (await asked(path, token)).status]).toEqual([path, 403]);
    }
  });

  it('needs more than to look into all projects, to show all of the trail', async () => {
    const viewer = await tokenOf('viewer of all', ['VIEW', 'MANAGE', 'DEPLOY'], ['*']);
    expect((await asked(ALL, viewer)).status).toBe(403);
    expect((await asked(ofShop, viewer)).status).toBe(200);
    expect((await asked(ALL, await tokenOf('admin of all', ['ADMIN'], ['*']))).status).toBe(200);
  });

  it('shows nothing of a deleted project that bore the name before', async () => {
    const lines = await exported('/projects/brief/audit/events/');
    expect(lines[0]?.type).toBe('ProjectCreated');
    expect(new Set(lines.map(({ project }) => project?.id)).size).toBe(1);
    expect(lines.filter(({ at }) => at < between)).toEqual([]);
  });

  it('takes times and a place to go on from, and no other project', async () => {
    const all = await exported(ofShop);
    const from = all[2]?.at ?? '';
    expect(idsOf(await exported(`${ofShop}?from=${from}`))).toEqual(idsOf(all.filter(({ at }) => at >= from)));
    expect(idsOf(await exported(`${ofShop}?after=${all[0]?.position}`))).toEqual(idsOf(all.slice(1)));
    expect((await asked(`${ofShop}?projectName=bank`)).status).toBe(400);
    expect((await asked('/projects/nobody/audit/events/')).status).toBe(404);
  });
});

describe('pages of an export', () => {
  const store = () => plane.app.get<PostgresEventStore>(EVENT_STORE);

  async function paged(linesPerPage: number, selection: AuditSelection): Promise<string[]> {
    const lines: Line[] = [];
    for await (const page of new AuditTrail(store(), linesPerPage).pages(selection)) {
      const found = linesIn(page.text);
      expect([found.length, found.at(-1)?.position]).toEqual([
        page.lineCount,
        `${page.position.epoch}-${page.position.transactionId}-${page.position.sequence}`,
      ]);
      expect(page.lineCount).toBeLessThanOrEqual(linesPerPage);
      lines.push(...found);
    }
    return idsOf(lines);
  }

  it.each([1, 2, 3, 7, 1_000])('of %d lines hold the same', async (linesPerPage) => {
    const all = await exported();
    const projectIds = await new AuditTrail(store()).projectsNamed('shop');
    const ofShop = all.filter(({ project }) => project?.name === 'shop');
    expect(await paged(linesPerPage, {})).toEqual(idsOf(all));
    expect(await paged(linesPerPage, { projectIds })).toEqual(idsOf(ofShop));
    const [fromMs, toMs] = [Date.parse(ofShop[2]?.at ?? ''), Date.parse(ofShop.at(-2)?.at ?? '')];
    const within = ofShop.filter(({ at }) => Date.parse(at) >= fromMs && Date.parse(at) < toMs);
    expect(await paged(linesPerPage, { projectIds, fromMs, toMs })).toEqual(idsOf(within));
  });

  it('miss nothing of a slower transaction: it comes with what is gone on with', async () => {
    const before = await whileOpen(plane.pool, async (slow) => {
      await slow.query('select pg_current_xact_id()');
      await plane.done('POST', '/projects/', { name: 'overtaking' });
      return exported();
    });
    expect(before.map(({ project }) => project?.name)).not.toContain('overtaking');
    const after = await exported(`${ALL}?after=${before.at(-1)?.position}`);
    expect(after.map(({ project }) => project?.name)).toEqual(['overtaking']);
    expect([...idsOf(before), ...idsOf(after)]).toEqual(await inOrder());
  });

  it('hold each event once while others are recorded', async () => {
    const writing = Promise.all(
      Array.from({ length: 20 }, (_, number) => plane.done('POST', '/projects/', { name: `meanwhile-${number}` })),
    );
    const seen: string[] = [];
    let position = '';
    let isWritten = false;
    void writing.then(() => (isWritten = true));
    for (let isLast = false; !isLast;) {
      isLast = isWritten;
      const lines = await exported(position === '' ? ALL : `${ALL}?after=${position}`);
      seen.push(...idsOf(lines));
      position = lines.at(-1)?.position ?? position;
    }
    await writing;
    expect(seen).toEqual(await inOrder());
  });
});

describe('an export that is read slowly', () => {
  /** More than what the connection holds by itself. */
  const BIG = 40;
  const open = () => listening.get(AuditExports).count;

  beforeAll(async () => {
    await plane.done('POST', '/projects/', { name: 'big' });
    const appended = Array.from({ length: BIG }, (_, number) => ({
      streamId: `project-big-${number}`,
      expectedVersion: 0,
      events: [{ type: 'Filled', schemaVersion: 1, data: { text: randomBytes(600_000).toString('base64') } }],
    }));
    const context = { recordedAt: '2030-01-01T00:00:00.000Z', metadata: { actor: 'test', requestId: 'big' } };
    const store = plane.app.get<PostgresEventStore>(EVENT_STORE);
    for (const one of appended) await store.transact((session) => session.append(one, context));
  });

  async function begun(): Promise<{ reader: ReadableStreamDefaultReader<Uint8Array>; stop: AbortController }> {
    const stop = new AbortController();
    const url = `${await listening.getUrl()}/apiops${ALL}?from=2030-01-01T00:00:00Z`;
    const headers = { authorization: `Bearer ${plane.adminToken}` };
    const answer = await fetch(url, { headers, signal: stop.signal });
    const reader = answer.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    await reader.read();
    return { reader, stop };
  }

  it('holds no connection to the database, and ends when its reader leaves', async () => {
    const { stop } = await begun();
    expect(open()).toBe(1);
    await until('all connections rest', () => plane.pool.idleCount === plane.pool.totalCount);
    expect(open()).toBe(1);
    stop.abort();
    await until('nobody reads', () => open() === 0);
  });

  it('reads on only as fast as it is read itself', async () => {
    const store = plane.app.get<PostgresEventStore>(EVENT_STORE);
    let queries = 0;
    const counting = {
      query: (text: string, values: unknown[]) => {
        queries += 1;
        return store.query(text, values);
      },
    } as unknown as PostgresEventStore;
    const exports = new AuditExports(counting, createLogger('fatal'));
    const stream = await exports.begin({ fromMs: Date.parse('2030-01-01') }, 'slow');
    const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
    let length = (await chunks.next()).value?.length ?? 0;
    // Whatever it were about to ask for would be answered before these are.
    for (let round = 0; round < BIG; round += 1) await store.query('select 1');
    expect(queries).toBeLessThan(5);
    for (let chunk = await chunks.next(); chunk.done !== true; chunk = await chunks.next())
      length += chunk.value.length;
    expect(length).toBeGreaterThan(BIG * 800_000);
    expect(queries).toBeGreaterThan(BIG);
  });

  it('breaks off where its reader sees it when the process ends', async () => {
    const { reader } = await begun();
    listening.get(AuditExports).beforeApplicationShutdown();
    const readOn = async () => {
      while (!(await reader.read()).done);
    };
    await expect(readOn()).rejects.toThrow();
    await until('nobody reads', () => open() === 0);
  });
});

describe('npm run audit:export', () => {
  const directory = mkdtempSync(nodePath.join(tmpdir(), 'gatewarden-export-'));
  const file = nodePath.join(directory, 'trail.ndjson');
  afterAll(() => rmSync(directory, { recursive: true }));

  async function run(values: Readonly<Record<string, string>>): Promise<number> {
    const history = await openHistory({
      DATABASE_URL: plane.database.url,
      MASTER_KEY: plane.masterKey.toString('base64'),
    });
    try {
      return await AUDIT_EXPORT.run(history, { values, positionals: [] });
    } finally {
      await history.close();
    }
  }

  it('writes the same lines into a file that only its owner may read', async () => {
    const before = { project: 'brief', to: between, output: file };
    expect(await run(before)).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe((await asked(`${ALL}?projectName=brief&to=${between}`)).text);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const [first] = linesIn(readFileSync(file, 'utf8'));
    expect(await run({ ...before, after: first?.position ?? '', from: '2026-01-01T00:00:00Z' })).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(
      (await asked(`${ALL}?projectName=brief&to=${between}&after=${first?.position}`)).text,
    );
    expect(readdirSync(directory)).toEqual(['trail.ndjson']);
  });

  it.each([
    [{ project: 'no/name' }, /--project must be/],
    [{ project: 'nobody' }, /--project: there never was a project nobody/],
    [{ from: 'yesterday' }, /--from must be an ISO 8601/],
    [{ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, /--to must be later/],
    [{ after: 'x' }, /--after must be the position/],
    [{ output: nodePath.join(directory, 'nowhere', 'file') }, /--output: ENOENT/],
    [{ output: directory }, /--output: .* is a directory/],
  ] as const)('refuses %j and leaves nothing behind', async (values, message) => {
    const before = readdirSync(directory);
    await expect(run({ output: nodePath.join(directory, 'refused'), ...values })).rejects.toThrow(message);
    expect(readdirSync(directory)).toEqual(before);
  });

  it('leaves what was there before when it does not come to its end', async () => {
    const before = readFileSync(file, 'utf8');
    const history = await openHistory({
      DATABASE_URL: plane.database.url,
      MASTER_KEY: plane.masterKey.toString('base64'),
    });
    const store = {
      query: (text: string, values: unknown[]) =>
        values[0] === 0 ? history.store.query(text, values) : Promise.reject(new Error('gone')),
    } as unknown as PostgresEventStore;
    const broken = AUDIT_EXPORT.run({ ...history, store }, { values: { output: file }, positionals: [] });
    await expect(broken).rejects.toThrow('gone');
    await history.close();
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(readdirSync(directory)).toEqual(['trail.ndjson']);
  });
});
