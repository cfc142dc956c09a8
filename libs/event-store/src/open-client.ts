import pg from 'pg';
import { EventStoreUnavailable } from './event-store-errors.ts';

/** For a server to be reached and to let one in: one that is silent is away. */
const CONNECT_WITHIN_MS = 5_000;
/** Without a word from a connection: then the system asks whether the other side is still there. */
const KEEP_ALIVE_AFTER_MS = 10_000;

const ignore = (): void => undefined;

/**
 * One connection, for what is done before there is a pool or beside it.
 *
 * @param answersWithinMs of each statement; left out: they may take as long as they like
 * @throws EventStoreUnavailable when the database cannot be reached, or says nothing
 */
export async function openClient(databaseUrl: string, answersWithinMs?: number): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    ...{ keepAlive: true, keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS },
    ...(answersWithinMs === undefined ? {} : { query_timeout: answersWithinMs }),
  });
  // A lost connection fails the statement in hand; unheard, it would also end the process.
  client.on('error', ignore);
  try {
    await client.connect();
  } catch (cause) {
    throw new EventStoreUnavailable('nothing-recorded', { cause });
  }
  return client;
}
