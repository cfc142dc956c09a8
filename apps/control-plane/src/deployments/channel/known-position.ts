import { stillHolds, type ConfigChannel, type KnownRecord, type Published } from '#libs/config-distribution';
import type { Queryable } from '../../persistence/secret-vault.ts';

/** A change that is in the channel, by this publishing or by an earlier one. */
export type InPlace = Exclude<Published, { kind: 'stale' }>;

/** Why a repair deploys something, as it stands in the history of deployments. */
export const PUBLISHED_AGAIN = 'Published again: the environment did not hold what is recorded';

/** What was last published; `repairAfter`: up to which proxy a repair has come, null when none is under way. */
export interface KnownChannel extends KnownRecord {
  readonly repairAfter: string | null;
}

const SELECT =
  'select epoch, sequence, record_digest, repair_after from environment_channels where environment_id = $1';

interface StoredChannel {
  epoch: string;
  sequence: string;
  record_digest: string | null;
  repair_after: string | null;
}

async function read(from: Queryable, statement: string, environmentId: string): Promise<KnownChannel | undefined> {
  const row = (await from.query<StoredChannel>(statement, [environmentId])).rows[0];
  if (row === undefined) return undefined;
  const { epoch, sequence, record_digest: digest, repair_after: repairAfter } = row;
  return { epoch, sequence: Number(sequence), digest, repairAfter };
}

/** What was last published to an environment; undefined before its first upkeep. */
export const knownChannel = (from: Queryable, environmentId: string): Promise<KnownChannel | undefined> =>
  read(from, SELECT, environmentId);

/** The same, held until the transaction ends; undefined as well when somebody else holds it. */
export const holdKnownChannel = (transaction: Queryable, environmentId: string): Promise<KnownChannel | undefined> =>
  read(transaction, `${SELECT} for update skip locked`, environmentId);

/** The same; whoever holds it is waited for. */
export const awaitKnownChannel = (transaction: Queryable, environmentId: string): Promise<KnownChannel | undefined> =>
  read(transaction, `${SELECT} for update`, environmentId);

/** One step from what was known to what is published now, unless somebody else took one meanwhile. */
const NOTE = `
  update environment_channels set sequence = $4, record_digest = $5
  where environment_id = $1 and epoch = $2 and sequence = $3`;

/** Of an environment: where it is noted, and the channel that was published to. */
export interface NotedChannel {
  readonly environmentId: string;
  readonly channel: ConfigChannel;
}

/**
 * Notes what was published, before its deployment may be called ended: from then on a Redis without it is noticed. It
 * never goes back, and says nothing of a log that is not the known one: that is found by the upkeep, which repairs it. An
 * old copy that is published to would otherwise pass for the log as soon as it is longer.
 *
 * @throws ChannelUnavailable
 */
export async function notePublished(
  database: Queryable,
  { environmentId, channel }: NotedChannel,
  { position: { epoch, sequence }, digest }: InPlace,
): Promise<void> {
  for (;;) {
    const known = await knownChannel(database, environmentId);
    if (known === undefined || known.epoch !== epoch || known.sequence >= sequence) return;
    if (!(await stillHolds(channel, known))) return;
    const noted = await database.query(NOTE, [environmentId, epoch, known.sequence, sequence, digest]);
    if (noted.rowCount === 1) return;
  }
}

/** Everything in the environment is published again under new numbers, by the upkeep of whoever comes first. */
export async function publishEverythingAgain(transaction: Queryable, environmentId: string): Promise<void> {
  await transaction.query(
    `update environment_channels set repair_after = '' where environment_id = $1 and repair_after is null`,
    [environmentId],
  );
}
