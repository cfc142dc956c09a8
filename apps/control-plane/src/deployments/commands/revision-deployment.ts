import { Inject, Injectable } from '@nestjs/common';
import type { DeployStrategy } from '#libs/policy-contracts';
import {
  apiProxyDecider,
  apiProxyStream,
  requireApiProxy,
  type ActiveApiProxy,
  proxyAtRevision,
} from '../../api-proxies/domain/index.ts';
import { KEY_STORE_CHECK, type KeyStoreCheck } from '../../api-proxies/key-store-check.port.ts';
import { PROXY_CHECK, type ProxyCheck } from '../../api-proxies/proxy-check.port.ts';
import { conflict, invalid, invalidField } from '../../decider/domain-error.ts';
import {
  requireDeployPermission,
  type AwaitedDeployment,
  type DeploymentTarget,
} from '../../deployment-requests/deployment-requests.ts';
import { rollOut } from '../../deployment-requests/rollouts.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';

export interface RevisionWish {
  readonly proxyId: string;
  /** undefined: the newest. */
  readonly revision: number | undefined;
  readonly description: string;
  readonly strategy?: DeployStrategy;
}

/** Deploys a revision that is recorded already. */
@Injectable()
export class RevisionDeployment {
  constructor(
    @Inject(PROXY_CHECK) private readonly check: ProxyCheck,
    @Inject(KEY_STORE_CHECK) private readonly keys: KeyStoreCheck,
  ) {}

  /**
   * Within a change: refuses what gateways could not run now, and writes the wish to deploy.
   *
   * @throws DomainError VALIDATION_FAILED, CONFLICT when a route is taken or `If-Match` names another revision, ACCESS_DENIED
   */
  async request(unit: Unit, targets: readonly DeploymentTarget[], wish: RevisionWish): Promise<AwaitedDeployment[]> {
    requireDeployPermission(unit);
    const { proxyId, description, strategy } = wish;
    const proxy = await proxyAt(unit, proxyId, wish.revision);
    const faults = this.check.faultsOf(proxy);
    // The path that the fault has in the request that would mend it.
    const isOfPolicy = (field: string): boolean => !/^(policy|endpoints)/.test(field);
    const found = faults.map((one) => (isOfPolicy(one.field) ? { ...one, field: `policy.${one.field}` } : one));
    const all = [...found, ...(await this.keys.faultsOf(unit, proxy, targets))];
    if (all.length > 0) throw invalid(all);
    const { projectId, revision, clientRoute: route } = proxy;
    return rollOut(unit, targets, { proxyId, projectId, revision, route, description }, strategy);
  }
}

/** The proxy at a revision, while nobody changes it. */
async function proxyAt(unit: Unit, proxyId: string, revision: number | undefined): Promise<ActiveApiProxy> {
  const newest = await requireExpectedRevision(unit, proxyId);
  if (revision === undefined || revision === newest.revision) return newest;
  const state = await proxyAtRevision(unit.streams, proxyId, revision);
  if (state.status === 'active') return state;
  throw invalidField(
    'revision',
    'unknown_revision',
    `revision must be one that the ApiProxy has had: 1 to ${newest.revision}`,
  );
}

/** `If-Match` names the newest revision, whichever is deployed. @throws DomainError CONFLICT when there is another */
export async function requireExpectedRevision(unit: Unit, proxyId: string): Promise<ActiveApiProxy> {
  const newest = requireApiProxy((await unit.load(apiProxyDecider, apiProxyStream(proxyId))).state);
  const { expectedRevision } = unit.context;
  if (expectedRevision === undefined || expectedRevision === newest.revision) return newest;
  throw conflict(`If-Match names revision ${expectedRevision}, the ApiProxy is at revision ${newest.revision}`);
}
