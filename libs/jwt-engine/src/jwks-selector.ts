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

  /** Whether another JWK says the same public key. Members that are no text are told apart, whatever is in them. */
  isOf(jwk: JsonObject): boolean {
    return KEY_MEMBERS.every((name) => this.jwk[name] === jwk[name]);
  }
}

/** Everything that a key is read from. */
const KEY_MEMBERS = ['kty', 'n', 'e', 'crv', 'x', 'y'] as const;

type MembersByKeyId = ReadonlyMap<string, readonly SetMember[]>;

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

const indexByKeyId = (keys: readonly JsonValue[], earlier: MembersByKeyId | undefined): MembersByKeyId => {
  const byKeyId = new Map<string, SetMember[]>();
  for (const jwk of keys) {
    if (!isObject(jwk)) continue;
    const keyId = jwk['kid'];
    if (typeof keyId !== 'string' || keyId === '') continue;
    // The first alone: looking through all would take whoever serves a set of one `kid` seconds of this process.
    const [known] = earlier?.get(keyId) ?? [];
    const member = known?.isOf(jwk) === true ? known : new SetMember(jwk);
    const others = byKeyId.get(keyId);
    if (others === undefined) byKeyId.set(keyId, [member]);
    else others.push(member);
  }
  return byKeyId;
};

export interface ReadJwks {
  readonly select: KeySelector<unknown>;
  /** Of keys that can be selected, each once. */
  readonly keyIds: readonly string[];
  /** What the next set of the same address can take its keys from. */
  readonly byKeyId: MembersByKeyId;
}

/**
 * Reads a key set (RFC 7517 section 5): the selector of its keys by the token's `kid`, and what these are.
 * `InvalidKeyConfiguration` for anything that is no set: one bare JWK, an address, text that is not JSON.
 *
 * The selector answers `KeyIdMissing`, `NoMatchingPublicKey`, `WrongKeyType` when no key of that `kid` is of the
 * algorithm's type, `InvalidCurve` or `KeyParsingFailed` when the first that is cannot be used. `use` and `alg` of a key
 * are not looked at (VerifyJWT, JWKS). Members that are broken spoil only themselves.
 *
 * @param earlier the first key of a `kid` there that is the same here is the same object here: what it signed stays remembered
 */
export const readJwks = (documentText: string, earlier?: ReadJwks): ReadJwks | JwtRefusal => {
  const keys = readKeys(documentText);
  if (keys === undefined) return refusal('InvalidKeyConfiguration');
  const byKeyId = indexByKeyId(keys, earlier?.byKeyId);
  const select: KeySelector<unknown> = (header, algorithm) => {
    const keyId = header['kid'];
    if (typeof keyId !== 'string' || keyId === '') return refusal('KeyIdMissing');
    const members = byKeyId.get(keyId);
    if (members === undefined) return refusal('NoMatchingPublicKey');
    const keyType = KEY_TYPES[jwsFamily(algorithm)];
    const fitting = keyType === undefined ? undefined : members.find((member) => member.keyType === keyType);
    return fitting?.key ?? refusal('WrongKeyType');
  };
  return { select, keyIds: [...byKeyId.keys()], byKeyId };
};

/** The selector alone, as {@link readJwks} gives it. */
export const jwksSelectorFrom = (documentText: string): KeySelector<unknown> | JwtRefusal => {
  const read = readJwks(documentText);
  return 'select' in read ? read.select : read;
};
