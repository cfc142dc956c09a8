import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { EnvironmentVariables } from '#libs/program-shell';
import { explainFailure } from '../config/explain-failure.ts';
import { openHistory, type OpenHistory } from './open-history.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** What was said on the command line, checked against the options. */
export interface Arguments {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

export interface MaintenanceCommand {
  /** As in package.json: `audit:verify`. */
  readonly name: string;
  /** Printed by `--help`, and when the arguments are wrong. */
  readonly help: string;
  readonly options: Options;
  readonly allowPositionals?: boolean;
  /** Gives the exit code. @throws WrongArguments */
  run(history: OpenHistory, given: Arguments): Promise<number>;
}

/** Something on the command line that the command cannot do; the message says what was expected. */
export class WrongArguments extends Error {}

function readArguments({ options, allowPositionals = false }: MaintenanceCommand): Arguments {
  try {
    return parseArgs({ options: { ...options, help: { type: 'boolean' } }, allowPositionals });
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
}

async function runWith(command: MaintenanceCommand, environment: EnvironmentVariables): Promise<number> {
  const given = readArguments(command);
  if (given.values['help'] === true) {
    process.stdout.write(command.help);
    return 0;
  }
  const history = await openHistory(environment);
  try {
    return await command.run(history, given);
  } finally {
    await history.close();
  }
}

/** Runs one command as a process: 0 done, 1 found something, 2 could not do it. */
export async function runCommand(command: MaintenanceCommand, environment: EnvironmentVariables): Promise<void> {
  try {
    process.exitCode = await runWith(command, environment);
  } catch (error) {
    const isWrong = error instanceof WrongArguments;
    const text = isWrong ? `${error.message}\n\n${command.help}` : explainFailure(error);
    process.stderr.write(`${command.name}: ${text.trimEnd()}\n`);
    process.exitCode = 2;
  }
}
