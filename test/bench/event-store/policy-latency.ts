import pg from 'pg';
import { BenchControlPlane, type BenchServers } from '../bench-control-plane.ts';
import { bareCommit, CREATE_BARE_TABLE } from './bare-postgres.ts';
import { type Figure, median, percentile, timedRuns } from './figures.ts';

const WARM_UP_PROXIES = 20;
const ROUNDS = 9;
const PROXIES_OF_A_ROUND = 15;
const POLICIES_OF_A_PROXY = 20;
const COMMITS_OF_A_ROUND = PROXIES_OF_A_ROUND * POLICIES_OF_A_PROXY;

const POLICY = {
  operationMetadata: {
    ...{ targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: false, deployTargetEnvironmentNameList: [] },
  },
  policy: { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' },
};

const proxyBody = (name: string) => ({
  ...{ apiProxyName: name, apiProxyDescription: '', apiProxyCreationType: 'EMPTY_API', deploy: false },
  clientRoute: { relativePathList: [`/${name}`], methodList: [] },
  routingInfo: { routingAddressList: [{ address: 'http://127.0.0.1:4000', weight: 100 }] },
});

/** Adds policies to proxies of its own, over HTTP. */
class PolicyAdder {
  private made = 0;

  constructor(private readonly controlPlane: BenchControlPlane) {}

  /** Milliseconds of each `POST policy`, policies of new proxies one after the other. */
  async addPolicies(proxies: number): Promise<number[]> {
    const times: number[] = [];
    for (let proxy = 0; proxy < proxies; proxy += 1) {
      const name = `proxy-${(this.made += 1)}`;
      await this.controlPlane.call('POST', '/projects/shop/apiProxies/url/', proxyBody(name));
      const path = `/projects/shop/apiProxies/${name}/policies`;
      const add = (index: number) => this.controlPlane.call('POST', `${path}/p${index}/`, POLICY);
      times.push(...(await timedRuns(POLICIES_OF_A_PROXY, add)));
    }
    return times;
  }
}

/** A policy added without deploying it, over HTTP, against a bare commit: rounds of both in turn. */
export async function measurePolicyLatency(servers: BenchServers, dataDir: string): Promise<Figure[]> {
  const controlPlane = await BenchControlPlane.start(servers, dataDir);
  const adder = new PolicyAdder(controlPlane);
  const pool = new pg.Pool({ connectionString: servers.databaseUrl, max: 1 });
  try {
    await controlPlane.call('POST', '/projects/', { name: 'shop' });
    await pool.query(CREATE_BARE_TABLE);
    await timedRuns(COMMITS_OF_A_ROUND, () => bareCommit(pool));
    await adder.addPolicies(WARM_UP_PROXIES);
    const rounds: { bare: number[]; ours: number[] }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const bare = await timedRuns(COMMITS_OF_A_ROUND, () => bareCommit(pool));
      rounds.push({ bare, ours: await adder.addPolicies(PROXIES_OF_A_ROUND) });
    }
    const figure = (percent: number): Omit<Figure, 'target'> => {
      const bare = median(rounds.map((round) => percentile(round.bare, percent)));
      const ours = median(rounds.map((round) => percentile(round.ours, percent)));
      const what = `POST policy, p${percent} : begin, insert, commit`;
      return { what, bare: `${bare.toFixed(2)} ms`, ours: `${ours.toFixed(2)} ms`, ratio: ours / bare };
    };
    return [figure(50), { ...figure(99), target: { most: 6 } }];
  } finally {
    await pool.end();
    await controlPlane.stop();
  }
}
