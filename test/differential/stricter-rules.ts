import { isUtf8 } from 'node:buffer';
import { type JsonObject, type JsonValue } from '#libs/jwt-engine';
import { FUZZ_NOW_SECONDS } from '../fuzz/fuzz-now.ts';
import { referenceBase64Url } from '../fuzz/reference-base64url.ts';
import { referenceJsonObject } from '../fuzz/reference-json.ts';

/** A token as a lenient reader takes it. */
export interface SeenToken {
  readonly text: string;
  /** Signed: header, payload, signature. Encrypted: the header, then the payload that was decrypted. */
  readonly header: Buffer;
  readonly payload: Buffer | undefined;
}

/** A rule by which the engine refuses what jose accepts: its name says why, its predicate where it applies. */
export interface StricterRule {
  readonly rule: string;
  readonly applies: (token: SeenToken) => boolean;
}

const lenient = (bytes: Buffer | undefined): JsonObject => {
  try {
    const value = JSON.parse(bytes?.toString('utf8').replace(/^\ufeff/, '') ?? '') as JsonValue;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
  } catch {
    return {};
  }
};

const isPlain = (bytes: Buffer | undefined): boolean => bytes === undefined || referenceJsonObject(bytes) !== undefined;

const startsWithMark = (bytes: Buffer | undefined): boolean =>
  bytes?.subarray(0, 3).toString('latin1') === '\u00ef\u00bb\u00bf';

/** All of them. A token that jose accepts and the engine refuses without one of these applying is a fault of the engine. */
export const STRICTER_RULES: readonly StricterRule[] = [
  {
    rule: 'parts are base64url in its one spelling (RFC 7515 section 2, RFC 4648 section 3.5)',
    applies: ({ text }) => text.split('.').some((part) => referenceBase64Url(part) === undefined),
  },
  {
    rule: 'no byte order mark (RFC 8259 section 8.1)',
    applies: ({ header, payload }) => startsWithMark(header) || startsWithMark(payload),
  },
  {
    // What JSON.parse reads and the strict reading does not: a name twice, or nesting beyond 64.
    rule: 'member names are unique (RFC 7515 section 4, RFC 7519 section 4) and nesting is limited',
    applies: ({ header, payload }) => [header, payload].some((bytes) => bytes && !isPlain(bytes) && isUtf8(bytes)),
  },
  {
    rule: 'a payload that is not encoded is never taken (RFC 7797 section 7), nor is b64 an extension that is understood',
    applies: ({ header }) => {
      const { b64, crit } = lenient(header);
      return b64 === false || (Array.isArray(crit) && crit.includes('b64'));
    },
  },
  {
    rule: 'iat is not in the future (the policy’s default)',
    applies: ({ payload }) => {
      const { iat } = lenient(payload);
      return typeof iat === 'number' && iat > FUZZ_NOW_SECONDS;
    },
  },
  {
    rule: 'iat, exp and nbf are finite numbers (RFC 7519 section 2)',
    applies: ({ payload }) => {
      const { iat, exp, nbf } = lenient(payload);
      return [iat, exp, nbf].some((time) => time !== undefined && !Number.isFinite(time));
    },
  },
  { rule: 'a token has at most 16 KiB', applies: ({ text }) => text.length > 16_384 },
];

/** The listed reasons to refuse it; none: it is to be judged as jose judges it. */
export const reasonsToRefuse = (token: SeenToken): readonly string[] =>
  STRICTER_RULES.filter(({ applies }) => applies(token)).map(({ rule }) => rule);

/** A compact token taken apart as Node does it, whatever stands in it. */
export function seenToken(text: string, payload?: Buffer): SeenToken {
  const [header = '', second = ''] = text.split('.');
  return { text, header: Buffer.from(header, 'base64url'), payload: payload ?? Buffer.from(second, 'base64url') };
}
