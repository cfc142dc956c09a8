import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import { artifactHash } from '#libs/config-distribution';
import { ArtifactCompiler, artifactText } from '../src/deployments/artifact/artifact-compiler.ts';
import { EnvironmentChannels } from '../src/deployments/channel/environment-channels.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { policyBody, proxyBody, verificationBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';
import { until } from './testing/test-servers.ts';

interface Deployed {
  readonly environmentId: string;
  readonly proxyId: string;
  readonly revision: number;
  readonly hash: string;
}

const X = '/projects/shop/apiProxies/orders';
const HISTORY_LENGTH = 15;

let plane: RunningControlPlane;
afterAll(() => plane.close());

async function compiledBy(app: NestFastifyApplication, { environmentId, proxyId, revision }: Deployed) {
  const [compiler, channels] = [app.get(ArtifactCompiler), app.get(EnvironmentChannels)];
  const proxy = await compiler.proxyAt(proxyId, revision);
  if (proxy === undefined) throw new Error(`revision ${revision} is not there`);
  const { channel, environment } = await channels.opened(environmentId);
  return artifactText(await compiler.compile(proxy, environment), channel.keys);
}

const deployments = async (): Promise<Deployed[]> =>
  (await plane.events())
    .filter(({ type, data }) => type === 'DeploymentSucceeded' && 'hash' in data)
    .map(({ data }) => data as unknown as Deployed);

describe('a revision that was deployed', () => {
  it('compiles again to the same bytes, of the hash in its event, in another process and after a restart', async () => {
    plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
    await plane.done('POST', '/projects/', { name: 'shop' });
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    const to = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
    const variable = { global: true, globalValue: 'a secret of the environment' };
    await plane.done('POST', '/projects/shop/environmentVariables/private.key/', variable);
    await plane.done('POST', '/projects/shop/apiProxies/url/', { ...proxyBody('orders'), ...to });
    await plane.done('POST', `${X}/policies/issue/`, policyBody(to));
    await plane.done('POST', `${X}/policies/check/`, verificationBody(to, 'private.key'));
    const changes = [
      (value: number) =>
        plane.done(
          'PUT',
          `${X}/policies/issue/`,
          policyBody({ ...to, order: 1 + (value % 2) }, { description: `${value}` }),
        ),
      (value: number) => plane.done('PATCH', `${X}/settings/connection/`, { readTimeout: 1 + value, ...to }),
      (value: number) => plane.done('POST', `${X}/revisions/${1 + (value % 3)}/rollback/`, to),
      (value: number) => plane.done('POST', `${X}/environments/${environment.name}/`, { revision: 1 + (value % 3) }),
    ];
    // Those that a rollback has taken away cannot be changed, and that is no deployment.
    const kinds = fc.sample(fc.tuple(fc.nat(changes.length - 1), fc.nat(50)), { numRuns: HISTORY_LENGTH, seed: 7 });
    const published = new Map<string, string>();
    for (const [kind, value] of kinds) {
      await changes[kind]?.(value).catch(() => undefined);
      const last = (await deployments()).at(-1);
      const artifact = last === undefined ? undefined : await gateway.artifactOf(last.proxyId);
      if (last !== undefined && artifact !== undefined) published.set(last.hash, artifact.text);
    }
    const all = await deployments();
    expect(all.length).toBeGreaterThan(HISTORY_LENGTH / 2);
    expect(published.size).toBeGreaterThan(3);
    const another = await plane.process();
    for (const app of [plane.app, another]) {
      for (const deployed of all) {
        const { text, hash } = await compiledBy(app, deployed);
        expect(hash).toBe(deployed.hash);
        if (published.has(hash)) expect(text).toBe(published.get(hash));
      }
    }
    await Promise.all([plane.app.close(), another.close()]);
    const restarted = await plane.process();
    for (const deployed of all) expect((await compiledBy(restarted, deployed)).hash).toBe(deployed.hash);
  });
});

describe('the hash in the event of a deployment', () => {
  it('is of the bytes that gateways got, also when its job runs again and would compile others', async () => {
    const other = await RunningControlPlane.start({ deployTimeoutMs: 300 });
    try {
      await other.done('POST', '/projects/', { name: 'shop' });
      const environment = await other.environment();
      const slow = await FakeGateway.admitted(other.redis, environment);
      await slow.says();
      const secret = { global: true, globalValue: 'a secret of the environment' };
      await other.done('POST', '/projects/shop/environmentVariables/private.key/', secret);
      await other.done('POST', '/projects/shop/apiProxies/url/', proxyBody('orders'));
      const to = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
      const asked = await other.done('POST', `${X}/policies/check/`, verificationBody(to, 'private.key'));
      expect(asked.deploymentResult.deploymentResults).toMatchObject([{ success: false }]);
      // As if another version of the program took over: what it compiles is not what was given out.
      await other.pool.query(`update names set name = 'private.renamed' where kind = 'variable'`);
      await slow.appliesEverything();
      const settled = await until('it is settled', async () =>
        (await other.events()).find(({ type }) => type === 'DeploymentSucceeded'),
      );
      const { proxyId, hash } = settled.data as unknown as Deployed;
      const artifact = await slow.artifactOf(proxyId);
      expect(hash).toBe(artifactHash(slow.keys, artifact?.text ?? ''));
      await slow.ends();
    } finally {
      await other.close();
    }
  });
});
