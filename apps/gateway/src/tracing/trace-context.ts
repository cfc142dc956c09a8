import { randomFillSync } from 'node:crypto';

/** What a caller says of the trace that its request belongs to. */
export interface ParentContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const SAMPLED = 0x01;
/** So much of it a participant must hand on (W3C Trace Context section 3.3.1.1); longer ones are left out whole. */
const LONGEST_TRACESTATE = 512;
const TRACESTATE = /^[\t\x20-\x7e]*$/;

/** Reads `traceparent` (W3C Trace Context section 3.2); anything else than a valid one is as if there were none. */
export function parentOf(traceparent: string | undefined): ParentContext | undefined {
  const found = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (found === null) return undefined;
  const [, version = '', traceId = '', spanId = '', flags = '', more] = found;
  // A later version may say more behind these four (section 4.3); version ff is forbidden.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** The tracestate to hand on; it means nothing without a valid traceparent (section 3.3). */
export const handedOn = (tracestate: string | undefined): string | undefined =>
  tracestate !== undefined && tracestate.length <= LONGEST_TRACESTATE && TRACESTATE.test(tracestate)
    ? tracestate
    : undefined;

export const traceparentOf = (traceId: string, spanId: string, isSampled: boolean): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;

const POOL_BYTES = 4_096;
const pool = Buffer.alloc(POOL_BYTES);
let taken = POOL_BYTES;

/** Random bytes in hex, never all zero. Fetched many at once: asking the system for eight costs 1 µs. */
function randomHex(bytes: number): string {
  if (taken + bytes > POOL_BYTES) {
    randomFillSync(pool);
    taken = 0;
  }
  const text = pool.toString('hex', taken, taken + bytes);
  taken += bytes;
  return /[^0]/.test(text) ? text : randomHex(bytes);
}

export const newTraceId = (): string => randomHex(16);
export const newSpanId = (): string => randomHex(8);

const RANDOM_BITS = 56;
const RANDOM_DIGITS = RANDOM_BITS / 4;

/**
 * Whether a trace that begins here is recorded: by the last 56 bits of its id, which are random (W3C Trace Context level 2),
 * so that everybody who decides in this way, by the same ratio, decides the same.
 */
export const isRecorded = (traceId: string, ratio: number): boolean =>
  ratio >= 1 || (ratio > 0 && Number.parseInt(traceId.slice(-RANDOM_DIGITS), 16) < ratio * 2 ** RANDOM_BITS);
