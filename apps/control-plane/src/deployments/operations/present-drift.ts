import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { DATABASE } from '../../injection-tokens.ts';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import type { DriftFinding } from '../drift/drift-finding.ts';
import { EnvironmentComparison } from '../drift/environment-comparison.ts';
import { EnvironmentMirrors, isComplete, type KeptMirror } from '../drift/environment-mirrors.ts';
import { lastingDriftOfGateways } from '../drift/gateway-comparison.ts';

/**
 * How live gateways, and the record of one proxy in the log, differ from what is recorded, as they are now. What was read of
 * the log is kept: whoever asks again costs what is new in it, in a process that is no deployer too.
 */
@Injectable()
export class PresentDrift {
  constructor(
    @Inject(DATABASE) private readonly database: pg.Pool,
    private readonly mirrors: EnvironmentMirrors,
  ) {}

  /** @throws ChannelUnavailable */
  async ofGateways(environment: EnvironmentChannel): Promise<readonly DriftFinding[]> {
    const kept = this.mirrors.of(environment);
    if (!(await readOn(kept))) return [];
    if (!isComplete(kept)) await this.lookWhetherComplete(environment, kept);
    const log = { mirror: kept.mirror, isComplete: isComplete(kept) };
    return (await lastingDriftOfGateways(this.database, environment, log)).findings;
  }

  /** @throws ChannelUnavailable */
  ofProxy(environment: EnvironmentChannel, proxyId: string): Promise<readonly DriftFinding[]> {
    const kept = this.mirrors.of(environment);
    return new EnvironmentComparison(this.database, environment).record(proxyId, kept.mirror, () => readOn(kept));
  }

  /** Once for each log: what is published later stands in it as well. */
  private async lookWhetherComplete(environment: EnvironmentChannel, kept: KeptMirror): Promise<void> {
    const { mirror } = kept;
    const records = await new EnvironmentComparison(this.database, environment).records(mirror, () => mirror.follow());
    if (records.isComplete) kept.completeEpoch = mirror.position?.epoch;
  }
}

const readOn = async ({ mirror }: KeptMirror): Promise<boolean> => (await mirror.follow()) || (await mirror.load());

/** What a gateway as a whole does otherwise, in words; undefined: nothing. */
export function driftOfGateway(gatewayId: string, drift: readonly DriftFinding[]): string | undefined {
  const found = drift.find((one) => one.gatewayId === gatewayId && one.subject.kind === 'gateway');
  if (found === undefined) return undefined;
  return found.problem === 'newer'
    ? `it has applied deployment ${found.found}, and ${found.recorded} is the highest that is recorded`
    : 'what it serves differs from what is published, it does not say of which proxy';
}
