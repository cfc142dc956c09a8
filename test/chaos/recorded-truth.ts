import type pg from 'pg';
import { type GatewardenSystem } from '../support/gatewarden-system.ts';
import { ENVIRONMENTS, PROJECT } from './chaos-system.ts';
import { type KnownDeployment } from './served-order.ts';

/** A wish to deploy as the events tell of it. */
export interface RecordedDeployment {
  readonly environment: string;
  readonly proxy: string;
  readonly deployment: number;
  readonly kind: 'publish' | 'undeploy';
  readonly revision: number;
}

/** Of all environments, by number. */
export async function recordedDeployments(pool: pg.Pool): Promise<RecordedDeployment[]> {
  const { rows } = await pool.query<RecordedDeployment>(
    `select environments.name as environment, proxies.data ->> 'name' as proxy,
       (e.data ->> 'deployment')::float8 as deployment, e.data ->> 'kind' as kind, (e.data ->> 'revision')::int as revision
     from events e
     join names environments on environments.kind = 'environment' and environments.entity_id = e.data ->> 'environmentId'
     join lateral (select data from events created where created.type = 'ProxyCreated'
       and created.stream_id like '%-' || (e.data ->> 'proxyId')) proxies on true
     where e.type = 'DeploymentRequested' order by 3`,
  );
  return rows;
}

/** The newest of each proxy, by environment and proxy. */
export function newestOfEach(deployments: readonly RecordedDeployment[]): Map<string, RecordedDeployment> {
  return new Map(deployments.map((one) => [`${one.environment}/${one.proxy}`, one]));
}

/** What can be seen of each revision of a proxy that was ever deployed. */
export class Markers {
  private readonly known = new Map<string, string>();

  constructor(private readonly system: GatewardenSystem) {}

  async learn(deployments: readonly RecordedDeployment[]): Promise<void> {
    const wanted = new Set(deployments.map(({ proxy, revision }) => `${proxy} ${revision}`));
    for (const key of wanted) {
      const [proxy = '', revision = ''] = key.split(' ');
      this.known.set(key, await this.read(proxy, revision));
    }
  }

  deploymentsOf(all: readonly RecordedDeployment[], environment: string, proxy: string): KnownDeployment[] {
    return all
      .filter((one) => one.environment === environment && one.proxy === proxy)
      .map(({ deployment, kind, revision }) => ({
        ...{ deployment, marker: kind === 'undeploy' ? null : (this.known.get(`${proxy} ${revision}`) ?? 'unknown') },
      }));
  }

  private async read(proxy: string, revision: string): Promise<string> {
    const answer = await this.system.api('GET', `${PROJECT}/apiProxies/${proxy}/revisions/${revision}/`);
    if (answer.status !== 200) throw new Error(`revision ${revision} of ${proxy}: ${answer.status}`);
    const [first] = answer.body.resultList[0].policyList;
    return first === undefined ? 'upstream' : String(first.policy.payload);
  }
}

/** Events by the `Idempotency-Key` that they were recorded under. */
export async function eventsByKey(pool: pg.Pool): Promise<Map<string, { type: string; data: string }[]>> {
  const { rows } = await pool.query<{ key: string; type: string; data: string }>(
    `select metadata ->> 'idempotencyKey' as key, type, data::text as data from events
     where metadata ? 'idempotencyKey' order by 1`,
  );
  const found = new Map<string, { type: string; data: string }[]>();
  for (const { key, ...event } of rows) found.set(key, [...(found.get(key) ?? []), event]);
  return found;
}

/** Where something is served that was not recorded last, or is not served and should be; empty: everywhere as recorded. */
export async function servedOtherwise(
  system: GatewardenSystem,
  newest: ReadonlyMap<string, RecordedDeployment>,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const name of ENVIRONMENTS) {
    const expected = [...newest.values()]
      .filter((one) => one.environment === name && one.kind === 'publish')
      .map(({ proxy, revision, deployment }) => `${proxy} revision ${revision} deployment ${deployment}`);
    for (const gateway of system.environment(name).gateways) {
      const { proxies } = (await (await fetch(`${gateway.adminUrl}/config`)).json()) as { proxies: any[] };
      const served = proxies.map((one) => `${one.name} revision ${one.revision} deployment ${one.deployment}`);
      for (const one of expected) if (!served.includes(one)) wrong.push(`${gateway.id} does not serve ${one}`);
      for (const one of served) if (!expected.includes(one)) wrong.push(`${gateway.id} serves ${one}`);
    }
  }
  return wrong;
}
