import { randomBytes } from 'node:crypto';
import http from 'node:http';
import pg from 'pg';
import { ChildProgram } from '../../support/child-program.ts';
import { freePortsInARow } from '../../support/free-ports.ts';
import { until } from '../../support/until.ts';
import { bareCommit, CREATE_BARE_TABLE } from './bare-postgres.ts';
import { type Figure, median, percentile, timedRuns } from './figures.ts';

const WARM_UP_PROXIES = 20;
const ROUNDS = 9;
const PROXIES_OF_A_ROUND = 15;
const POLICIES_OF_A_PROXY = 20;
const COMMITS_OF_A_ROUND = PROXIES_OF_A_ROUND * POLICIES_OF_A_PROXY;
const READY_WITHIN_MS = 30_000;

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

/** A control plane in a process of its own, as it is delivered, and one client that keeps its connection. */
class ControlPlane {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 1, noDelay: true });
  private made = 0;

  private constructor(
    private readonly program: ChildProgram,
    private readonly port: number,
    private readonly token: string,
  ) {}

  static async start(servers: { readonly databaseUrl: string; readonly redisUrl: string }, dataDir: string) {
    const [port = 0] = await freePortsInARow(1);
    const token = `gwt_${randomBytes(32).toString('base64url')}`;
    const program = new ChildProgram('apps/control-plane/src/main.js', {
      ...{ DATABASE_URL: servers.databaseUrl, REDIS_URL: servers.redisUrl, DATA_DIR: dataDir },
      ...{ HOST: '127.0.0.1', PORT: String(port), ADMIN_TOKEN: token },
      MASTER_KEY: randomBytes(32).toString('base64'),
    });
    const one = new ControlPlane(program, port, token);
    program.start();
    await until('the control plane is ready', () => one.isReady(), READY_WITHIN_MS);
    await one.call('POST', '/projects/', { name: 'shop' });
    return one;
  }

  /** Milliseconds of each `POST policy`, policies of new proxies one after the other. */
  async addPolicies(proxies: number): Promise<number[]> {
    const times: number[] = [];
    for (let proxy = 0; proxy < proxies; proxy += 1) {
      const name = `proxy-${(this.made += 1)}`;
      await this.call('POST', '/projects/shop/apiProxies/url/', proxyBody(name));
      const add = (index: number) => this.call('POST', `/projects/shop/apiProxies/${name}/policies/p${index}/`, POLICY);
      times.push(...(await timedRuns(POLICIES_OF_A_PROXY, add)));
    }
    return times;
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    await this.program.signal('SIGTERM');
  }

  private async isReady(): Promise<boolean> {
    return (await fetch(`http://127.0.0.1:${this.port}/readyz`)).status === 200;
  }

  private call(method: string, path: string, body: object): Promise<void> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const target = { agent: this.agent, host: '127.0.0.1', port: this.port, method, path: `/apiops${path}`, headers };
      const request = http.request(target, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve();
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${Buffer.concat(chunks).toString('utf8')}`));
        });
      });
      request.on('error', reject);
      request.end(JSON.stringify(body));
    });
  }
}

/** A policy added without deploying it, over HTTP, against a bare commit: rounds of both in turn. */
export async function measurePolicyLatency(
  servers: { readonly databaseUrl: string; readonly redisUrl: string },
  dataDir: string,
): Promise<Figure[]> {
  const controlPlane = await ControlPlane.start(servers, dataDir);
  const pool = new pg.Pool({ connectionString: servers.databaseUrl, max: 1 });
  try {
    await pool.query(CREATE_BARE_TABLE);
    await timedRuns(COMMITS_OF_A_ROUND, () => bareCommit(pool));
    await controlPlane.addPolicies(WARM_UP_PROXIES);
    const rounds: { bare: number[]; ours: number[] }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const bare = await timedRuns(COMMITS_OF_A_ROUND, () => bareCommit(pool));
      rounds.push({ bare, ours: await controlPlane.addPolicies(PROXIES_OF_A_ROUND) });
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
