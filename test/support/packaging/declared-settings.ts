import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readControlPlaneConfig } from '../../../apps/control-plane/src/config/control-plane.config.ts';
import { readGatewayConfig } from '../../../apps/gateway/src/config/gateway.config.ts';
import { BadSettings } from '#libs/program-shell';

export const ROOT = path.resolve(import.meta.dirname, '../../..');

type Variables = Readonly<Record<string, string>>;

/** What may be run of an image or a checkout, and what it reads from its environment. */
export interface DeclaredProgram {
  /** Names of every variable that it looks at. */
  readonly variables: ReadonlySet<string>;
  /** What it says of these settings; secrets are files that exist. */
  faultsOf(settings: Variables): readonly string[];
  /** Settings that say where it listens. */
  readonly ports: readonly string[];
  /** Settings that say where it writes. */
  readonly writes: readonly string[];
}

/** Of Node.js itself; every image may set them. */
const OF_NODE = ['NODE_ENV', 'NODE_OPTIONS'];

type Read = (settings: Variables) => unknown;

function faultsOf(read: Read, settings: Variables): readonly string[] {
  try {
    read(settings);
    return [];
  } catch (error) {
    if (error instanceof BadSettings) return error.faults;
    throw error;
  }
}

/** Reads nothing but asks for everything: what is required is a fault, and is asked for all the same. */
function namesAskedBy(read: Read): ReadonlySet<string> {
  const names = new Set(OF_NODE);
  const get = (_none: Variables, name: string): undefined => void names.add(name);
  faultsOf(read, new Proxy<Variables>({}, { get }));
  return names;
}

const readGateway: Read = (settings) => readGatewayConfig(settings, 'edge');

/** A small program of `deploy/container`: all that it takes from its environment is required. */
function scriptProgram(file: string, ports: readonly string[], writes: readonly string[]): DeclaredProgram {
  const [, list = ''] = /const \{([^}]*)\} = process\.env/.exec(readFileSync(path.join(ROOT, file), 'utf8')) ?? [];
  const own = list.split(',').map((name) => name.trim());
  const missing = (settings: Variables) => own.filter((name) => settings[name] === undefined);
  const say = (name: string): string => `${name} is required`;
  return {
    ...{ variables: new Set([...own, ...OF_NODE]), ports, writes },
    faultsOf: (settings) => missing(settings).map(say),
  };
}

/** By the file that `node` is given. */
export const DECLARED_PROGRAMS: Readonly<Record<string, DeclaredProgram>> = {
  'dist/apps/control-plane/src/main.js': {
    variables: namesAskedBy(readControlPlaneConfig),
    faultsOf: (settings) => faultsOf(readControlPlaneConfig, settings),
    ports: ['PORT'],
    writes: ['DATA_DIR'],
  },
  'dist/apps/gateway/src/main.js': {
    variables: new Set([...namesAskedBy(readGateway), 'OTEL_SERVICE_NAME']),
    faultsOf: (settings) => faultsOf(readGateway, settings),
    ports: ['PORT', 'ADMIN_PORT'],
    writes: ['SNAPSHOT_DIR'],
  },
  'deploy/container/create-environment.mjs': scriptProgram('deploy/container/create-environment.mjs', [], ['KEY_FILE']),
  'deploy/container/sample-upstream.mjs': scriptProgram('deploy/container/sample-upstream.mjs', ['PORT'], []),
};
