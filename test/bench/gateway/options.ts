import { parseArgs } from 'node:util';

/** What a run was asked for. */
export interface BenchOptions {
  /** Short rounds and few of them: to see a change, not to publish a figure. */
  readonly isQuick: boolean;
  /** Rows whose name holds one of these; empty: all. */
  readonly rows: readonly string[];
  /** Only the picture of where the time goes. */
  readonly isFlameOnly: boolean;
  /** How often every contestant of a row is measured. */
  readonly rounds: number;
  readonly roundSeconds: number;
  /** Of the gateway under test, where they are not its defaults: `NAME=value`. */
  readonly settings: Readonly<Record<string, string>>;
}

export const USAGE = `npm run bench -- gateway [--quick] [--row=<part of a name>]… [--rounds=<n>] [--seconds=<n>] [--flame] [--set=NAME=value]…
  --quick     3 rounds of 2 s (7 of 4 s): while developing; rounds that other work of the machine disturbed count as well
  --row       only the rows whose name holds this
  --flame     only the profile and flame graph of the gateway under RS256 tokens that repeat
  --set       a setting of the gateway under test`;

/** @throws Error with the usage, on an unknown option or a bad number */
export function readOptions(args: readonly string[]): BenchOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ quick: { type: 'boolean' }, flame: { type: 'boolean' }, rounds: text, seconds: text },
      ...{ row: { ...text, multiple: true }, set: { ...text, multiple: true } },
    } as const,
  });
  const isQuick = values.quick === true;
  return {
    ...{ isQuick, rows: values.row ?? [], isFlameOnly: values.flame === true },
    rounds: numberOf(values.rounds, isQuick ? 3 : 7),
    roundSeconds: numberOf(values.seconds, isQuick ? 2 : 4),
    settings: Object.fromEntries((values.set ?? []).map(settingOf)),
  };
}

function numberOf(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`a whole number above 0 is wanted, not ${text}\n${USAGE}`);
}

function settingOf(text: string): [string, string] {
  const [name = '', ...value] = text.split('=');
  return [name, value.join('=')];
}
