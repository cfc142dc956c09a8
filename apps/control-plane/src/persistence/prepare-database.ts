import pg from 'pg';
import { EVENT_STORE_MIGRATIONS, EventStoreUnavailable, HistoryKeys, migrate, sealHistory } from '#libs/event-store';
import { BadSettings } from '#libs/program-shell';
import { CONTROL_PLANE_MIGRATIONS } from './control-plane-migrations.ts';
import { SecretVault } from './secret-vault.ts';

/**
 * Under another key than before, gateways would not be told of what is stored, new secrets would need that key, and new
 * events would be chained under it.
 *
 * @throws BadSettings
 */
async function requireSameMasterKey(masterKey: Buffer, database: pg.Client): Promise<void> {
  const vault = new SecretVault(masterKey);
  await vault.leaveMark(database);
  if (await vault.opensWhatIsStored(database)) return;
  throw new BadSettings(['MASTER_KEY is not the one that the secrets in this database were sealed with']);
}

const ignore = (): void => undefined;

/**
 * Brings a database up to what this version of the program needs. Safe when several processes start at once.
 *
 * @param masterKey 32 bytes
 * @returns how many events of an earlier version were given a MAC, if this was the start that did it
 * @throws BadSettings when the master key is another one than before, and nothing was sealed
 * @throws EventStoreUnavailable when the database cannot be reached
 */
export async function prepareDatabase(databaseUrl: string, masterKey: Buffer): Promise<number | undefined> {
  await migrate(databaseUrl, EVENT_STORE_MIGRATIONS, CONTROL_PLANE_MIGRATIONS);
  const client = new pg.Client({ connectionString: databaseUrl });
  // A lost connection fails the statement in hand; unheard, it would also end the process.
  client.on('error', ignore);
  try {
    await client.connect();
  } catch (cause) {
    throw new EventStoreUnavailable('nothing-recorded', { cause });
  }
  try {
    await requireSameMasterKey(masterKey, client);
    return await sealHistory(client, new HistoryKeys(masterKey));
  } finally {
    await client.end();
  }
}
