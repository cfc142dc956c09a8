import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { gatheredOutput } from './gathered-output.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  /** Writes the same facts in each of its lines; their text is made once. */
  child(facts: object): Logger;
};

/** ISO 8601 as pino writes it, made once for all lines of a millisecond. */
function isoTimes(): () => string {
  let [atMs, text] = [NaN, ''];
  return () => {
    const nowMs = Date.now();
    if (nowMs !== atMs) [atMs, text] = [nowMs, `,"time":"${new Date(nowMs).toISOString()}"`];
    return text;
  };
}

/** JSON lines on stdout: level as a word, time in ISO 8601 (contract part 3). */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: isoTimes(),
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination ?? gatheredOutput());
}

/** What may be said of an error. Its other members may hold anything, the arguments of a Redis command for one. */
export function errorFacts(error: unknown): { reason: string; stack?: string } {
  if (!(error instanceof Error)) return { reason: String(error) };
  return error.stack === undefined ? { reason: error.message } : { reason: error.message, stack: error.stack };
}

/** A framework's own messages in the same form; fits Nest's `LoggerService`. */
export class FrameworkLogger {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...context: unknown[]): void {
    this.logger.debug({ context: context.at(-1) }, String(message));
  }

  warn(message: unknown, ...context: unknown[]): void {
    this.logger.warn({ context: context.at(-1) }, String(message));
  }

  error(message: unknown, ...context: unknown[]): void {
    this.logger.error({ context: context.at(-1) }, String(message));
  }
}
