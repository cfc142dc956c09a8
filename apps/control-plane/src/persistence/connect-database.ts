import pg from 'pg';
import { type Logger } from '#libs/program-shell';

const CONNECTIONS = 20;
const CONNECT_WITHIN_MS = 5_000;
/** So that none leads for ever to a server that was replaced, also where nothing is changed that would notice it. */
const KEPT_FOR_SECONDS = 300;
/** No statement takes so long, waits for others included: a database that does not answer is one that is away. */
const ANSWERS_WITHIN_MS = 30_000;

const NAME_PREFIX = 'gatewarden/';

/** What connections say of their process (`application_name`): which master key it was started with. */
export const connectionNameOf = (masterKeyId: string): string => `${NAME_PREFIX}${masterKeyId}`;

/** Undefined when it is none of ours. */
export const masterKeyIdIn = (connectionName: string): string | undefined =>
  connectionName.startsWith(NAME_PREFIX) ? connectionName.slice(NAME_PREFIX.length) : undefined;

/** Of an address, what `pg` would read from files again for each connection: a file that is away by then ends the process. */
const TLS_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation'];

interface TlsOfClient {
  readonly ssl: pg.PoolConfig['ssl'];
  readonly sslNegotiation: pg.PoolConfig['sslnegotiation'];
}

/** The same address with what its TLS needs, read once. */
function withTlsRead(url: string): pg.PoolConfig {
  // Not in the types of `pg`: what it made of the address.
  const { ssl, sslNegotiation: sslnegotiation } = new pg.Client({ connectionString: url }) as unknown as TlsOfClient;
  const bare = new URL(url);
  for (const name of TLS_PARAMETERS) bare.searchParams.delete(name);
  return { connectionString: bare.href, ssl, sslnegotiation };
}

/** Connections to the database, for as long as the process runs. */
export function connectDatabase(url: string, logger: Logger, masterKeyId: string): pg.Pool {
  const pool = new pg.Pool({
    ...withTlsRead(url),
    ...{ max: CONNECTIONS, keepAlive: true, pipeline: true },
    maxLifetimeSeconds: KEPT_FOR_SECONDS,
    application_name: connectionNameOf(masterKeyId),
    ...{ connectionTimeoutMillis: CONNECT_WITHIN_MS, query_timeout: ANSWERS_WITHIN_MS },
  });
  pool.on('error', (error) => logger.warn({ reason: error.message }, 'a database connection was lost'));
  return pool;
}
