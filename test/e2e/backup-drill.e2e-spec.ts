import { chmodSync, copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { FreshDatabase } from '#libs/event-store/testing';
import type { RunningServer } from '#libs/embedded-servers';
import { GatewardenSystem } from '../support/gatewarden-system.ts';
import { KeptTraffic } from '../support/kept-traffic.ts';
import { authJwtPolicy, policyBody, proxyBody } from '../support/policies.ts';
import { dump, obtainDumpTools, restore } from '../support/postgres-tools.ts';
import { ServerDoor } from '../support/server-door.ts';
import { requestToken } from '../support/token-client.ts';
import { until } from '../support/until.ts';

const PROXIES = '/projects/demo/apiProxies';
/** The first one's Redis stays as it is, the other one's is emptied. */
const BOTH = ['staging', 'production'];
const LISTS = ['/projects/', '/environments/', `${PROXIES}/`, '/projects/demo/credentials/'];
/** Lives of tokens, by which it shows which change a gateway serves. */
const BEFORE_SECONDS = 1_001;
const DURING_SECONDS = 1_002;
const LOST_SECONDS = 1_003;
const AFTER_SECONDS = 1_004;
const PASSWORD_BEFORE = 'the first password of bob';
const PASSWORD_LOST = 'the second password of bob';
/** Whole environments are compared every ten seconds. */
const COMPARED_MS = 90_000;
/** What `audit:verify` may say of history that is known to be lost, before anything is changed. */
const LOSS = ['checkpoint-missing', 'cut-off', 'stream-missing'];

interface StoredEvent {
  readonly stream_id: string;
  readonly version: string;
  readonly mac: string;
  readonly data: { readonly deployment?: number };
}

interface AuditReport {
  readonly anchor?: { readonly checkpoint: number };
  readonly onlyChained: number;
  readonly files: readonly { readonly newest: number }[];
  readonly faults: readonly { readonly kind: string }[];
}

const kindsIn = ({ faults }: AuditReport): readonly string[] => [...new Set(faults.map(({ kind }) => kind))].sort();

describe('a backup of the database, restored into a new cluster while gateways serve', () => {
  const tools = obtainDumpTools();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-e2e-'));
  const dumpFile = path.join(directory, 'gatewarden.dump');
  const checkpoints = path.join(directory, 'audit-checkpoints.jsonl');
  const keptElsewhere = path.join(directory, 'kept-elsewhere.jsonl');
  let cluster: RunningServer;
  let door: ServerDoor;
  let system: GatewardenSystem;
  let traffic: KeptTraffic;
  let login: Readonly<Record<string, string>>;
  let before: StoredEvent[];
  /** What answers told before the dump began and after it had ended. */
  let revisions: { readonly least: number; readonly most: number };

  const query = async <Row extends object>(text: string): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: cluster.url });
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const events = (): Promise<StoredEvent[]> =>
    query(`select stream_id, version, encode(mac, 'hex') as mac, data from events order by stream_id, version`);
  const done = async (method: string, call: string, body?: unknown): Promise<any> => {
    const answer = await system.api(method, `/apiops${call}`, body);
    if (answer.status !== 200) throw new Error(`${method} ${call}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const lists = (): Promise<unknown[]> => Promise.all(LISTS.map(async (list) => (await done('GET', list)).resultList));
  const createProxy = (name: string, environments: readonly string[]): Promise<any> =>
    done('POST', `${PROXIES}/url/`, proxyBody(name, `/${name}`, system.upstreamUrl, environments));
  const change = (seconds: number, environments: readonly string[]): Promise<any> => {
    const policy = authJwtPolicy({ tokenExpiresInAmount: seconds });
    const order = { deploy: environments.length > 0 };
    return done('PUT', `${PROXIES}/orders/policies/jwt/`, policyBody(policy, environments, order));
  };
  const revision = async (): Promise<number> =>
    Number((await done('GET', `${PROXIES}/orders/`)).resultList[0].revision);
  const servedSeconds = async (environment: string): Promise<number> => {
    const { status, body } = await requestToken(system.gateway(environment).url, login);
    if (status !== 200) throw new Error(`${environment} answered ${status} ${JSON.stringify(body)}`);
    return Number(body.expires_in);
  };
  const setPassword = (method: 'POST' | 'PUT', password: string): Promise<any> => {
    const body = { username: 'bob', password, fullName: 'Bob', email: 'bob@example.org' };
    return done(method, '/projects/demo/credentials/', body);
  };
  /** At each gateway. */
  const loginsOfBob = (password: string): Promise<readonly number[]> =>
    Promise.all(
      BOTH.map(async (name) => {
        const { status } = await requestToken(system.gateway(name).url, { ...login, username: 'bob', password });
        return status;
      }),
    );
  const audit = async (file: string): Promise<AuditReport & { readonly code: number | null }> => {
    const command = system.command('audit-verify', ['--json', '--checkpoints', file]);
    command.start();
    const code = await command.exited();
    return { code, ...(JSON.parse(command.output.slice(command.output.indexOf('{'))) as AuditReport) };
  };
  const findings = async (environment: string): Promise<readonly { where: string; problem: string; what: string }[]> =>
    (await done('GET', `/environments/${environment}/drift/`)).resultList[0].findings;

  const setUp = async (): Promise<void> => {
    await done('POST', '/projects/', { name: 'demo' });
    expect((await createProxy('open', BOTH)).deploymentResult).toMatchObject({ success: true });
    const { publicKey, secretKey } = (await createProxy('orders', [])).resultList[0];
    const user = { username: 'ada', password: 'the password of ada' };
    login = { grant_type: 'password', client_id: publicKey, client_secret: secretKey, ...user };
    const name = { fullName: 'Ada', email: 'ada@example.org' };
    await done('POST', '/projects/demo/credentials/', { ...user, ...name });
    await setPassword('POST', PASSWORD_BEFORE);
    const policy = policyBody(authJwtPolicy(), BOTH);
    const added = await done('POST', `${PROXIES}/orders/policies/jwt/`, policy);
    expect(added.deploymentResult).toMatchObject({ success: true });
  };

  beforeAll(async () => {
    chmodSync(directory, 0o711);
    cluster = await tools.newCluster(path.join(directory, 'lost'));
    door = await ServerDoor.to(cluster.url);
    const database = { url: door.url } as FreshDatabase;
    const settings = { AUDIT_CHECKPOINT_SECONDS: '1', AUDIT_CHECKPOINT_FILE: checkpoints, DEPLOY_TIMEOUT_MS: '20000' };
    system = await GatewardenSystem.start(BOTH, { gatewaysEach: 1, deployers: 0, settings, database });
    await setUp();
    const urls = BOTH.map((name) => `${system.gateway(name).url}/open/1`);
    traffic = new KeptTraffic(urls, 200);
  }, 180_000);
  afterAll(async () => {
    await traffic.stop();
    await system.stop();
    await door.close();
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('is taken while changes are made', async () => {
    expect((await change(BEFORE_SECONDS, BOTH)).deploymentResult).toMatchObject({ success: true });
    const least = await revision();
    let isDumping = true;
    const writing = (async () => {
      while (isDumping) await change(DURING_SECONDS, []);
    })();
    await dump(tools, cluster.url, dumpFile);
    isDumping = false;
    await writing;
    revisions = { least, most: await revision() };
    expect(revisions.most).toBeGreaterThan(least);
  }, 60_000);

  it('lacks what was changed since; then the cluster is destroyed, and gateways serve that all the same', async () => {
    expect((await change(LOST_SECONDS, BOTH)).deploymentResult).toMatchObject({ success: true });
    expect((await createProxy('late', BOTH)).deploymentResult).toMatchObject({ success: true });
    await setPassword('PUT', PASSWORD_LOST);
    const isNew = async () => (await loginsOfBob(PASSWORD_LOST)).every((status) => status === 200);
    await until('the new password counts', isNew);
    before = await events();
    await until('a checkpoint of all of it lies in the file', async () => {
      const { code, anchor, onlyChained, files } = await audit(checkpoints);
      expect(code).toBe(0);
      return onlyChained === 0 && files[0]?.newest === anchor?.checkpoint;
    });
    copyFileSync(checkpoints, keptElsewhere);
    process.kill(cluster.pid, 'SIGQUIT');
    await cluster.exited;
    rmSync(path.join(directory, 'lost'), { recursive: true });
    const refused = await system.api('POST', '/apiops/projects/', { name: 'nowhere' });
    expect([refused.status, refused.body.error]).toEqual([503, 'unavailable']);
    for (const name of BOTH) expect(await servedSeconds(name)).toBe(LOST_SECONDS);
  }, 60_000);

  it('brings back events as they were recorded, and of each stream all up to its end', async () => {
    cluster = await tools.newCluster(path.join(directory, 'restored'));
    await restore(tools, cluster.url, dumpFile);
    const restored = await events();
    const place = ({ stream_id: stream, version }: StoredEvent): string => `${stream} ${version}`;
    const recorded = new Map(before.map((event) => [place(event), event]));
    expect(restored).toEqual(restored.map((event) => recorded.get(place(event))));
    expect(restored.length).toBeLessThan(before.length);
    const withGaps = await query('select stream_id from events group by 1 having max(version) <> count(*)');
    expect(withGaps).toEqual([]);
  }, 60_000);

  it('is seen to be older by the checkpoints kept outside it, and to have lost nothing but its end', async () => {
    await system.controlPlane.signal('SIGTERM');
    door.leadTo(cluster.url);
    const lost = await audit(keptElsewhere);
    expect(lost.code).toBe(1);
    expect(kindsIn(lost)).toContain('checkpoint-missing');
    expect(kindsIn(lost).filter((kind) => !LOSS.includes(kind))).toEqual([]);
  }, 60_000);

  it('is what a control plane goes on with that is started on it', async () => {
    const redis = new Redis(system.environment('production').redis.url);
    await redis.flushall();
    redis.disconnect();
    system.controlPlane.start();
    await system.ready(system.controlPlaneUrl, 120_000);
    const now = await revision();
    expect([now >= revisions.least, now <= revisions.most]).toEqual([true, true]);
    const { resultList } = await done('GET', `${PROXIES}/`);
    expect(resultList.map(({ apiProxyName }: { apiProxyName: string }) => apiProxyName).sort()).toEqual([
      ...['open', 'orders'],
    ]);
  }, 180_000);

  it('has lists that are the same when they are made anew from history', async () => {
    const live = await lists();
    const rebuild = system.command('projections-rebuild');
    rebuild.start();
    if ((await rebuild.exited()) !== 0) throw new Error(rebuild.output);
    expect(await lists()).toEqual(live);
  }, 60_000);

  it('has its control plane say so, and begin a new file of checkpoints by which the rest is sound', async () => {
    const isSaid = async () =>
      system.controlPlane.output.includes('the database lacks checkpoints that the file holds');
    await until('it is said', isSaid, 60_000);
    renameSync(checkpoints, `${checkpoints}.until-the-restore`);
    await until('a new file is written', async () => existsSync(checkpoints), 60_000);
    expect(await audit(checkpoints)).toMatchObject({ code: 0, faults: [] });
  }, 120_000);

  it('has gateways go back by themselves to what is recorded, under numbers above all that were given', async () => {
    const given = before.flatMap(({ data }) => (data.deployment === undefined ? [] : [data.deployment]));
    for (const name of BOTH) {
      const isBack = async () => (await servedSeconds(name)) === BEFORE_SECONDS;
      await until(`${name} serves what was deployed before the dump`, isBack, COMPARED_MS);
      const { resultList } = await done('GET', `${PROXIES}/orders/environments/${name}/deploy-status/`);
      expect(resultList[0]).toMatchObject({ deployed: true });
      expect(resultList[0].deployment).toBeGreaterThan(Math.max(...given));
    }
  }, 240_000);

  it('has users log in with the passwords that are recorded, and with no others', async () => {
    const isBack = async () => (await loginsOfBob(PASSWORD_BEFORE)).every((status) => status === 200);
    await until('the recorded password counts', isBack, COMPARED_MS);
    expect(await loginsOfBob(PASSWORD_LOST)).toEqual([400, 400]);
  }, 120_000);

  it('has a proxy reported that it does not know; gateways serve it until somebody decides', async () => {
    const isUnknown = async () => (await findings('staging')).find(({ problem }) => problem === 'not-recorded');
    expect(await until('it is found', isUnknown, COMPARED_MS)).toMatchObject({ where: 'redis', what: 'proxy' });
    for (const name of BOTH) expect((await fetch(`${system.gateway(name).url}/late/1`)).status).toBe(200);
  }, 120_000);

  it('is gone on from: changes are recorded, deployed to both, and verified', async () => {
    expect((await change(AFTER_SECONDS, BOTH)).deploymentResult).toMatchObject({ success: true });
    for (const name of BOTH) expect(await servedSeconds(name)).toBe(AFTER_SECONDS);
    expect(await audit(checkpoints)).toMatchObject({ code: 0, faults: [] });
  }, 60_000);

  it('was not noticed by those who called the APIs, from before the dump to the end', () => {
    expect(traffic.wrong).toEqual([]);
    expect([...traffic.answered.values()].filter((count) => count > 10)).toHaveLength(BOTH.length);
  });
});
