import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { waitedFor, whileOpen } from './testing/open-transactions.ts';
import { credentialBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

const P = '/projects/shop';
/** More than there are connections. */
const CROWD = 60;

let plane: RunningControlPlane;
let environmentName: string;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 500 });
  environmentName = (await plane.environment()).name;
  await plane.done('POST', '/projects/', { name: 'shop' });
  await plane.done('POST', `${P}/apiProxies/url/`, proxyBody('orders'));
  await plane.done('POST', `${P}/credentials/`, credentialBody('user', 'a first password'));
});
afterAll(() => plane.close());

const crowd = (ask: (index: number) => Promise<Answer>): Promise<Answer[]> =>
  Promise.all(Array.from({ length: CROWD }, (_, index) => ask(index)));
const statusesOf = (answers: readonly Answer[]): number[] => [...new Set(answers.map(({ status }) => status))];

describe('more changes at once than there are connections', () => {
  const path = () => `${P}/credentials/user/tokens/?environmentName=${environmentName}`;

  it('do not wait for each other for ever: twins with one Idempotency-Key', async () => {
    // A change that asks the pool for one more connection, and whose twins hold all of them.
    const answers = await crowd(() => plane.call('DELETE', path(), undefined, { 'idempotency-key': 'crowd' }));
    expect(statusesOf(answers)).toEqual([200]);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(CROWD - 1);
  });

  it('do not wait for each other for ever: others', async () => {
    expect(statusesOf(await crowd(() => plane.call('DELETE', path())))).toEqual([200]);
  });

  it('leave connections for those who only ask', async () => {
    let changes: Promise<Answer[]> = Promise.resolve([]);
    const asked = await whileOpen(plane.pool, async (holder) => {
      await holder.query(`select 1 from names where kind = 'project' and name = 'shop' for update`);
      changes = crowd((index) => plane.call('POST', `${P}/apiProxies/url/`, proxyBody(`p-${index}`)));
      await waitedFor(holder, 6);
      return plane.call('GET', '/projects/');
    });
    expect(asked.status).toBe(200);
    expect(statusesOf(await changes)).toEqual([200]);
  });
});

describe('forty twins in two processes, whose deployment cannot succeed', () => {
  it('make one change and one deployment, and are answered with the same bytes but for what is shown once', async () => {
    const away = await plane.environment({ redisUrl: 'redis://127.0.0.1:1' });
    const body = proxyBody('twins', { deploy: true, deployTargetEnvironmentNameList: [away.name] });
    const ask = (app: NestFastifyApplication) =>
      app.inject({
        ...{ method: 'POST', url: `/apiops${P}/apiProxies/url/`, payload: body },
        headers: { authorization: `Bearer ${plane.adminToken}`, 'idempotency-key': 'forty' },
      });
    const processes = [plane.app, await plane.process()];
    const answers = await Promise.all(processes.flatMap((app) => Array.from({ length: 20 }, () => ask(app))));
    expect([...new Set(answers.map((answer) => answer.statusCode))]).toEqual([200]);
    const replays = answers.filter((answer) => answer.headers['idempotency-replayed'] === 'true');
    expect(replays).toHaveLength(39);
    expect(new Set(replays.map((answer) => answer.body)).size).toBe(1);
    expect(replays[0]?.json()).toMatchObject({
      resultList: [{ secretAlreadyShown: true }],
      deploymentResult: { success: false, deploymentResults: [{ environmentName: away.name, success: false }] },
    });
    const made = (await plane.events()).filter(({ metadata }) => metadata['idempotencyKey'] === 'forty');
    expect(made.map(({ type }) => type).sort()).toEqual(['DeploymentRequested', 'ProxyCreated']);
  });
});

describe('503 unavailable', () => {
  const asksWhatBecame = (text: unknown): boolean =>
    typeof text === 'string' && /from deployments where environment_id/.test(text);

  /** A process whose database goes away for the question what became of a deployment: after the change is recorded. */
  const withLostAnswer = async (): Promise<NestFastifyApplication> => {
    const database = new Proxy(plane.pool, {
      get(pool, name) {
        const member: unknown = Reflect.get(pool, name, pool);
        if (typeof member !== 'function') return member;
        return (...values: unknown[]): unknown => {
          if (name === 'query' && asksWhatBecame(values[0])) {
            return Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
          }
          return (member as (...values: unknown[]) => unknown).apply(pool, values);
        };
      },
    });
    return plane.process({ roles: new Set(['api'] as const) }, database);
  };

  it('says that the change was recorded when it was, and the same Idempotency-Key gets its answer later', async () => {
    const app = await withLostAnswer();
    const members = { deploy: true, deployTargetEnvironmentNameList: [environmentName] };
    const body = proxyBody('half-answered', members);
    const headers = { 'idempotency-key': 'half-answered' };
    const lost = await app.inject({
      ...{ method: 'POST', url: `/apiops${P}/apiProxies/url/`, payload: body },
      headers: { authorization: `Bearer ${plane.adminToken}`, ...headers },
    });
    expect(lost.statusCode).toBe(503);
    const { error, error_description: message } = lost.json<{ error: string; error_description: string }>();
    expect(error).toBe('unavailable');
    expect(message).toContain('was recorded');
    expect(message).not.toContain('nothing');
    expect((await plane.call('GET', `${P}/apiProxies/half-answered/`)).status).toBe(200);
    const again = await plane.call('POST', `${P}/apiProxies/url/`, body, headers);
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([200, 'true']);
  });
});
