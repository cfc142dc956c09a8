import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gatewayKeyText, newGatewayKey } from '#libs/config-distribution';
import { DECLARED_PROGRAMS } from './declared-settings.ts';

/** One of our programs as a compose file, a manifest or a unit starts it. */
export interface Invocation {
  /** Where this is said. */
  readonly where: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Ports that are published, exposed, probed or scraped. */
  readonly ports: readonly number[];
  /** Files and directories with what is handed in and cannot be changed. */
  readonly readOnly: readonly string[];
  /** Directories that it may write to. */
  readonly writable: readonly string[];
}

const ADDRESS_WITH_PASSWORD = /\/\/[^/@\s]*:[^/@\s]+@/;
const SECRET_NAME = /(?:KEY|TOKEN|PASSWORD|SECRET|HEADERS)$/;
/** An address of a store always may hold a password, so it comes as a file. */
const SECRET_ADDRESSES = ['DATABASE_URL', 'REDIS_URL'];

/** A variable that says a secret, or could. */
const isSecret = (name: string, value: string): boolean =>
  SECRET_NAME.test(name) || SECRET_ADDRESSES.includes(name) || ADDRESS_WITH_PASSWORD.test(value);

/** Each variable that holds a secret in clear. */
export const secretsInClear = (environment: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(environment)
    .filter(([name, value]) => isSecret(name, value))
    .map(([name]) => `${name} holds a secret in clear`);

const isBelow = (directories: readonly string[], file: string): boolean =>
  directories.some((directory) => file === directory || file.startsWith(`${directory}/`));

const isSecretFile = (name: string): boolean => /_(?:KEY|TOKEN|URL|HEADERS)_FILE$/.test(name);

/** What such files hold in tests. */
const SAMPLE_SECRETS: Readonly<Record<string, string>> = {
  DATABASE_URL_FILE: 'postgres://gatewarden:a-password@postgres:5432/gatewarden',
  REDIS_URL_FILE: 'redis://user:a-password@redis:6379',
  MASTER_KEY_FILE: Buffer.alloc(32, 7).toString('base64'),
  ADMIN_TOKEN_FILE: 'x'.repeat(64),
  GATEWAY_KEY_FILE: gatewayKeyText(newGatewayKey()),
  OTEL_EXPORTER_OTLP_HEADERS_FILE: 'api-key=a-key',
};

/** The settings with each secret's file in the place of one that is there. */
function withSampleSecrets<Result>(
  environment: Readonly<Record<string, string>>,
  use: (settings: Readonly<Record<string, string>>) => Result,
): Result {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'sample-secrets-'));
  try {
    const settings = Object.entries(environment).map(([name, value]) => {
      const sample = SAMPLE_SECRETS[name];
      if (sample === undefined) return [name, value] as const;
      const file = path.join(directory, name);
      writeFileSync(file, sample);
      return [name, file] as const;
    });
    return use(Object.fromEntries(settings));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** All that does not fit the program that is started; empty when everything does. */
export function faultsOf(invocation: Invocation): readonly string[] {
  const { where, command, environment, ports, readOnly, writable } = invocation;
  const [node = '', file = ''] = command.filter((word) => !word.startsWith('--'));
  const program = DECLARED_PROGRAMS[file];
  if (path.basename(node) !== 'node' || program === undefined) {
    return [`${where}: ${command.join(' ')} is no program of ours`];
  }
  const unknown = Object.keys(environment).filter((name) => !program.variables.has(name));
  const listens = program.ports.map((name) => Number(environment[name]));
  const unread = Object.entries(environment).filter(([name, value]) => isSecretFile(name) && !isBelow(readOnly, value));
  const lost = program.writes.filter((name) => !isBelow(writable, environment[name] ?? ''));
  return [
    ...unknown.map((name) => `${name} is no setting of ${file}`),
    ...secretsInClear(environment),
    ...withSampleSecrets(environment, (settings) => program.faultsOf(settings)),
    ...ports.filter((port) => !listens.includes(port)).map((port) => `nothing listens on port ${port}`),
    ...unread.filter(([name]) => !program.writes.includes(name)).map(([name]) => `${name} is not handed in`),
    ...lost.map((name) => `${name} cannot be written`),
  ].map((fault) => `${where}: ${fault}`);
}
