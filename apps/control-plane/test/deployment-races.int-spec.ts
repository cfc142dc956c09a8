import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { EnvironmentUpkeep } from '../src/deployments/deployer/environment-upkeep.ts';
import { RolloutRunner } from '../src/deployments/rollouts/rollout-runner.ts';
import { RolloutSteps } from '../src/deployments/rollouts/rollout-steps.ts';
import { waitedFor, whileOpen } from './testing/open-transactions.ts';
import { policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

type Environment = Awaited<ReturnType<RunningControlPlane['environment']>>;

/** Nobody deploys, and nobody looks what is there: what is recorded stays as it is until a test says otherwise. */
let plane: RunningControlPlane;
let one: Environment;
let two: Environment;
let proxies = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ roles: new Set(['api'] as const), deployTimeoutMs: 50 });
  jest.spyOn(plane.app.get(EnvironmentUpkeep), 'run').mockResolvedValue(undefined);
  await plane.done('POST', '/projects/', { name: 'shop' });
  [one, two] = [await plane.environment(), await plane.environment()];
});
afterAll(() => plane.close());

async function proxy(): Promise<string> {
  proxies += 1;
  await plane.done('POST', '/projects/shop/apiProxies/url/', proxyBody(`r${proxies}`));
  return `/projects/shop/apiProxies/r${proxies}`;
}

/** A policy that issues tokens, in waves: first one environment, then the other. */
async function inWaves(x: string, headers: Record<string, string> = {}): Promise<Answer['body'] & { id: string }> {
  const deployStrategy = { waves: [[one.name], [two.name]] };
  const body = await plane.done('POST', `${x}/policies/issue/`, policyBody({ deploy: true, deployStrategy }), headers);
  return { ...body, id: (body.deploymentResult as unknown as { id: string }).id };
}

const newestIn = async ({ id }: Environment) =>
  (
    await plane.pool.query<{ kind: string; revision: number }>(
      'select kind, revision from deployments where environment_id = $1 order by deployment desc limit 1',
      [id],
    )
  ).rows[0];

/** What was last asked for the newest proxy there. */
const takenOut = async ({ id }: Environment) =>
  (
    await plane.pool.query<{ kind: string }>(
      `select kind from deployments where environment_id = $1 and proxy_id =
         (select proxy_id from rollouts order by started_at desc limit 1) order by deployment desc limit 1`,
      [id],
    )
  ).rows.map(({ kind }) => kind);

/** Starts changes one after the other while the numbers of an environment are held, then lets them go on. */
async function whileNumbersAreHeld(
  { id }: Environment,
  changes: readonly (() => Promise<unknown>)[],
): Promise<unknown[]> {
  const running: Promise<unknown>[] = [];
  await whileOpen(plane.pool, async (holder) => {
    await holder.query('select 1 from deployment_counters where environment_id = $1 for update', [id]);
    for (const change of changes) {
      running.push(change());
      await waitedFor(holder, running.length);
    }
  });
  return Promise.all(running);
}

describe('a change that deploys again what is deployed', () => {
  const order = () => ({ deploy: true, deployTargetEnvironmentNameList: [one.name] });
  const variable = '/projects/shop/environmentVariables/private.secretkey/';
  const secret = (letter: string) => ({ global: true, globalValue: letter.repeat(32) });
  const checking = () => ({
    operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST', ...order() },
    policy: { type: 'policy-verify-jwt', algorithm: ['HS256'], secretKey: { ref: 'private.secretkey' } },
  });

  it('of a variable does not bring back a proxy that is taken out at the same moment', async () => {
    await plane.done('POST', variable, secret('a'));
    const x = await proxy();
    await plane.done('POST', `${x}/policies/check/`, checking());
    await whileNumbersAreHeld(one, [
      () => plane.done('DELETE', `${x}/environments/${one.name}/`),
      () => plane.done('PUT', variable, secret('b')),
    ]);
    expect(await newestIn(one)).toMatchObject({ kind: 'undeploy' });
  });

  it('of a variable does not bring back the revision before a change at the same moment', async () => {
    const x = await proxy();
    await plane.done('POST', `${x}/policies/check/`, checking());
    await whileNumbersAreHeld(one, [
      () => plane.done('PUT', `${x}/policies/check/`, checking()),
      () => plane.done('PUT', variable, secret('c')),
    ]);
    expect(await newestIn(one)).toMatchObject({ kind: 'publish', revision: 3 });
  });

  it('of a key does not bring back a proxy that is taken out at the same moment', async () => {
    await plane.done('POST', '/projects/shop/jwks/generate', { name: 'k', type: 'OCT', oct: { keySize: 256 } });
    const x = await proxy();
    await plane.done('POST', `${x}/policies/issue/`, policyBody(order(), { keyStoreName: 'k' }));
    await whileNumbersAreHeld(one, [
      () => plane.done('DELETE', `${x}/environments/${one.name}/`),
      () => plane.done('POST', '/projects/shop/jwks/k/rotate/', {}),
    ]);
    expect(await newestIn(one)).toMatchObject({ kind: 'undeploy' });
  });
});

describe('a wave that begins', () => {
  it('while its proxy is deleted is taken out with the rest', async () => {
    // Numbers have begun there, or there would be nothing to hold.
    await plane.done('POST', `${await proxy()}/environments/${two.name}/`);
    await plane.done('DELETE', `/projects/shop/apiProxies/r${proxies}/`);
    const { id } = await inWaves(await proxy());
    await plane.pool.query(`update deployments set state = 'succeeded'`);
    await whileNumbersAreHeld(two, [
      () => plane.app.get(RolloutSteps).take(id),
      () => plane.done('DELETE', `/projects/shop/apiProxies/r${proxies}/`),
    ]);
    expect(await takenOut(two)).toEqual(['undeploy']);
  });

  it('is not held up by another rollout that cannot go on', async () => {
    const [stuck, free] = [await inWaves(await proxy()), await inWaves(await proxy())];
    await plane.pool.query(`update deployments set state = 'succeeded'`);
    await plane.pool.query(`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'not this one'; end $$`);
    await plane.pool.query(`create trigger refuse before update on rollouts for each row
      when (old.rollout_id = '${stuck.id}') execute function refuse()`);
    await plane.app.get(RolloutRunner).look();
    const waves = await plane.pool.query<{ rollout_id: string; wave: number }>(
      'select rollout_id, wave from rollouts where rollout_id = any($1) order by started_at',
      [[stuck.id, free.id]],
    );
    await plane.pool.query('drop function refuse cascade');
    expect(waves.rows.map(({ wave }) => wave)).toEqual([1, 2]);
  });
});

describe('an answer that was lost with its process', () => {
  it('is made again with the waves that have not begun', async () => {
    const x = await proxy();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await inWaves(x, headers);
    await plane.pool.query(
      `update idempotency_claims set answer = null, claimed_at = claimed_at - interval '1 minute' where key = $1`,
      [headers['idempotency-key']],
    );
    const again = await inWaves(x, headers);
    expect(again.deploymentResult).toEqual(first.deploymentResult);
    expect(again.id).toBe(first.id);
  });
});
