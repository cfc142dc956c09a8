import { type JsonValue } from '../json-value.ts';
import { type DecodedJwt } from '../jwt-refusal.ts';
import { type ReadHeader } from '../read-header.ts';
import { type SignatureCheck } from '../signature-check.ts';

/**
 * What of a token's verdict depends on the token, the verifier's options and one key alone. Frozen throughout: requests share
 * it. No token and no signature is in it.
 */
export interface VerifiedToken {
  readonly found: ReadHeader;
  readonly jwt: DecodedJwt;
  /** The check that found the signature good. There is one for each key and algorithm, so another key's is another one. */
  readonly signedBy: SignatureCheck;
  /** From then on times refuse it, whatever else: `exp` with the allowance, or Infinity. */
  readonly usefulUntilSeconds: number;
  /** About how much memory it keeps, rather more than less. */
  readonly bytes: number;
}

/** What one costs beside header and claims: itself, its places in two tables, the key of 32 characters. */
const FIXED_BYTES = 512;
/** The text and the strings read from it, each of two bytes a character where one of them is beyond Latin-1. */
const BYTES_PER_CHARACTER = 4;
const BYTES_PER_LIST = 64;
const BYTES_PER_ITEM = 16;
/** The second part is for objects whose members nobody else's have: V8 keeps a shape for each, and one more once it is frozen. */
const BYTES_PER_OBJECT = 64 + 128;
const BYTES_PER_MEMBER = 32;

/** Without texts: these are counted by their characters. */
const structureBytes = (value: JsonValue | undefined): number => {
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) {
    const items = value as readonly JsonValue[];
    return items.reduce<number>((sum, item) => sum + BYTES_PER_ITEM + structureBytes(item), BYTES_PER_LIST);
  }
  const members = value as Readonly<Record<string, JsonValue>>;
  let bytes = BYTES_PER_OBJECT;
  for (const name in members) bytes += BYTES_PER_MEMBER + structureBytes(members[name]);
  return bytes;
};

/** About how much memory a token with these parts keeps; the test beside this measures it on the heap. */
export const bytesOf = ({ header, claims, headerText, payloadText }: DecodedJwt): number =>
  FIXED_BYTES +
  BYTES_PER_CHARACTER * (headerText.length + payloadText.length) +
  structureBytes(header) +
  structureBytes(claims);
