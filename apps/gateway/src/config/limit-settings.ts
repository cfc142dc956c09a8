import type { SettingsReader } from '#libs/program-shell';
import { DEFAULT_LIMITS, type RequestLimits } from '../http-server/request-limits.ts';

export interface LimitSettings {
  readonly limits: RequestLimits;
}

type Range = readonly [minimum: number, maximum: number];

const KIB = 1024;
const MIB = 1024 * KIB;
const HEADER_BYTES: Range = [1 * KIB, 1 * MIB];
const HEADER_LINES: Range = [10, 10_000];
/** What fits into the memory of a process. */
const HELD_BYTES: Range = [1 * KIB, 64 * MIB];
const BODY_BYTES: Range = [0, Number.MAX_SAFE_INTEGER];
const SHORT_MS: Range = [100, 3_600_000];
const LONG_MS: Range = [1_000, 7 * 86_400_000];
const COUNT: Range = [1, 1_000_000];
const PERCENT: Range = [0, 100];

/** Name of each setting and what it may be. */
const LIMIT_SETTINGS: Readonly<Record<keyof RequestLimits, readonly [name: string, range: Range]>> = {
  maxHeaderBytes: ['MAX_HEADER_BYTES', HEADER_BYTES],
  maxHeaderLines: ['MAX_HEADER_LINES', HEADER_LINES],
  maxUrlBytes: ['MAX_URL_BYTES', HEADER_BYTES],
  maxBodyBytes: ['MAX_BODY_BYTES', BODY_BYTES],
  maxBufferedBodyBytes: ['MAX_BUFFERED_BODY_BYTES', HELD_BYTES],
  maxTokenBodyBytes: ['MAX_TOKEN_BODY_BYTES', HELD_BYTES],
  headerTimeoutMs: ['HEADER_TIMEOUT_MS', SHORT_MS],
  bodyTimeoutMs: ['BODY_TIMEOUT_MS', LONG_MS],
  bodyIdleTimeoutMs: ['BODY_IDLE_TIMEOUT_MS', SHORT_MS],
  writeIdleTimeoutMs: ['WRITE_IDLE_TIMEOUT_MS', SHORT_MS],
  clientIdleTimeoutMs: ['CLIENT_IDLE_TIMEOUT_MS', SHORT_MS],
  maxConnections: ['MAX_CONNECTIONS', COUNT],
  maxRequestsInFlight: ['MAX_REQUESTS_IN_FLIGHT', COUNT],
  maxHeapPercent: ['MAX_HEAP_PERCENT', PERCENT],
};

/** Reads the limits; what is wrong with them is among the reader's faults. */
export function limitSettings(reader: SettingsReader): LimitSettings {
  const limits: { -readonly [Name in keyof RequestLimits]: number } = { ...DEFAULT_LIMITS };
  for (const member of Object.keys(LIMIT_SETTINGS) as (keyof RequestLimits)[]) {
    const [name, range] = LIMIT_SETTINGS[member];
    limits[member] = reader.integer(name, range, DEFAULT_LIMITS[member]);
  }
  return { limits };
}
