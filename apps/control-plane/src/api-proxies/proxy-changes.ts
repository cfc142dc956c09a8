import { Inject, Injectable } from '@nestjs/common';
import type { ValidationFault } from '#libs/policy-contracts';
import { conflict, invalid } from '../decider/domain-error.ts';
import type { AwaitedDeployment } from '../deployment-requests/deployment-requests.ts';
import { DeploymentResults, type DeploymentResult } from '../deployment-requests/deployment-results.ts';
import { deploymentTargets, type DeployOrder } from '../deployment-requests/deployment-targets.ts';
import { rollOut } from '../deployment-requests/rollouts.ts';
import { resolveApiProxy } from '../persistence/project-scope.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import { ROOM_IN_PROJECT, type Grown, type RoomInProject } from '../projects/limits/room-in-project.port.ts';
import {
  apiProxyDecider,
  apiProxyStream,
  requireApiProxy,
  type ActiveApiProxy,
  type ApiProxyCommand,
} from './domain/index.ts';
import { KEY_STORE_CHECK, type KeyStoreCheck } from './key-store-check.port.ts';
import { PROXY_CHECK, type ProxyCheck } from './proxy-check.port.ts';

export interface ProxyAddress {
  readonly projectName: string;
  readonly apiProxyName: string;
}

/** What every change of a proxy's content has in common: decide, check, record with the wish to deploy, wait. */
@Injectable()
export class ProxyChanges {
  constructor(
    private readonly units: UnitOfWork,
    private readonly results: DeploymentResults,
    @Inject(PROXY_CHECK) private readonly check: ProxyCheck,
    @Inject(KEY_STORE_CHECK) private readonly keys: KeyStoreCheck,
    @Inject(ROOM_IN_PROJECT) private readonly room: RoomInProject,
  ) {}

  /** @throws DomainError; nothing is recorded then. */
  async change(
    context: RequestContext,
    address: ProxyAddress,
    { command, order }: { command: ApiProxyCommand; order: DeployOrder },
  ): Promise<{ proxy: ActiveApiProxy; deploymentResult: DeploymentResult }> {
    const { proxy, requested } = await this.units.run(context, async (unit) => {
      const { proxyId } = await resolveApiProxy(unit, address);
      await requireRevision(unit, proxyId);
      return unit.changeWith(apiProxyDecider, { streamId: apiProxyStream(proxyId), command }, async (state) => {
        const proxy = requireApiProxy(state);
        await this.room.inProxy(unit, proxy.projectId, grownBy(command, proxy));
        return { proxy, requested: await this.checkAndDeploy(unit, proxy, order) };
      });
    });
    return { proxy, deploymentResult: await this.results.of(requested) };
  }

  /**
   * Within a change that gives a proxy another content, all of it.
   *
   * @throws DomainError CONFLICT when it has more than before, and more than it may have
   */
  async requireRoom(unit: Unit, before: ActiveApiProxy, after: ActiveApiProxy): Promise<void> {
    const [policies, endpoints] = [after.policies.length, after.endpoints.length];
    await this.room.inProxy(unit, after.projectId, {
      ...(policies > before.policies.length ? { policies } : {}),
      ...(endpoints > before.endpoints.length ? { endpoints } : {}),
    });
  }

  /**
   * Within a change: gives a proxy a public key, which its tokens will bear.
   *
   * @throws DomainError CONFLICT
   */
  async takePublicKey(
    unit: Unit,
    { projectId, proxyId }: Pick<ActiveApiProxy, 'projectId' | 'proxyId'>,
    publicKey: string,
  ): Promise<void> {
    await this.room.forRevocations(unit, projectId);
    await unit.names.takeInTokens('client', publicKey, proxyId);
  }

  /** Within a change: refuses what gateways could not run, and writes the wish to deploy. */
  async checkAndDeploy(
    unit: Unit,
    proxy: ActiveApiProxy,
    order: DeployOrder,
    description = unit.context.reason ?? '',
  ): Promise<AwaitedDeployment[]> {
    const faults = this.check.faultsOf(proxy);
    if (faults.length > 0) throw invalid(faults.map(withPath));
    const targets = await deploymentTargets(unit, order, proxy.proxyId);
    const keyFaults = await this.keys.faultsOf(unit, proxy, targets);
    if (keyFaults.length > 0) throw invalid(keyFaults);
    const { proxyId, projectId, revision, clientRoute: route } = proxy;
    return rollOut(unit, targets, { proxyId, projectId, revision, route, description }, order.strategy);
  }
}

function grownBy(command: ApiProxyCommand, after: ActiveApiProxy): Grown {
  if (command.type === 'AddPolicy') return { policies: after.policies.length };
  return command.type === 'AddEndpoint' ? { endpoints: after.endpoints.length } : {};
}

/**
 * `If-Match` (RFC 9110 section 13.1.1): the revision that the client changes is the one it has read.
 *
 * @throws DomainError CONFLICT when the proxy has another
 */
export async function requireRevision(unit: Unit, proxyId: string): Promise<void> {
  const { expectedRevision } = unit.context;
  if (expectedRevision === undefined) return;
  const { revision } = requireApiProxy((await unit.load(apiProxyDecider, apiProxyStream(proxyId))).state);
  if (revision === expectedRevision) return;
  throw conflict(`If-Match names revision ${expectedRevision}, the ApiProxy is at revision ${revision}`);
}

const withPath = (fault: ValidationFault): ValidationFault =>
  /^(policy|endpoints)/.test(fault.field) ? fault : { ...fault, field: `policy.${fault.field}` };
