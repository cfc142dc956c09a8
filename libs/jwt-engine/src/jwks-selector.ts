import { createPublicKey, type KeyObject } from 'node:crypto';
import { type KeySelector } from './compile-verifier.ts';
import { jwsFamily, type JwsFamily } from './jws-algorithms.ts';
import { type JsonObject, type JsonValue } from './json-value.ts';
import { type JwtRefusal, refusal } from './jwt-refusal.ts';

/** A key is parsed when a token first asks for it: a set may have thousands, and most are never used. */
class SetMember {
  private parsed: KeyObject | JwtRefusal | undefined;
  private readonly jwk: JsonObject;

  constructor(jwk: JsonObject) {
    this.jwk = jwk;
    this.parsed = undefined;
  }

  get keyType(): JsonValue | undefined {
    return this.jwk['kty'];
  }

  get key(): KeyObject | JwtRefusal {
    return (this.parsed ??= readMember(this.jwk));
  }
}

/** No line for HS: a secret that is published in a key set is none. */
const KEY_TYPES: Readonly<Record<JwsFamily, 'RSA' | 'EC' | undefined>> = {
  HS: undefined,
  RS: 'RSA',
  PS: 'RSA',
  ES: 'EC',
};

const CURVES: ReadonlySet<JsonValue | undefined> = new Set(['P-256', 'P-384', 'P-521']);

/** The members of a public key (RFC 7518 sections 6.2.1 and 6.3.1); private ones, should they be there, are not read. */
const publicMembers = (jwk: JsonObject): Record<string, JsonValue | undefined> | undefined => {
  const { kty, n, e, crv, x, y } = jwk;
  if (kty === 'RSA') return { kty, n, e };
  return kty === 'EC' ? { kty, crv, x, y } : undefined;
};

const readMember = (jwk: JsonObject): KeyObject | JwtRefusal => {
  const members = publicMembers(jwk);
  if (members === undefined) return refusal('WrongKeyType');
  if (jwk['kty'] === 'EC' && !CURVES.has(jwk['crv'])) return refusal('InvalidCurve');
  try {
    return createPublicKey({ key: members, format: 'jwk' });
  } catch {
    return refusal('KeyParsingFailed');
  }
};

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readKeys = (documentText: string): readonly JsonValue[] | undefined => {
  try {
    const document = JSON.parse(documentText) as JsonValue;
    const keys = isObject(document) ? document['keys'] : undefined;
    return Array.isArray(keys) ? (keys as readonly JsonValue[]) : undefined;
  } catch {
    return undefined;
  }
};

const indexByKeyId = (keys: readonly JsonValue[]): ReadonlyMap<string, readonly SetMember[]> => {
  const byKeyId = new Map<string, SetMember[]>();
  for (const jwk of keys) {
    if (!isObject(jwk)) continue;
    const keyId = jwk['kid'];
    if (typeof keyId !== 'string' || keyId === '') continue;
    const member = new SetMember(jwk);
    const others = byKeyId.get(keyId);
    if (others === undefined) byKeyId.set(keyId, [member]);
    else others.push(member);
  }
  return byKeyId;
};

/**
 * Reads a key set (RFC 7517 section 5) and returns the selector of its keys by the token's `kid`.
 * `InvalidKeyConfiguration` for anything that is no set: one bare JWK, an address, text that is not JSON.
 *
 * The selector answers `KeyIdMissing`, `NoMatchingPublicKey`, `WrongKeyType` when no key of that `kid` is of the
 * algorithm's type, `InvalidCurve` or `KeyParsingFailed` when the first that is cannot be used. `use` and `alg` of a key
 * are not looked at (VerifyJWT, JWKS). Members that are broken spoil only themselves.
 */
export const jwksSelectorFrom = (documentText: string): KeySelector<unknown> | JwtRefusal => {
  const keys = readKeys(documentText);
  if (keys === undefined) return refusal('InvalidKeyConfiguration');
  const byKeyId = indexByKeyId(keys);
  return (header, algorithm) => {
    const keyId = header['kid'];
    if (typeof keyId !== 'string' || keyId === '') return refusal('KeyIdMissing');
    const members = byKeyId.get(keyId);
    if (members === undefined) return refusal('NoMatchingPublicKey');
    const keyType = KEY_TYPES[jwsFamily(algorithm)];
    const fitting = keyType === undefined ? undefined : members.find((member) => member.keyType === keyType);
    return fitting?.key ?? refusal('WrongKeyType');
  };
};
