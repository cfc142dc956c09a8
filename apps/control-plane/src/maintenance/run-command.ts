import { parseArgs, type ParseArgsConfig } from 'node:util';
import { BadSettings, stopSignalHandler, type EnvironmentVariables } from '#libs/program-shell';
import { explainFailure } from '../config/explain-failure.ts';
import type { OpenHistory } from './open-history.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** What was said on the command line, checked against the options. */
export interface Arguments {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

/** What a command works on, for as long as it runs. */
export interface CommandResources {
  close(): Promise<void>;
  /** Instead of `close` when something is still under way that is not waited for: the process has to end after it. */
  breakOff(): Promise<void>;
}

export interface MaintenanceCommand<Opened extends CommandResources = OpenHistory> {
  /** As in package.json: `audit:verify`. */
  readonly name: string;
  /** Printed by `--help`, and when the arguments are wrong. */
  readonly help: string;
  readonly options: Options;
  readonly allowPositionals?: boolean;
  /** With the settings of the control plane. @throws BadSettings, EventStoreUnavailable, EmbeddedServerError */
  open(environment: EnvironmentVariables): Promise<Opened>;
  /** Gives the exit code. @throws WrongArguments */
  run(opened: Opened, given: Arguments): Promise<number>;
}

/** What is known of a command before it opens anything. */
type Described = Pick<MaintenanceCommand, 'help' | 'options' | 'allowPositionals'>;

/** Something on the command line that the command cannot do; the message says what was expected. */
export class WrongArguments extends Error {}

/** Somebody did not want to wait. */
class Interrupted extends Error {}

function readArguments({ options, allowPositionals = false }: Described): Arguments {
  try {
    return parseArgs({ options: { ...options, help: { type: 'boolean' } }, allowPositionals });
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
}

async function runWith<Opened extends CommandResources>(
  command: MaintenanceCommand<Opened>,
  environment: EnvironmentVariables,
): Promise<number> {
  const given = readArguments(command);
  if (given.values['help'] === true) {
    process.stdout.write(command.help);
    return 0;
  }
  const stop = listenForStop();
  try {
    return await runUntil(stop.signal, command, await command.open(environment), given);
  } finally {
    stop.forget();
  }
}

/** @throws Interrupted when the signal comes first */
async function runUntil<Opened extends CommandResources>(
  stopSignal: Promise<NodeJS.Signals>,
  command: MaintenanceCommand<Opened>,
  opened: Opened,
  given: Arguments,
): Promise<number> {
  let end = (): Promise<void> => opened.close();
  try {
    const outcome = await Promise.race([command.run(opened, given), stopSignal]);
    if (typeof outcome === 'number') return outcome;
    end = () => opened.breakOff();
    throw new Interrupted(`stopped by ${outcome}`);
  } finally {
    await end();
  }
}

/** A database server that the command started must not outlive it; asked a second time, the process ends at once. */
function listenForStop(): { readonly signal: Promise<NodeJS.Signals>; forget(): void } {
  let forget = (): void => undefined;
  const signal = new Promise<NodeJS.Signals>((resolve) => {
    const hurry = (): never => process.exit(2);
    const handler = stopSignalHandler({ stop: resolve, hurry, nowMs: () => performance.now() });
    process.on('SIGINT', handler).on('SIGTERM', handler);
    forget = () => void process.off('SIGINT', handler).off('SIGTERM', handler);
  });
  return { signal, forget };
}

const WHERE_SETTINGS_ARE =
  "The settings are the control plane's: DATABASE_URL and MASTER_KEY, or DATA_DIR.\n" +
  'After npm run up -- --data-dir DIR that is DATA_DIR=DIR/control-plane';

/** Of a file or the standard output, as `node:fs` throws: its message says what and where. */
const isFileFailure = (error: unknown): error is Error => error instanceof Error && 'syscall' in error;

function explained(error: unknown, { help }: Described): string {
  if (error instanceof WrongArguments) return `${error.message}\n\n${help}`;
  if (error instanceof Interrupted || isFileFailure(error)) return error.message;
  return error instanceof BadSettings ? `${error.message}\n${WHERE_SETTINGS_ARE}` : explainFailure(error);
}

/** Runs one command as a process: 0 done, 1 found something, 2 could not do it, or could not print what it found. */
export async function runCommand<Opened extends CommandResources>(
  command: MaintenanceCommand<Opened>,
  environment: EnvironmentVariables,
): Promise<void> {
  const fail = (error: unknown): void => {
    process.stderr.write(`${command.name}: ${explained(error, command).trimEnd()}\n`);
    process.exitCode = 2;
  };
  // A reader that leaves, as `head` does, has had what it wanted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => void (error.code === 'EPIPE' || fail(error)));
  try {
    const code = await runWith(command, environment);
    process.exitCode ??= code;
  } catch (error) {
    fail(error);
    // What was under way is not waited for.
    if (error instanceof Interrupted) process.exit();
  }
}
