export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

interface Common {
  readonly username?: string;
  readonly password?: string;
  /** Connections are encrypted (`rediss…://`). */
  readonly isEncrypted: boolean;
}

export interface SingleAddress extends Common {
  readonly kind: 'single';
  readonly node: RedisNode;
  readonly db: number;
}

export interface SentinelAddress extends Common {
  readonly kind: 'sentinel';
  readonly sentinels: readonly RedisNode[];
  /** The name that the Sentinels know the master by. */
  readonly master: string;
  readonly db: number;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
}

export interface ClusterAddress extends Common {
  readonly kind: 'cluster';
  /** Any of its nodes: the others are asked for. */
  readonly nodes: readonly RedisNode[];
}

/** Where a Redis is, and of which form; every part was checked. */
export type RedisAddress = SingleAddress | SentinelAddress | ClusterAddress;

/** What a setting or a member that holds such an address must be. */
export const REDIS_URL_FORM =
  'redis://[user:password@]host[:port][/database], redis-sentinel://[user:password@]host[:port],…[/database]?master=name' +
  '[&sentinelUser=…&sentinelPassword=…] or redis-cluster://[user:password@]host[:port],…; rediss… for TLS';

/** Everything up to the last `@` is the user and the password, as in any URL. */
const FORM =
  /^(?<scheme>redis|rediss)(?<kind>-sentinel|-cluster)?:\/\/(?:(?<user>[^/?#]*)@)?(?<hosts>[^@/?#]+)(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/;
const HOST = /^(?:\[(?<six>[0-9A-Fa-f:.]+)\]|(?<name>[A-Za-z0-9._-]+))(?::(?<port>\d{1,5}))?$/;
const DATABASE = /^(?:\/(\d{1,5})?)?$/;
const HIGHEST_PORT = 65_535;
const MOST_NODES = 100;
const DEFAULT_PORTS = { single: 6379, sentinel: 26_379, cluster: 6379 } as const;
const PARAMETERS: ReadonlySet<string> = new Set(['master', 'sentinelUser', 'sentinelPassword']);

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

function nodeIn(text: string, defaultPort: number): RedisNode | undefined {
  const { six, name, port } = HOST.exec(text)?.groups ?? {};
  const host = six ?? name;
  const isIpv6 = six === undefined || URL.canParse(`redis://[${six}]`);
  const number = port === undefined ? defaultPort : Number(port);
  if (host === undefined || !isIpv6 || number < 1 || number > HIGHEST_PORT) return undefined;
  return { host, port: number };
}

function nodesIn(text: string, defaultPort: number): readonly RedisNode[] | undefined {
  const nodes = text.split(',').map((one) => nodeIn(one, defaultPort));
  const read = nodes.filter((node) => node !== undefined);
  return read.length === nodes.length && read.length <= MOST_NODES ? read : undefined;
}

function commonIn(user: string | undefined, isEncrypted: boolean): Common | undefined {
  const text = user ?? '';
  const colon = text.indexOf(':');
  const username = decoded(colon === -1 ? text : text.slice(0, colon));
  const password = decoded(colon === -1 ? '' : text.slice(colon + 1));
  if (username === undefined || password === undefined) return undefined;
  // Without a password nobody would be signed in: it was forgotten.
  if (username !== '' && password === '') return undefined;
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }), isEncrypted };
}

/** Undefined: a parameter that is unknown, there twice, empty, or no text. */
function parametersIn(query: string): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  for (const part of query.split('&')) {
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0));
    const value = decoded(part.slice(at + 1));
    if (!PARAMETERS.has(name) || found.has(name) || value === undefined || value === '') return undefined;
    found.set(name, value);
  }
  return found;
}

type SentinelParameters = Pick<SentinelAddress, 'master' | 'sentinelUsername' | 'sentinelPassword'>;

function sentinelParametersIn(query: string | undefined): SentinelParameters | undefined {
  const parameters = query === undefined ? undefined : parametersIn(query);
  const master = parameters?.get('master');
  const sentinelUsername = parameters?.get('sentinelUser');
  const sentinelPassword = parameters?.get('sentinelPassword');
  if (master === undefined || (sentinelUsername !== undefined && sentinelPassword === undefined)) return undefined;
  return {
    master,
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
  };
}

/** The parts of a text of the right shape; what they hold is still to be read. */
interface Parts {
  readonly hosts: string;
  readonly database: string | undefined;
  readonly query: string | undefined;
  readonly common: Common;
}

function singleIn({ hosts, database, query, common }: Parts): SingleAddress | undefined {
  const [node, another] = nodesIn(hosts, DEFAULT_PORTS.single) ?? [];
  if (node === undefined || another !== undefined || query !== undefined) return undefined;
  return { kind: 'single', node, db: Number(database ?? 0), ...common };
}

function sentinelIn({ hosts, database, query, common }: Parts): SentinelAddress | undefined {
  const sentinels = nodesIn(hosts, DEFAULT_PORTS.sentinel);
  const parameters = sentinelParametersIn(query);
  if (sentinels === undefined || parameters === undefined) return undefined;
  return { kind: 'sentinel', sentinels, db: Number(database ?? 0), ...parameters, ...common };
}

function clusterIn({ hosts, database, query, common }: Parts): ClusterAddress | undefined {
  const nodes = nodesIn(hosts, DEFAULT_PORTS.cluster);
  if (nodes === undefined || database !== undefined || query !== undefined) return undefined;
  return { kind: 'cluster', nodes, ...common };
}

/**
 * Reads an address in one of the forms of `REDIS_URL_FORM`; undefined when it is anything else. A client given the text
 * itself takes more, and fails later or for ever.
 */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  const { scheme, kind, user, hosts = '', path = '', query } = FORM.exec(text)?.groups ?? {};
  const database = DATABASE.exec(path);
  const common = commonIn(user, scheme === 'rediss');
  if (scheme === undefined || common === undefined || database === null) return undefined;
  const parts = { hosts, database: database[1], query, common };
  if (kind === '-sentinel') return sentinelIn(parts);
  return kind === '-cluster' ? clusterIn(parts) : singleIn(parts);
}

/**
 * An address that was checked before.
 *
 * @throws RangeError when it was not; never repeats it, since it may hold a password.
 */
export function redisAddress(url: string): RedisAddress {
  const address = parseRedisUrl(url);
  if (address === undefined) throw new RangeError(`not a Redis address: it must be ${REDIS_URL_FORM}`);
  return address;
}
