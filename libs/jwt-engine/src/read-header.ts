import { type HeaderCheck } from './compile-header-check.ts';
import { type JwsAlgorithmName } from './jws-algorithms.ts';
import { type JsonObject, type JsonValue } from './json-value.ts';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';
import { decodeBase64Url } from './strict-base64url.ts';
import { parseJsonObject } from './strict-json.ts';

/** A header that passed every check that needs no key. Frozen, because tokens with the same header share it. */
export interface ReadHeader {
  readonly header: JsonObject;
  readonly headerText: string;
  readonly algorithm: JwsAlgorithmName;
}

export interface HeaderReader {
  /** Decodes, parses and checks an encoded header, or finds it among those kept. */
  readonly read: (encoded: string) => ReadHeader | JwtRefusal;
  /** Remembers a header. Call it only once a signature over it was good, so that nobody else can fill the memory. */
  readonly keep: (encoded: string, header: ReadHeader) => void;
}

/** An issuer signs most of its tokens under one header; more than these only means that they are parsed again. */
const KEPT_HEADERS = 64;
const LONGEST_KEPT_HEADER = 512;

const freezeDeep = (value: JsonValue): void => {
  if (typeof value !== 'object' || value === null) return;
  Object.values<JsonValue>(value).forEach(freezeDeep);
  Object.freeze(value);
};

/** A slice keeps the whole token in memory; this is a string of its own. */
const detached = (ascii: string): string => Buffer.from(ascii, 'latin1').toString('latin1');

/** Prepares reading of headers for one verifier, with a bounded memory of headers seen in good tokens. */
export const compileHeaderReader = (check: HeaderCheck): HeaderReader => {
  const kept = new Map<string, ReadHeader>();

  const parse = (encoded: string): ReadHeader | JwtRefusal => {
    const bytes = decodeBase64Url(encoded);
    if (bytes === undefined) return refusal('MalformedToken');
    const parsed = parseJsonObject(bytes);
    if (parsed === undefined) return refusal('InvalidJsonFormat');
    const algorithm = check(parsed.value);
    if (typeof algorithm !== 'string') return algorithm;
    freezeDeep(parsed.value);
    return { header: parsed.value, headerText: parsed.text, algorithm };
  };

  return {
    read: (encoded) => kept.get(encoded) ?? parse(encoded),
    keep: (encoded, header) => {
      if (encoded.length > LONGEST_KEPT_HEADER || kept.has(encoded)) return;
      const oldest = kept.size < KEPT_HEADERS ? undefined : kept.keys().next().value;
      if (oldest !== undefined) kept.delete(oldest);
      kept.set(detached(encoded), header);
    },
  };
};
