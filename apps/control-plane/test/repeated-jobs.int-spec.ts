import fc from 'fast-check';
import { ConfigFollower, type IncomingChange } from '#libs/config-distribution';
import { DeployJob } from '../src/deployments/job/deploy-job.ts';
import { deploymentsNotEndedOnce } from '../../../test/support/recorded-once.ts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane } from './testing/running-control-plane.ts';

const SUITE_MS = 180_000;
const PROXIES = ['one', 'two', 'three'] as const;
/** Nobody works on queues: the test alone says what runs, and when. */
const API = { roles: new Set(['api'] as const), deployTimeoutMs: 1 };

type Step =
  | { readonly kind: 'change' | 'deployFirst' | 'undeploy'; readonly proxy: number }
  /** So many jobs at once: which deployment, by the share of those there are, and which process. */
  | { readonly kind: 'run'; readonly jobs: readonly { readonly share: number; readonly process: number }[] };

const proxy = fc.nat(PROXIES.length - 1);
const run = fc.record({
  kind: fc.constant('run' as const),
  jobs: fc.array(fc.record({ share: fc.double({ min: 0, max: 0.999, noNaN: true }), process: fc.nat(1) }), {
    minLength: 1,
    maxLength: 6,
  }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('change' as const), proxy }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deployFirst' as const), proxy }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('undeploy' as const), proxy }) },
  { weight: 4, arbitrary: run },
);

/** What a gateway would apply, one change after the other. */
class Witness {
  readonly applied: { readonly proxyId: string; readonly deployment: number; readonly kind: string }[] = [];
  readonly reports: string[] = [];
  private readonly follower: ConfigFollower;

  constructor({ channel, keys }: FakeGateway) {
    this.follower = new ConfigFollower(channel, keys, {
      apply: (changes) => Promise.resolve(new Map(changes.map((one) => this.apply(one)))),
      report: ({ problem }) => this.reports.push(problem),
    });
  }

  look = async (): Promise<void> => {
    await this.follower.refresh();
  };

  private apply({ change }: IncomingChange): [string, { applied: true }] {
    this.applied.push({ proxyId: change.proxyId, deployment: change.deployment, kind: change.kind });
    return [change.proxyId, { applied: true }];
  }

  /** What it serves of each proxy in the end. */
  newest(): Map<string, number> {
    return new Map(this.applied.map(({ proxyId, deployment }) => [proxyId, deployment]));
  }
}

describe('jobs that run twice, late, out of order, at once and in two processes', () => {
  let plane: RunningControlPlane;
  let jobs: DeployJob[];
  let round = 0;

  beforeAll(async () => {
    plane = await RunningControlPlane.start(API);
    const other = await plane.process();
    jobs = [plane.app.get(DeployJob), other.get(DeployJob)];
  }, SUITE_MS);
  afterAll(() => plane.close());

  async function wish(step: Exclude<Step, { kind: 'run' }>, project: string, environment: string): Promise<void> {
    const name = PROXIES[step.proxy] ?? 'one';
    const x = `/projects/${project}/apiProxies/${name}`;
    if (step.kind === 'undeploy')
      await plane.call('DELETE', `${x}/environments/${environment}/`); // 404: it is not there
    else if (step.kind === 'deployFirst')
      await plane.done('POST', `${x}/environments/${environment}/`, { revision: 1 });
    else {
      const order = { deploy: true, deployTargetEnvironmentNameList: [environment] };
      const body = { ...proxyBody(name, order), apiProxyDescription: `change ${(round += 1)}` };
      await plane.done('PUT', `/projects/${project}/apiProxies/url/`, body);
    }
  }

  async function runAll(
    environmentId: string,
    which: readonly { deployment: number; process: number }[],
  ): Promise<void> {
    await Promise.all(which.map(async ({ deployment, process }) => jobs[process]?.run(environmentId, deployment)));
  }

  async function check(steps: readonly Step[]): Promise<void> {
    round += 1;
    const project = `p${round}`;
    await plane.done('POST', '/projects/', { name: project });
    for (const name of PROXIES) {
      await plane.done('POST', `/projects/${project}/apiProxies/url/`, proxyBody(name));
    }
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    const witness = new Witness(gateway);
    const numbers = async () =>
      (
        await plane.pool.query<{ deployment: number }>(
          'select deployment::int from deployments where environment_id = $1 order by deployment',
          [environment.id],
        )
      ).rows.map(({ deployment }) => deployment);
    for (const one of steps) {
      if (one.kind !== 'run') {
        await wish(one, project, environment.name);
        continue;
      }
      const there = await numbers();
      const chosen = one.jobs.map(({ share, process }) => ({
        deployment: there[Math.floor(share * there.length)] ?? 1,
        process,
      }));
      await Promise.all([runAll(environment.id, chosen), witness.look()]);
      await witness.look();
    }
    const all = (await numbers()).reverse();
    await runAll(
      environment.id,
      all.flatMap((deployment) => [0, 1].map((process) => ({ deployment, process }))),
    );
    await witness.look();

    // The log itself: a follower passes over what is older, so that it would not show it.
    const records = await gateway.channel.recordsAfter(0, 1_000);
    for (const proxyId of new Set(records.map((record) => record.proxyId))) {
      const ofProxy = records.filter((record) => record.proxyId === proxyId).map(({ deployment }) => deployment);
      expect(ofProxy).toEqual([...new Set(ofProxy)].sort((one, other) => one - other));
    }
    const newest = await plane.pool.query<{ proxy_id: string; deployment: number }>(
      'select proxy_id, deployment::int from newest_deployments where environment_id = $1',
      [environment.id],
    );
    expect(witness.newest()).toEqual(new Map(newest.rows.map((row) => [row.proxy_id, row.deployment])));
    expect(witness.reports).toEqual([]);
    expect(await deploymentsNotEndedOnce(plane.pool)).toEqual([]);
  }

  it(
    'change nothing: per proxy a gateway sees numbers that rise, in the end the newest, and each has ended once',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), (steps) => check(steps)),
        { numRuns: 25, endOnFailure: true },
      );
    },
    SUITE_MS,
  );
});
