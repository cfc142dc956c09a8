import path from 'node:path';
import { parseArgs } from 'node:util';
import { StackFault } from './stack-fault.ts';

export const STACK_DEFAULTS = {
  controlPlanePort: 3000,
  gatewayPort: 8080,
  adminPort: 9090,
  upstreamPort: 4000,
  dataDir: '.data',
  logLevel: 'warn',
} as const;

/** What `npm run up` was asked for. */
export interface StackOptions {
  readonly controlPlanePort: number;
  /** Of the first gateway; the second has the next one. */
  readonly gatewayPort: number;
  /** Of the first gateway; the second has the next one. */
  readonly adminPort: number;
  readonly upstreamPort: number;
  /** Absolute. */
  readonly dataDir: string;
  readonly demo: boolean;
  /** A Redis that is running already; undefined: one of our own. */
  readonly redisUrl: string | undefined;
  /** The administrator's token where the environment sets one; otherwise the control plane generates it. */
  readonly adminToken: string | undefined;
  /** What the child processes inherit. */
  readonly environment: Readonly<Record<string, string>>;
}

const FLAGS = {
  port: { type: 'string' },
  'gateway-port': { type: 'string' },
  'admin-port': { type: 'string' },
  'upstream-port': { type: 'string' },
  'data-dir': { type: 'string' },
  'no-demo': { type: 'boolean' },
} as const;

/** Settings of one process that would be wrong for the others, or would make the printed lines wrong. */
const NOT_INHERITED = ['ROLES', 'ROOT_CONTEXT', 'GATEWAY_ID', 'SNAPSHOT_DIR', 'WORKERS'];

/**
 * Reads flags and environment.
 *
 * @throws StackFault `USAGE` that names every bad flag
 */
export function readStackOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): StackOptions {
  const flags = parseFlags(argv);
  const faults: string[] = [];
  const port = (
    flag: 'port' | 'gateway-port' | 'admin-port' | 'upstream-port',
    fallback: number,
    count = 1,
  ): number => {
    const text = flags[flag] ?? String(fallback);
    const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (number < 1 || number + count - 1 > 65_535)
      faults.push(`--${flag} must be a port, 1 to ${65_536 - count}: ${text}`);
    return number;
  };
  const options: StackOptions = {
    controlPlanePort: port('port', STACK_DEFAULTS.controlPlanePort),
    gatewayPort: port('gateway-port', STACK_DEFAULTS.gatewayPort, 2),
    adminPort: port('admin-port', STACK_DEFAULTS.adminPort, 2),
    upstreamPort: port('upstream-port', STACK_DEFAULTS.upstreamPort),
    dataDir: path.resolve(flags['data-dir'] ?? STACK_DEFAULTS.dataDir),
    demo: !(flags['no-demo'] ?? false),
    redisUrl: env['REDIS_URL'],
    adminToken: env['ADMIN_TOKEN'],
    environment: inherited(env),
  };
  if (faults.length > 0) throw new StackFault('USAGE', faults.join('\n'), ['npm run up -- --help lists the flags']);
  return options;
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS }).values;
  } catch (error) {
    throw new StackFault('USAGE', error instanceof Error ? error.message : String(error), [
      'npm run up -- --help lists the flags',
    ]);
  }
}

function inherited(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = { LOG_LEVEL: STACK_DEFAULTS.logLevel };
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !NOT_INHERITED.includes(name)) kept[name] = value;
  }
  return kept;
}
