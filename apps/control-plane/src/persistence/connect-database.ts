import pg from 'pg';
import { type Logger } from '#libs/program-shell';

const CONNECTIONS = 20;
const CONNECT_WITHIN_MS = 5_000;
/** No statement takes so long, waits for others included: a database that does not answer is one that is away. */
const ANSWERS_WITHIN_MS = 30_000;

const NAME_PREFIX = 'gatewarden/';

/** What connections say of their process (`application_name`): which master key it was started with. */
export const connectionNameOf = (masterKeyId: string): string => `${NAME_PREFIX}${masterKeyId}`;

/** Undefined when it is none of ours. */
export const masterKeyIdIn = (connectionName: string): string | undefined =>
  connectionName.startsWith(NAME_PREFIX) ? connectionName.slice(NAME_PREFIX.length) : undefined;

/** Connections to the database, for as long as the process runs. */
export function connectDatabase(url: string, logger: Logger, masterKeyId: string): pg.Pool {
  const pool = new pg.Pool({
    ...{ connectionString: url, max: CONNECTIONS, keepAlive: true, pipeline: true },
    application_name: connectionNameOf(masterKeyId),
    ...{ connectionTimeoutMillis: CONNECT_WITHIN_MS, query_timeout: ANSWERS_WITHIN_MS },
  });
  pool.on('error', (error) => logger.warn({ reason: error.message }, 'a database connection was lost'));
  return pool;
}
