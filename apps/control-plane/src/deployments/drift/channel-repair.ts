import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { loadLog, stillHolds, type ChangeRecord, type ChannelMirror } from '#libs/config-distribution';
import { wishAllIdentities } from '../../channel-upkeep/identity-wishes.ts';
import { tellRevocationsAgain } from '../../channel-upkeep/token-revocations.ts';
import { environmentDeploymentsStream, type ChannelRestarted } from '../../deployment-requests/deployment-events.ts';
import { holdDeployments, requestDeployments } from '../../deployment-requests/deployment-requests.ts';
import { DATABASE, LOGGER } from '../../injection-tokens.ts';
import type { Queryable } from '../../persistence/secret-vault.ts';
import { ownContext, UnitOfWork, type Unit } from '../../persistence/unit-of-work.ts';
import type { Logger } from '#libs/program-shell';
import type { EnvironmentChannel } from '../channel/environment-channels.ts';
import { holdKnownChannel, knownChannel, PUBLISHED_AGAIN, type KnownChannel } from '../channel/known-position.ts';
import { DriftMetrics } from './drift-metrics.ts';
import { EnvironmentMirrors } from './environment-mirrors.ts';
import { passDeployments, recordedAmong } from './recorded-proxies.ts';

/** The counter of deployment numbers is held for so many at a time; changes of proxies come in between. */
const PROXIES_PER_BATCH = 200;
/** Reading a whole checkpoint is dear: what gateways that join would find is looked at this often. */
const LOADABLE_EVERY_MS = 10_000;

const NAMED_IN_LOG = 10;
const FOUND_FOREIGN =
  'the Redis of a new environment held what was sealed for another one of its name: a new log was begun in its place';

/** Holds its name: an environment that is being deleted has none any more, and nothing of it is kept. */
const BEGIN = `
  insert into environment_channels (environment_id, epoch, sequence)
  select entity_id, $2::text, 0 from names where kind = 'environment' and entity_id = $1 for key share
  on conflict do nothing`;

const CONTEXT = ownContext('channel-repair');

/** A channel that is the one that was published to, and what stands there. */
export interface SoundChannel {
  readonly environment: EnvironmentChannel;
  readonly mirror: ChannelMirror;
  /** Whether all of it was just read, and not only what is new. */
  readonly isReadWhole: boolean;
}

/** What a log holds of proxies that PostgreSQL does not know at all: it came back from an older backup. */
type Unrecorded = readonly ChangeRecord[];

/** Nothing where the log cannot be read. From here on numbers are higher than all that it holds. */
async function unrecordedIn(unit: Unit, { environmentId, channel, keys }: EnvironmentChannel): Promise<Unrecorded> {
  const { changes } = (await loadLog(channel, keys)) ?? { changes: [] };
  if (changes.length === 0) return [];
  await passDeployments(unit.transaction, environmentId, Math.max(...changes.map(({ deployment }) => deployment)));
  const ids = changes.map(({ proxyId }) => proxyId);
  const recorded = await recordedAmong(unit.transaction, environmentId, ids);
  return changes.filter(({ proxyId, kind }) => kind === 'artifact' && !recorded.has(proxyId));
}

/**
 * What a deleted environment of the same name left was sealed under keys that nobody has any more. Whoever was faster is
 * noticed like any other log that is not the known one.
 *
 * @returns whether there was such a log.
 */
async function replaceForeignLog(
  transaction: Queryable,
  { environmentId, channel, keys, publisher }: EnvironmentChannel,
  epoch: string,
): Promise<boolean> {
  if ((await loadLog(channel, keys)) !== undefined) return false;
  const begun = await publisher.restart(epoch);
  if (begun === undefined) return false;
  await transaction.query('update environment_channels set epoch = $2, sequence = $3 where environment_id = $1', [
    ...[environmentId, begun.epoch, begun.sequence],
  ]);
  return true;
}

/** Whatever an environment hears of beside its log. */
async function tellEverything(transaction: Queryable, environmentId: string): Promise<void> {
  await wishAllIdentities(transaction, environmentId);
  await tellRevocationsAgain(transaction, environmentId);
}

/**
 * Notices that a Redis lost its data, came back from an old copy or was altered, and has everything published again under
 * new numbers. PostgreSQL knows what was published last; it alone is believed.
 */
@Injectable()
export class ChannelRepair {
  constructor(
    private readonly units: UnitOfWork,
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly metrics: DriftMetrics,
    private readonly mirrors: EnvironmentMirrors,
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

  /** @throws ChannelUnavailable */
  async removeOtherKinds({ name, removeOtherKinds }: EnvironmentChannel): Promise<void> {
    const keys = await removeOtherKinds();
    if (keys.length === 0) return;
    this.metrics.noteRepair(name, 'key', keys.length);
    this.logger.warn({ environment: name, keys }, 'keys in the Redis of an environment were of another kind: removed');
  }

  /** A new environment: everything in its Redis is ours from here on, and it hears of everybody. */
  private async begin(environment: EnvironmentChannel): Promise<void> {
    const { environmentId, channel } = environment;
    const position = await channel.position();
    if (position === undefined) return;
    await this.units.run(CONTEXT, async (unit) => {
      const begun = await unit.transaction.query(BEGIN, [environmentId, position.epoch]);
      if (begun.rowCount !== 1) return;
      if (await replaceForeignLog(unit.transaction, environment, position.epoch))
        this.logger.info({ environment: environment.name }, FOUND_FOREIGN);
      await tellEverything(unit.transaction, environmentId);
    });
  }

  /** undefined: it is not sound. */
  private async lookAt(environment: EnvironmentChannel, known: KnownChannel): Promise<SoundChannel | undefined> {
    if (!(await stillHolds(environment.channel, known))) return undefined;
    const kept = this.mirrors.of(environment);
    const { mirror } = kept;
    if (performance.now() - kept.wholeAtMs < LOADABLE_EVERY_MS && (await mirror.follow()))
      return { environment, mirror, isReadWhole: false };
    if (!(await mirror.load())) return undefined;
    kept.wholeAtMs = performance.now();
    return { environment, mirror, isReadWhole: true };
  }

  /**
   * Looks once more while no other deployer can, so that only one of them begins the log anew. What is not recorded goes
   * over into the new one, as far as the old one can be read: nothing goes off the air because PostgreSQL forgot it.
   */
  private async replaceLog(environment: EnvironmentChannel): Promise<void> {
    const { environmentId, channel, publisher, name } = environment;
    const kept = await this.units.run(CONTEXT, async (unit): Promise<Unrecorded | undefined> => {
      const known = await holdKnownChannel(unit.transaction, environmentId);
      if (known === undefined || (await this.lookAt(environment, known)) !== undefined) return undefined;
      const position = await channel.position();
      if (position === undefined) return undefined;
      const kept = await unrecordedIn(unit, environment);
      const begun = await publisher.restart(position.epoch, kept);
      if (begun === undefined) return undefined;
      await unit.transaction.query(
        `update environment_channels set epoch = $2, sequence = $3, record_digest = null, repair_after = ''
         where environment_id = $1`,
        [environmentId, begun.epoch, begun.sequence],
      );
      await tellEverything(unit.transaction, environmentId);
      const { epoch, sequence } = begun;
      const event: ChannelRestarted = {
        ...{ type: 'ChannelRestarted', schemaVersion: 1, data: { environmentId, epoch, sequence } },
      };
      await unit.append(environmentDeploymentsStream(environmentId), 'any', [event]);
      return kept;
    });
    if (kept === undefined) return;
    this.metrics.noteRepair(name, 'log', 1);
    const proxies = kept.slice(0, NAMED_IN_LOG).map(({ proxyId, project, proxy }) => ({ proxyId, project, proxy }));
    this.logger.warn(
      { environment: name, ...(kept.length === 0 ? {} : { notRecorded: kept.length, proxies }) },
      `the Redis of an environment lost its data, is an old copy or was altered: publishing everything again${
        kept.length === 0 ? '' : '; proxies that are not recorded go on as they are'
      }`,
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
      await requestDeployments(unit, [target], { kind, proxyId, revision, description: PUBLISHED_AGAIN });
    }
    const last = found.rows.length < PROXIES_PER_BATCH ? null : (found.rows.at(-1)?.proxy_id ?? null);
    await unit.transaction.query('update environment_channels set repair_after = $2 where environment_id = $1', [
      target.environmentId,
      last,
    ]);
    return found.rows.length;
  }
}
