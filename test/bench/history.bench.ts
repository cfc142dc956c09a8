/**
 * What the length of a proxy's history costs: a proxy with 10,000 changes beside one with 100, on a durable PostgreSQL,
 * by the control plane as it is delivered. Read the ratios; exits with 1 when the median of one misses its target.
 *
 *     npm run bench -- history
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres, startRedis } from '#libs/embedded-servers';
import { type DomainEvent, PostgresEventStore } from '#libs/event-store';
import { parsePolicy } from '#libs/policy-contracts';
import { ChildProgram } from '../support/child-program.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { historyKeysOf } from '../support/history-keys-of.ts';
import { until } from '../support/until.ts';
import { median, percentile, timed, timedRuns } from './event-store/figures.ts';

const FEW = 100;
const MANY = 10_000;
const POLICIES = 5;
const APPENDED_AT_ONCE = 500;
const ROUNDS = 10;
const RUNS_OF_A_ROUND = 50;
/** Each round changes both proxies as often: their distance from the newest snapshot stays the same. */
const TARGET_RATIO = 1.5;
const READY_WITHIN_MS = 30_000;

const proxyBody = (name: string) => ({
  ...{ apiProxyName: name, apiProxyDescription: '', apiProxyCreationType: 'EMPTY_API', deploy: false },
  clientRoute: { relativePathList: [`/${name}`], methodList: [] },
  routingInfo: { routingAddressList: [{ address: 'http://127.0.0.1:4000', weight: 100 }] },
});

const policyBody = (audience: string) => ({
  operationMetadata: {
    ...{ targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: false, deployTargetEnvironmentNameList: [] },
  },
  policy: { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.secret' }, audience },
});

interface ControlPlane {
  call(method: string, path: string, body?: object): Promise<void>;
  stop(): Promise<unknown>;
}

async function startControlPlane(environment: Readonly<Record<string, string>>): Promise<ControlPlane> {
  const [port = 0] = await freePortsInARow(1);
  const token = `gwt_${randomBytes(32).toString('base64url')}`;
  const own = { HOST: '127.0.0.1', PORT: String(port), ADMIN_TOKEN: token };
  const program = new ChildProgram('apps/control-plane/src/main.js', { ...environment, ...own });
  const at = `http://127.0.0.1:${port}`;
  const call = async (method: string, target: string, body?: object): Promise<void> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const payload = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${at}/apiops${target}`, { method, headers, ...payload });
    const text = await answer.text();
    if (answer.status !== 200)
      throw new Error(`${method} ${target}: ${answer.status} ${text} ${program.output.slice(-2000)}`);
  };
  program.start();
  await until(
    'the control plane is ready',
    () =>
      fetch(`${at}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    READY_WITHIN_MS,
  );
  return { call, stop: () => program.signal('SIGTERM') };
}

/** A proxy of a history of its own. */
interface BenchProxy {
  readonly name: string;
  readonly changes: number;
  readonly streamId: string;
}

const X = ({ name }: BenchProxy): string => `/projects/shop/apiProxies/${name}`;

/** As changes over HTTP record them, one policy after the other. */
function policyUpdate(proxyId: string, number: number): DomainEvent {
  const name = `p${number % POLICIES}`;
  const policy = parsePolicy({ ...policyBody(`audience ${number}`).policy, description: 'x'.repeat(200) });
  if (!policy.ok) throw new Error(JSON.stringify(policy.faults));
  const place = { scope: 'ALL', pipeline: 'REQUEST' };
  const data = { proxyId, name, place, order: (number % POLICIES) + 1, policy: policy.value };
  return { type: 'PolicyUpdated', schemaVersion: 1, data };
}

/** A change a minute, all of them before the run. */
const atMinute = (number: number): string => new Date(Date.now() - (MANY - number) * 60_000).toISOString();

async function fill(
  controlPlane: ControlPlane,
  { pool, store }: { readonly pool: pg.Pool; readonly store: PostgresEventStore },
  changes: number,
): Promise<BenchProxy> {
  const name = `with-${changes}`;
  await controlPlane.call('POST', '/projects/shop/apiProxies/url/', proxyBody(name));
  for (let policy = 0; policy < POLICIES; policy += 1) {
    await controlPlane.call('POST', `/projects/shop/apiProxies/${name}/policies/p${policy}/`, policyBody('first'));
  }
  const named = `select entity_id from names where kind = 'api-proxy' and name = $1`;
  const proxyId = (await pool.query<{ entity_id: string }>(named, [name])).rows[0]?.entity_id ?? '';
  const streamId = `apiProxy-${proxyId}`;
  for (let version = POLICIES + 1; version < changes;) {
    const count = Math.min(APPENDED_AT_ONCE, changes - version);
    const events = Array.from({ length: count }, (_, index) => policyUpdate(proxyId, version + index));
    await store.transact(async (session) => {
      for (const [index, event] of events.entries()) {
        const context = { recordedAt: atMinute(version + index), metadata: { actor: 'bench', requestId: 'bench' } };
        await session.append({ streamId, expectedVersion: 'any', events: [event] }, context);
      }
    });
    version += count;
  }
  return { name, changes, streamId };
}

type Work = (proxy: BenchProxy, index: number) => Promise<unknown>;

interface Line {
  readonly what: string;
  readonly few: readonly number[];
  readonly many: readonly number[];
}

/** Both proxies in turn, round by round, so that whatever else the machine does falls on both. */
async function compare(what: string, work: Work, few: BenchProxy, many: BenchProxy): Promise<Line> {
  const times = { few: [] as number[], many: [] as number[] };
  for (let round = -1; round < ROUNDS; round += 1) {
    const ofFew = await timedRuns(RUNS_OF_A_ROUND, (index) => work(few, index));
    const ofMany = await timedRuns(RUNS_OF_A_ROUND, (index) => work(many, index));
    // The first one only warms up.
    if (round < 0) continue;
    times.few.push(...ofFew);
    times.many.push(...ofMany);
  }
  return { what, ...times };
}

const ratio = ({ few, many }: Line, percent: number): number => percentile(many, percent) / percentile(few, percent);

function print(lines: readonly Line[]): void {
  const cell = (values: readonly number[]): string =>
    `${median(values).toFixed(2)} / ${percentile(values, 99).toFixed(2)}`.padEnd(18);
  console.log(`ms, median / p99${' '.repeat(26)}${FEW} changes       ${MANY} changes     ratio of medians, of p99`);
  for (const line of lines) {
    const verdict = ratio(line, 50) <= TARGET_RATIO ? 'met' : 'MISSED';
    const ratios = `${ratio(line, 50).toFixed(2)}, ${ratio(line, 99).toFixed(2)}`;
    console.log(`${line.what.padEnd(42)}${cell(line.few)}${cell(line.many)}${ratios}   <= ${TARGET_RATIO} ${verdict}`);
  }
}

const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-bench-'));
// PostgreSQL does not run as root: another user must get through to its data.
chmodSync(directory, 0o711);
const postgres = await startEmbeddedPostgres({ dataDir: path.join(directory, 'postgres') });
const redis = await startRedis({ dataDir: path.join(directory, 'redis'), appendOnly: false });
const masterKey = randomBytes(32);
const pool = new pg.Pool({ connectionString: postgres.url, max: 4, pipeline: true });
const controlPlane = await startControlPlane({
  ...{ DATABASE_URL: postgres.url, REDIS_URL: redis.url, DATA_DIR: path.join(directory, 'control-plane') },
  MASTER_KEY: masterKey.toString('base64'),
});
const store = new PostgresEventStore(pool, await historyKeysOf(pool, masterKey));
try {
  const [cpu] = os.cpus();
  console.log(`${os.cpus().length} x ${cpu?.model}, Node ${process.version}, load ${os.loadavg()[0]?.toFixed(1)}`);
  await controlPlane.call('POST', '/projects/', { name: 'shop' });
  const few = await fill(controlPlane, { pool, store }, FEW);
  const many = await fill(controlPlane, { pool, store }, MANY);
  const change: Work = (proxy, index) =>
    controlPlane.call('PUT', `${X(proxy)}/policies/p${index % POLICIES}/`, policyBody(`changed ${index}`));
  await change(few, 0);
  const caughtUpMs = await timed(() => change(many, 0));
  console.log(`the first change of ${MANY} events that were appended without a snapshot: ${caughtUpMs.toFixed(0)} ms`);
  const wholeMs = median(await timedRuns(5, () => store.readStream(many.streamId)));
  console.log(`all ${MANY} events read, as loading them without a snapshot would: ${wholeMs.toFixed(0)} ms\n`);
  const moments = new Map<BenchProxy, string>();
  for (const proxy of [few, many]) {
    const version = proxy.changes / 2;
    const [event] = await store.readStream(proxy.streamId, { fromVersion: version, toVersion: version });
    moments.set(proxy, event?.recordedAt ?? '');
  }
  const get =
    (target: (proxy: BenchProxy) => string): Work =>
    (proxy) =>
      controlPlane.call('GET', `${X(proxy)}${target(proxy)}`);
  const works: readonly (readonly [string, Work])[] = [
    ['loaded by the event store', ({ streamId }) => store.loadStream(streamId, 'apiProxy@2')],
    ['GET X/', get(() => '/')],
    ['PUT X/policies/{name}/ (a change)', change],
    ['GET X/revisions/{the middle one}/', get(({ changes }) => `/revisions/${changes / 2}/`)],
    ['GET X/events/?after={the middle}&limit=20', get(({ changes }) => `/events/?after=${changes / 2}&limit=20`)],
    ['GET X/revisions/?after={the middle}', get(({ changes }) => `/revisions/?after=${changes / 2}&limit=20`)],
    ['GET X/diff/', get(() => '/diff/')],
    ['GET X/?at={the moment of the middle}', get((proxy) => `/?at=${moments.get(proxy)}`)],
  ];
  const lines: Line[] = [];
  for (const [what, work] of works) lines.push(await compare(what, work, few, many));
  print(lines);
  if (lines.some((line) => ratio(line, 50) > TARGET_RATIO)) process.exitCode = 1;
} finally {
  await controlPlane.stop();
  await pool.end();
  await Promise.all([redis.stop(), postgres.stop()]);
  rmSync(directory, { recursive: true, force: true });
}
