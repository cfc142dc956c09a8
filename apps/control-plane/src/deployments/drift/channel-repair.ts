import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { ChannelMirror, stillHolds, type LogPosition } from '#libs/config-distribution';
import { wishAllIdentities } from '../../channel-upkeep/identity-wishes.ts';
import { environmentDeploymentsStream, type ChannelRestarted } from '../../deployment-requests/deployment-events.ts';
import { holdDeployments, requestDeployments } from '../../deployment-requests/deployment-requests.ts';
import { DATABASE, LOGGER } from '../../injection-tokens.ts';
import { ownContext, UnitOfWork, type Unit } from '../../persistence/unit-of-work.ts';
import type { Logger } from '#libs/program-shell';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { holdKnownChannel, knownChannel, type KnownChannel } from '../channel/known-position.ts';
import { DriftMetrics } from './drift-metrics.ts';

/** The counter of deployment numbers is held for so many at a time; changes of proxies come in between. */
const PROXIES_PER_BATCH = 200;
/** Reading a whole checkpoint is dear: what gateways that join would find is looked at this often. */
const LOADABLE_EVERY_MS = 10_000;

const CONTEXT = ownContext('channel-repair');
const DESCRIPTION = 'Published again: the environment did not hold what is recorded';

/** A channel that is the one that was published to, and what stands there. */
export interface SoundChannel {
  readonly environment: EnvironmentChannel;
  readonly mirror: ChannelMirror;
  /** Whether all of it was just read, and not only what is new. */
  readonly isReadWhole: boolean;
}

/**
 * Notices that a Redis lost its data, came back from an old copy or was altered, and has everything published again under
 * new numbers. PostgreSQL knows what was published last; it alone is believed.
 */
@Injectable()
export class ChannelRepair {
  private readonly mirrors = new WeakMap<EnvironmentChannel, { mirror: ChannelMirror; wholeAtMs: number }>();

  constructor(
    private readonly units: UnitOfWork,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly metrics: DriftMetrics,
  ) {}

  /**
   * @returns undefined while there is nothing to compare: the channel has just begun, or is repaired as a whole.
   * @throws ChannelUnavailable
   */
  async run(environment: EnvironmentChannel): Promise<SoundChannel | undefined> {
    const { environmentId } = environment;
    // Read before Redis is: what is published meanwhile can only make the log longer than is known.
    const known = await knownChannel(this.database, environmentId);
    if (known === undefined) {
      await this.begin(environment);
      return undefined;
    }
    const sound = await this.lookAt(environment, known);
    if (sound === undefined) await this.replaceLog(environment);
    while (await this.requestNext(environment));
    const after = await knownChannel(this.database, environmentId);
    const isWhole = after?.repairAfter === null && after.epoch === sound?.mirror.position?.epoch;
    return isWhole ? sound : undefined;
  }

  /** A new environment: everything in its Redis is ours from here on, and it hears of everybody. */
  private async begin({ environmentId, channel }: EnvironmentChannel): Promise<void> {
    const position = await channel.position();
    if (position === undefined) return;
    await this.units.run(CONTEXT, async (unit) => {
      const begun = await unit.transaction.query(
        `insert into environment_channels (environment_id, epoch, sequence) values ($1, $2, 0) on conflict do nothing`,
        [environmentId, position.epoch],
      );
      if (begun.rowCount === 1) await wishAllIdentities(unit.transaction, environmentId);
    });
  }

  /** undefined: it is not sound. */
  private async lookAt(environment: EnvironmentChannel, known: KnownChannel): Promise<SoundChannel | undefined> {
    const { channel, keys } = environment;
    if (!(await stillHolds(channel, known))) return undefined;
    const kept = this.mirrors.get(environment) ?? { mirror: new ChannelMirror(channel, keys), wholeAtMs: -Infinity };
    const { mirror } = kept;
    if (performance.now() - kept.wholeAtMs < LOADABLE_EVERY_MS && (await mirror.follow()))
      return { environment, mirror, isReadWhole: false };
    if (!(await mirror.load())) return undefined;
    this.mirrors.set(environment, { mirror, wholeAtMs: performance.now() });
    return { environment, mirror, isReadWhole: true };
  }

  /** Looks once more while no other deployer can, so that only one of them begins the log anew. */
  private async replaceLog(environment: EnvironmentChannel): Promise<void> {
    const { environmentId, channel, publisher, name } = environment;
    const begun = await this.units.run(CONTEXT, async (unit): Promise<LogPosition | undefined> => {
      const known = await holdKnownChannel(unit.transaction, environmentId);
      if (known === undefined || (await this.lookAt(environment, known)) !== undefined) return undefined;
      const position = await channel.position();
      const begun = position === undefined ? undefined : await publisher.restart(position.epoch);
      if (begun === undefined) return undefined;
      await unit.transaction.query(
        `update environment_channels set epoch = $2, sequence = $3, record_digest = null, repair_after = ''
         where environment_id = $1`,
        [environmentId, begun.epoch, begun.sequence],
      );
      await wishAllIdentities(unit.transaction, environmentId);
      const { epoch, sequence } = begun;
      const event: ChannelRestarted = {
        ...{ type: 'ChannelRestarted', schemaVersion: 1, data: { environmentId, epoch, sequence } },
      };
      await unit.append(environmentDeploymentsStream(environmentId), 'any', [event]);
      return begun;
    });
    if (begun === undefined) return;
    this.metrics.noteRepair(name, 'log', 1);
    this.logger.warn(
      { environment: name },
      'the Redis of an environment lost its data, is an old copy or was altered: publishing everything again',
    );
  }

  /** Requests the next batch of proxies; how far it is stands in the row, so that a crash only delays the rest. */
  private async requestNext({ environmentId, name }: EnvironmentChannel): Promise<boolean> {
    const known = await knownChannel(this.database, environmentId);
    if (known === undefined || known.repairAfter === null) return false;
    const count = await this.units.run(CONTEXT, async (unit) => {
      const held = await holdKnownChannel(unit.transaction, environmentId);
      if (held === undefined || held.repairAfter === null) return 0;
      return this.requestBatch(unit, { environmentId, environmentName: name }, held.repairAfter);
    });
    return count === PROXIES_PER_BATCH;
  }

  private async requestBatch(
    unit: Unit,
    target: { environmentId: string; environmentName: string },
    after: string,
  ): Promise<number> {
    await holdDeployments(unit, [target.environmentId]);
    const found = await unit.transaction.query<{ proxy_id: string; kind: 'publish' | 'undeploy'; revision: number }>(
      `select proxy_id, kind, revision from newest_deployments
       where environment_id = $1 and proxy_id > $2 order by proxy_id limit $3`,
      [target.environmentId, after, PROXIES_PER_BATCH],
    );
    for (const { proxy_id: proxyId, kind, revision } of found.rows) {
      await requestDeployments(unit, [target], { kind, proxyId, revision, description: DESCRIPTION });
    }
    const last = found.rows.length < PROXIES_PER_BATCH ? null : (found.rows.at(-1)?.proxy_id ?? null);
    await unit.transaction.query('update environment_channels set repair_after = $2 where environment_id = $1', [
      target.environmentId,
      last,
    ]);
    return found.rows.length;
  }
}
