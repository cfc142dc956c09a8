import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startRedis, type RunningServer } from '#libs/embedded-servers';
import { freshDatabase, type FreshDatabase } from '#libs/event-store/testing';
import { callApiops, type ApiopsAnswer, type KeyedBody } from '../support/apiops-call.ts';
import { ChildProgram } from '../support/child-program.ts';
import { freePortsInARow } from '#libs/program-shell/testing';
import { historyKeysOf } from '../support/history-keys-of.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import {
  brokenChains,
  deploymentsNotEndedOnce,
  recordedWrites,
  strayNamesAndSecrets,
} from '../support/recorded-once.ts';
import { until } from '../support/until.ts';

const STARTED_WITHIN_MS = 120_000;
const ROLES = ['api', 'api', 'deployer', 'deployer', 'deployer'];
const PLANES = 2;
const WRITERS = 4;
/** Answered writes after which one control plane and one deployer are killed, are started again, and all is over. */
const [KILLED_AFTER, BACK_AFTER, OVER_AFTER] = [12, 24, 36];
const P = '/projects/demo';
const ENVIRONMENTS = ['staging', 'production'];

interface Write extends KeyedBody {
  readonly path: string;
  /** What it is to leave. */
  readonly types: readonly string[];
}

interface Member {
  readonly url: string;
  readonly program: ChildProgram;
}

const adminToken = `gwt_${randomBytes(32).toString('base64url')}`;
const masterKey = randomBytes(32);
const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-e2e-'));
let redis: RunningServer;
let database: FreshDatabase;
const members: Member[] = [];
/** By the write, what each plane answered; nothing where it was gone. */
const answers = new Map<Write, (ApiopsAnswer | undefined)[]>();

const settings = (index: number): Record<string, string> => ({
  ...{ DATABASE_URL: database.url, REDIS_URL: redis.url, DATA_DIR: path.join(directory, `data-${index}`) },
  ...{ MASTER_KEY: masterKey.toString('base64'), ADMIN_TOKEN: adminToken, ROLES: ROLES[index] ?? '' },
  ...{ DEPLOY_TIMEOUT_MS: '1000', AUDIT_CHECKPOINT_SECONDS: '1', LOG_LEVEL: 'warn', HOST: '127.0.0.1' },
});

async function ready({ url, program }: Member): Promise<void> {
  const isReady = async () => (await fetch(`${url}/readyz`)).status === 200;
  const ended = program.exited().then((code) => `it ended with ${code}`);
  const outcome = await Promise.race([
    until('it is ready', isReady, STARTED_WITHIN_MS).then(() => 'ready', String),
    ended,
  ]);
  if (outcome !== 'ready') throw new Error(`${outcome}\n${program.output.slice(-2_000)}`);
}

const callAt = (index: number, write: Write): Promise<ApiopsAnswer> =>
  callApiops({ url: members[index]?.url ?? '', adminToken }, 'POST', write.path, write);

/** By both planes at the same time: twins. */
async function sendTwins(write: Write): Promise<readonly (ApiopsAnswer | undefined)[]> {
  const twins = Array.from({ length: PLANES }, (_, index) => callAt(index, write).catch(() => undefined));
  const given = await Promise.all(twins);
  answers.set(write, given);
  return given;
}

async function done(write: Write): Promise<ApiopsAnswer> {
  const answer = await callAt(1, write);
  if (answer.status !== 200) throw new Error(`${write.key}: ${answer.status} ${answer.text}`);
  return answer;
}

let count = 0;
/** In turn a change that is deployed to all environments, and one of a list. */
function nextWrite(): Write {
  count += 1;
  const key = `write-${count}`;
  if (count % 2 === 0) return { key, path: '/projects/', body: { name: key }, types: ['ProjectCreated'] };
  const types = ['DeploymentRequested', 'DeploymentRequested', 'PolicyAdded'];
  const path = `${P}/apiProxies/orders/policies/${key}/`;
  return { key, path, body: policyBody(authJwtPolicy(), ENVIRONMENTS), types };
}

interface Told {
  readonly deploymentResult?: { readonly deploymentResults: readonly { readonly deploymentId: string }[] };
  readonly warnings?: readonly { readonly field: string }[];
}

const toldIn = ({ text }: ApiopsAnswer): Told => JSON.parse(text) as Told;
const deploymentIds = (answer: ApiopsAnswer): string[] =>
  (toldIn(answer).deploymentResult?.deploymentResults ?? []).map(({ deploymentId }) => deploymentId).sort();
const isRebuilt = (answer: ApiopsAnswer): boolean =>
  toldIn(answer).warnings?.some(({ field }) => field === 'Idempotency-Key') === true;

/** Writes go on the whole time; at the points of `KILLED_AFTER` and `BACK_AFTER` it is done what they say. */
async function writeThroughKills(): Promise<void> {
  const victims = [members[0], members[2]] as Member[];
  let answered = 0;
  const steps: Promise<unknown>[] = [];
  const kill = () => Promise.all(victims.map(({ program }) => program.signal('SIGKILL')));
  const startAgain = async () => {
    await steps[0];
    for (const { program } of victims) program.start();
    await Promise.all(victims.map(ready));
  };
  const writer = async (): Promise<void> => {
    while (answered < OVER_AFTER) {
      await sendTwins(nextWrite());
      answered += 1;
      if (answered === KILLED_AFTER) steps.push(kill());
      if (answered === BACK_AFTER) steps.push(startAgain());
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  await Promise.all(steps);
}

beforeAll(async () => {
  chmodSync(directory, 0o711);
  redis = await startRedis({ dataDir: path.join(directory, 'redis'), appendOnly: false });
  database = await freshDatabase();
  const ports = await freePortsInARow(ROLES.length);
  for (const [index, port] of ports.entries()) {
    const program = new ChildProgram('apps/control-plane/src/main.js', { ...settings(index), PORT: String(port) });
    members.push({ url: `http://127.0.0.1:${port}`, program });
  }
  for (const { program } of members) program.start();
  await Promise.all(members.map(ready));
}, STARTED_WITHIN_MS + 30_000);
afterAll(async () => {
  await Promise.all(members.map(({ program }) => program.signal('SIGKILL')));
  await database.drop();
  await redis.stop();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

describe('two control planes and three deployers on one database and one Redis', () => {
  it('start together on an empty database, each migration done once', async () => {
    for (const table of ['event_store_migrations', 'control_plane_migrations']) {
      const { rows } = await database.pool.query<{ all: string; names: string }>(
        `select count(*) as all, count(distinct name) as names from ${table}`,
      );
      expect([table, rows[0]?.all]).toEqual([table, rows[0]?.names]);
      expect(Number(rows[0]?.all)).toBeGreaterThan(0);
    }
    const { rows: keys } = await database.pool.query('select 1 from data_keys');
    expect(keys.length).toBeGreaterThan(0);
    for (const { program } of members) expect(program.output).toBe('');
  });

  it('go on while one of each is killed with -9 among writes that come to both planes at once', async () => {
    for (const name of ENVIRONMENTS) {
      const types = ['EnvironmentCreated'];
      await done({ key: name, path: '/environments/', body: { name, redisUrl: redis.url }, types });
    }
    await done({ key: 'demo', path: '/projects/', body: { name: 'demo' }, types: [] });
    const proxy = proxyBody('orders', '/orders', 'http://127.0.0.1:1');
    await done({ key: 'orders', path: `${P}/apiProxies/url/`, body: proxy, types: [] });
    await writeThroughKills();
    const all = [...answers.values()];
    expect(all.flat().filter((answer) => answer !== undefined && answer.status !== 200)).toEqual([]);
    expect(all.filter((given) => given.includes(undefined)).length).toBeGreaterThan(0);
    expect(all.filter((given) => !given.includes(undefined)).length).toBeGreaterThan(0);
  }, 120_000);

  it('answered twins alike, of which one did the work', () => {
    for (const [{ key }, [one, other]] of answers) {
      if (one === undefined || other === undefined) continue;
      expect([key, [one.isReplay, other.isReplay].sort()]).toEqual([key, [false, true]]);
      const [first, replay] = one.isReplay ? [other, one] : [one, other];
      expect([key, deploymentIds(first)]).toEqual([key, deploymentIds(replay)]);
      // Whoever answers later than twins wait for is taken for dead: what is known is put together then, and it says so.
      if (!isRebuilt(replay)) expect([key, replay.text]).toEqual([key, first.text]);
    }
  });

  it('have each change once, whatever was answered, and nothing beside', async () => {
    for (const write of answers.keys()) await done(write);
    const recorded = await recordedWrites(database.pool);
    for (const name of ['demo', 'orders', ...ENVIRONMENTS]) recorded.delete(name);
    const expected = [...answers.keys()].map(({ key, types }) => [key, [...types]]);
    expect(Object.fromEntries(recorded)).toEqual(Object.fromEntries(expected));
    expect(await strayNamesAndSecrets(database.pool)).toEqual([]);
  }, 60_000);

  it('end each deployment once', async () => {
    const notEndedOnce = async () => deploymentsNotEndedOnce(database.pool);
    await until('each has ended', async () => (await notEndedOnce()).length === 0, 60_000);
    const wished = [...answers.keys()].filter(({ types }) => types.length > 1).length;
    const { rows } = await database.pool.query<{ count: string }>('select count(*) from deployments');
    expect(Number(rows[0]?.count)).toBe(wished * ENVIRONMENTS.length);
  }, 90_000);

  it('leave one history, whose MACs and checkpoints hold', async () => {
    expect(await brokenChains(database.pool, await historyKeysOf(database.pool, masterKey))).toEqual([]);
    // With the file of the plane that was never killed.
    const verify = new ChildProgram('apps/control-plane/src/maintenance/audit-verify.main.js', settings(1));
    verify.start();
    expect([await verify.exited(), verify.output]).toEqual([0, expect.any(String)]);
    const { rows } = await database.pool.query<{ count: string }>('select count(*) from history_checkpoints');
    expect(Number(rows[0]?.count)).toBeGreaterThan(0);
  }, 60_000);
});
