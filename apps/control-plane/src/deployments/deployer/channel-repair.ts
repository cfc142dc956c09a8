import type pg from 'pg';
import { canBeLoaded, stillHolds, type LogPosition } from '#libs/config-distribution';
import { wishAllIdentities } from '../../channel-upkeep/identity-wishes.ts';
import { environmentDeploymentsStream, type ChannelRestarted } from '../../deployment-requests/deployment-events.ts';
import { holdDeployments, requestDeployments } from '../../deployment-requests/deployment-requests.ts';
import { ownContext, UnitOfWork, type Unit } from '../../persistence/unit-of-work.ts';
import type { Logger } from '#libs/program-shell';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { holdKnownChannel, knownChannel, type KnownChannel } from '../channel/known-position.ts';

/** The counter of deployment numbers is held for so many at a time; changes of proxies come in between. */
const PROXIES_PER_BATCH = 200;
/** Reading a whole checkpoint is dear: what gateways that join would find is looked at this often. */
const LOADABLE_EVERY_MS = 10_000;

const CONTEXT = ownContext('channel-repair');
const DESCRIPTION = 'Published again: the Redis of the environment lost its data';

/**
 * Notices that a Redis lost its data, came back from an old copy or was altered, and has everything published again under
 * new numbers. PostgreSQL knows what was published last; it alone is believed.
 */
export class ChannelRepair {
  private readonly loadableAtMs = new Map<string, number>();

  constructor(
    private readonly units: UnitOfWork,
    private readonly database: pg.Pool,
    private readonly logger: Logger,
  ) {}

  /** @throws ChannelUnavailable */
  async run(environment: EnvironmentChannel): Promise<void> {
    const { environmentId } = environment;
    // Read before Redis is: what is published meanwhile can only make the log longer than is known.
    const known = await knownChannel(this.database, environmentId);
    if (known === undefined) return this.begin(environment);
    if (!(await this.isSound(environment, known))) await this.replaceLog(environment);
    while (await this.requestNext(environment));
  }

  /** The environment is gone. */
  forget(environmentId: string): void {
    this.loadableAtMs.delete(environmentId);
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

  private async isSound({ environmentId, channel, keys }: EnvironmentChannel, known: KnownChannel): Promise<boolean> {
    if (!(await stillHolds(channel, known))) return false;
    const lookedAtMs = this.loadableAtMs.get(environmentId);
    if (lookedAtMs !== undefined && performance.now() - lookedAtMs < LOADABLE_EVERY_MS) return true;
    if (!(await canBeLoaded(channel, keys))) return false;
    this.loadableAtMs.set(environmentId, performance.now());
    return true;
  }

  /** Looks once more while no other deployer can, so that only one of them begins the log anew. */
  private async replaceLog(environment: EnvironmentChannel): Promise<void> {
    const { environmentId, channel, publisher, name } = environment;
    const begun = await this.units.run(CONTEXT, async (unit): Promise<LogPosition | undefined> => {
      const known = await holdKnownChannel(unit.transaction, environmentId);
      if (known === undefined || (await this.isSound(environment, known))) return undefined;
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
