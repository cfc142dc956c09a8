import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { ChannelUnavailable, type LeaseState } from '#libs/config-distribution';
import { DomainError } from '../../decider/domain-error.ts';
import type { DeploymentTarget } from '../../deployment-requests/deployment-requests.ts';
import type { EnvironmentDeploymentResult } from '../../deployment-requests/deployment-results.ts';
import { DeploymentRows } from '../../deployment-requests/deployment-rows.ts';
import { EnvironmentChannels } from '../channel/environment-channels.ts';
import { withPresentWarnings } from './present-warnings.ts';

/** A Redis that is silent must not keep anybody from what is recorded. */
const ASKED_FOR_MS = 1_000;

/** What gateways say now of the key sets that a deployment brought: they come, and fail, after it has ended. */
@Injectable()
export class PresentKeySets {
  constructor(
    private readonly rows: DeploymentRows,
    private readonly channels: EnvironmentChannels,
  ) {}

  /** The result as recorded where gateways serve something newer of the proxy, or cannot be asked. */
  async beside(
    result: EnvironmentDeploymentResult,
    { environmentId, proxyId }: Pick<DeploymentTarget, 'environmentId'> & { readonly proxyId: string },
  ): Promise<EnvironmentDeploymentResult> {
    const newest = await this.rows.newestOf(environmentId, proxyId);
    const isServed = newest?.deployment === result.deployment && newest?.kind === 'publish';
    if (!isServed || newest.state === 'pending') return result;
    const leases = await Promise.race([this.leases(environmentId), pause(ASKED_FOR_MS, undefined, { ref: false })]);
    return leases === undefined ? result : withPresentWarnings(result, proxyId, leases);
  }

  /** undefined: nobody can be asked. */
  private async leases(environmentId: string): Promise<readonly LeaseState[] | undefined> {
    try {
      return await (await this.channels.of(environmentId)).answers.live();
    } catch (error) {
      if (error instanceof ChannelUnavailable || error instanceof DomainError) return undefined;
      throw error;
    }
  }
}
