import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './declared-settings.ts';
import { type Invocation } from './invocation.ts';

const DIRECTORY = path.join(ROOT, 'deploy/systemd');

export interface UnitFile {
  readonly name: string;
  /** Values of each directive, in their order; `Section.Directive`. */
  readonly directives: ReadonlyMap<string, readonly string[]>;
}

export function readUnitFiles(): readonly UnitFile[] {
  return readdirSync(DIRECTORY)
    .filter((name) => name.endsWith('.service'))
    .map((name) => ({ name, directives: directivesIn(readFileSync(path.join(DIRECTORY, name), 'utf8')) }));
}

function directivesIn(text: string): ReadonlyMap<string, readonly string[]> {
  const directives = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, heading] = /^\[(\w+)\]$/.exec(line) ?? [];
    const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (heading !== undefined) section = heading;
    else if (key === '' || section === '') throw new Error(`not a line of a unit file: ${line}`);
    else directives.set(`${section}.${key}`, [...(directives.get(`${section}.${key}`) ?? []), value]);
  }
  return directives;
}

export const valuesOf = (unit: UnitFile, key: string): readonly string[] => unit.directives.get(`Service.${key}`) ?? [];

/** `NAME=value` lines of an example beside the units. */
export const exampleVariables = (name: string): Record<string, string> =>
  variablesIn(
    readFileSync(path.join(DIRECTORY, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#')),
  );

const variablesIn = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2) as [string, string]));

const SPECIFIERS: Readonly<Record<string, string>> = {
  '%d': '/run/credentials',
  '%S': '/var/lib',
  '%i': 'production-1',
  '%l': 'host',
};

const expanded = (text: string): string => text.replaceAll(/%./g, (specifier) => SPECIFIERS[specifier] ?? specifier);

/** The unit as an instance `production-1`, with what a file of variables adds. */
export function invocationOf(unit: UnitFile, added: Readonly<Record<string, string>>): Invocation {
  const own = variablesIn(valuesOf(unit, 'Environment').map(expanded));
  return {
    where: unit.name,
    command: (valuesOf(unit, 'ExecStart')[0] ?? '').split(' '),
    environment: { ...own, ...added },
    ports: [],
    readOnly: valuesOf(unit, 'LoadCredential').map((text) => `/run/credentials/${text.split(':')[0]}`),
    writable: valuesOf(unit, 'StateDirectory').map((directory) => expanded(`%S/${directory}`)),
  };
}
