import pg from 'pg';
import {
  awaitsSeal,
  EVENT_STORE_MIGRATIONS,
  EventStoreUnavailable,
  HistoryKeys,
  isMigrated,
  migrate,
  sealHistory,
  SealRefused,
} from '#libs/event-store';
import { BadSettings } from '#libs/program-shell';
import { CONTROL_PLANE_MIGRATIONS } from './control-plane-migrations.ts';
import { SecretVault } from './secret-vault.ts';

/**
 * Under another key than before, gateways would not be told of what is stored, new secrets would need that key, and new
 * events would be chained under it.
 *
 * @throws BadSettings
 */
async function requireSameMasterKey(vault: SecretVault, database: pg.Client): Promise<void> {
  if (await vault.opensWhatIsStored(database)) return;
  throw new BadSettings(['MASTER_KEY is not the one that the secrets in this database were sealed with']);
}

const ignore = (): void => undefined;

/** @throws EventStoreUnavailable when the database cannot be reached */
async function withClient<Value>(databaseUrl: string, work: (client: pg.Client) => Promise<Value>): Promise<Value> {
  const client = new pg.Client({ connectionString: databaseUrl });
  // A lost connection fails the statement in hand; unheard, it would also end the process.
  client.on('error', ignore);
  try {
    await client.connect();
  } catch (cause) {
    throw new EventStoreUnavailable('nothing-recorded', { cause });
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What a person can do who finds that MACs were taken away, or who put an old database in the place of a newer one. */
const refusedSeal = ({ message }: SealRefused): BadSettings =>
  new BadSettings([
    `${message}. Either somebody took them away: restore a backup. Or a database of an earlier version was put here on ` +
      'purpose: move the file away, and keep it',
  ]);

/** @throws BadSettings */
async function requireSealed(database: pg.Client): Promise<undefined> {
  if (!(await awaitsSeal(database))) return undefined;
  throw new BadSettings(['the events of an earlier version have no MACs yet: start a process with the role api first']);
}

/**
 * Brings a database up to what this version of the program needs. Safe when several processes start at once.
 *
 * @param masterKey 32 bytes
 * @param checkpointFile where checkpoints of its history are kept outside of it; null: nowhere, so that this process does not
 * know whether events had MACs before, and gives them none
 * @returns how many events of an earlier version were given a MAC, if this was the start that did it
 * @throws BadSettings when the master key is another one than before, or events had MACs before, and nothing was sealed
 * @throws EventStoreUnavailable when the database cannot be reached
 */
export async function prepareDatabase(
  databaseUrl: string,
  masterKey: Buffer,
  checkpointFile?: string | null,
): Promise<number | undefined> {
  await migrate(databaseUrl, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
  return withClient(databaseUrl, async (client) => {
    const vault = new SecretVault(masterKey);
    await vault.leaveMark(client);
    await requireSameMasterKey(vault, client);
    if (checkpointFile === null) return requireSealed(client);
    try {
      return await sealHistory(client, new HistoryKeys(masterKey), checkpointFile);
    } catch (error) {
      throw error instanceof SealRefused ? refusedSeal(error) : error;
    }
  });
}

/**
 * For what runs beside a control plane, perhaps one of an earlier version: changes nothing.
 *
 * @param masterKey 32 bytes
 * @throws BadSettings when a control plane of this version has not started on the database, or not under this master key
 * @throws EventStoreUnavailable when the database cannot be reached
 */
export async function requirePreparedDatabase(databaseUrl: string, masterKey: Buffer): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    if (!(await isMigrated(client, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS))) {
      throw new BadSettings(['the database was not made by this version of the control plane: start that once, first']);
    }
    await requireSameMasterKey(new SecretVault(masterKey), client);
  });
}
