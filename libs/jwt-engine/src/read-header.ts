import { type HeaderCheck } from './compile-header-check.ts';
import { freezeDeep } from './freeze-deep.ts';
import { type JwsAlgorithmName } from './jws-algorithms.ts';
import { type JsonObject } from './json-value.ts';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';
import { decodeBase64UrlBriefly } from './strict-base64url.ts';
import { parseJsonObject } from './strict-json.ts';

/** A header that passed every check that needs no key. Frozen by `keep`, because tokens with the same header share it. */
export interface ReadHeader {
  readonly header: JsonObject;
  readonly headerText: string;
  readonly algorithm: JwsAlgorithmName;
}

export interface HeaderReader {
  /** Decodes, parses and checks a token's encoded header, which ends before `end`, or finds it among those kept. */
  readonly read: (token: string, end: number) => ReadHeader | JwtRefusal;
  /** Remembers a header. Call it only once a signature over it was good, so that nobody else can fill the memory. */
  readonly keep: (token: string, end: number, found: ReadHeader) => void;
}

/** An issuer signs most of its tokens under one header; more than these only means that they are parsed again. */
const KEPT_HEADERS = 64;
const LONGEST_KEPT_HEADER = 512;

/** A slice keeps the whole token in memory; this is a string of its own. */
const detached = (ascii: string): string => Buffer.from(ascii, 'latin1').toString('latin1');

const compileParse =
  (check: HeaderCheck) =>
  (encoded: string): ReadHeader | JwtRefusal => {
    const bytes = decodeBase64UrlBriefly(encoded);
    if (bytes === undefined) return refusal('MalformedToken');
    const parsed = parseJsonObject(bytes);
    if (parsed === undefined) return refusal('InvalidJsonFormat');
    const algorithm = check(parsed.value);
    return typeof algorithm === 'string' ? { header: parsed.value, headerText: parsed.text, algorithm } : algorithm;
  };

interface KeptHeader {
  readonly encoded: string;
  readonly found: ReadHeader;
}

/**
 * Prepares reading of headers for one verifier, with a bounded memory of headers seen in good tokens.
 *
 * The header met last is tried first: a comparison costs a fifth of a look-up, which hashes the text anew for each token.
 */
export const compileHeaderReader = (check: HeaderCheck): HeaderReader => {
  const parse = compileParse(check);
  const kept = new Map<string, KeptHeader>();
  let last: KeptHeader | undefined;

  const remember = (encoded: string, found: ReadHeader): void => {
    const oldest = kept.size < KEPT_HEADERS ? undefined : kept.keys().next().value;
    if (oldest !== undefined) kept.delete(oldest);
    last = { encoded, found };
    kept.set(encoded, last);
  };

  return {
    read: (token, end) => {
      const encoded = token.slice(0, end);
      if (encoded === last?.encoded) return last.found;
      const known = kept.get(encoded);
      if (known === undefined) return parse(encoded);
      last = known;
      return known.found;
    },
    keep: (token, end, found) => {
      if (found === last?.found) return;
      freezeDeep(found.header);
      const encoded = token.slice(0, end);
      if (end <= LONGEST_KEPT_HEADER && !kept.has(encoded)) remember(detached(encoded), found);
    },
  };
};
