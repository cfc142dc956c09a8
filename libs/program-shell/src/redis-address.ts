/** Where a Redis is, for a client's options; every part was checked. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  /** Present: the connection is encrypted (`rediss://`). */
  readonly tls?: Record<string, never>;
}

const PROTOCOLS = new Set(['redis:', 'rediss:']);
const DEFAULT_PORT = 6379;
const DATABASE = /^(?:\/(\d{1,5})?)?$/;

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/**
 * Reads `redis://[user:password@]host[:port][/database]` or `rediss://…`; undefined when it is anything else. A client
 * given the text itself takes more, and fails later or for ever.
 */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const database = DATABASE.exec(url.pathname);
  const credentials = credentialsOf(url);
  if (!PROTOCOLS.has(url.protocol) || url.hostname === '' || url.search !== '' || url.hash !== '') return undefined;
  if (database === null || credentials === undefined) return undefined;
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    db: Number(database[1] ?? 0),
    ...credentials,
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

function credentialsOf(url: URL): Pick<RedisAddress, 'username' | 'password'> | undefined {
  const [username, password] = [decoded(url.username), decoded(url.password)];
  if (username === undefined || password === undefined) return undefined;
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
}

/** What a setting or a member that holds such an address must be. */
export const REDIS_URL_FORM = 'redis://[user:password@]host[:port][/database], or rediss://…';

/**
 * The options of a checked address.
 *
 * @throws RangeError when it was not checked; never repeats it, since it may hold a password.
 */
export function redisAddress(url: string): RedisAddress {
  const address = parseRedisUrl(url);
  if (address === undefined) throw new RangeError(`not a Redis address: it must be ${REDIS_URL_FORM}`);
  return address;
}
