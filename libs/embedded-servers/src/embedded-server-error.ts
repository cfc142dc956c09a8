/** Every fault of this lib. A code is never renamed and never used for something else. */
export type EmbeddedServerErrorCode =
  | 'POSTGRES_BINARIES_MISSING'
  | 'POSTGRES_BINARIES_UNREACHABLE'
  | 'POSTGRES_DATA_NOT_USABLE'
  | 'POSTGRES_LEFTOVER_RUNNING'
  | 'POSTGRES_START_FAILED'
  | 'REDIS_NOT_AVAILABLE'
  | 'REDIS_LEFTOVER_RUNNING'
  | 'REDIS_START_FAILED'
  | 'DIRECTORY_IN_USE'
  | 'DIRECTORY_NOT_USABLE';

/** A server that could not be started, with what the person in front of the machine can do about it. */
export class EmbeddedServerError extends Error {
  constructor(
    readonly code: EmbeddedServerErrorCode,
    message: string,
    /** What the person can do about it, one line each. */
    readonly remedies: readonly string[] = [],
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EmbeddedServerError';
  }
}

/** Another living process works in the directory. */
export class DirectoryInUse extends EmbeddedServerError {
  constructor(
    readonly directory: string,
    readonly pid: number,
    readonly purpose: string,
  ) {
    super('DIRECTORY_IN_USE', `${directory} is in use by ${purpose} (process ${pid})`, [
      `stop that process first: kill ${pid}`,
      'or use another data directory',
    ]);
    this.name = 'DirectoryInUse';
  }
}

/** The code (`ENOENT`, a SQLSTATE, …) of a caught error, of whichever realm, or an empty string. */
export const systemCode = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';
