import type { ValidationFault } from '#libs/policy-contracts';

type Members = Readonly<Record<string, unknown>>;

export type JwkReading = { readonly jwk: Members } | { readonly fault: ValidationFault };

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const faulty = (code: string, message: string): JwkReading => ({
  fault: { field: 'content', code, message: `content ${message}` },
});

/** JSON.parse quotes the text in what it throws, so its error goes no further. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** RFC 7517 section 4.3: what a key is for, where it says so. */
function isForSigning({ use, key_ops: operations }: Members): boolean {
  if (use !== undefined && use !== 'sig') return false;
  if (operations === undefined) return true;
  return Array.isArray(operations) && operations.some((one) => one === 'sign' || one === 'verify');
}

/** A JWK, or the only one of a set. Its material is looked at elsewhere; `kid` and `alg` are texts where they are there. */
export function readJwk(text: string): JwkReading {
  const document = parsed(text);
  if (!isObject(document)) return faulty('KeyParsingFailed', 'must be a JWK or a JWK set as JSON text');
  const keys = document['keys'] === undefined ? [document] : document['keys'];
  if (!Array.isArray(keys) || keys.length !== 1) return faulty('several_keys', 'must be a set of exactly one key');
  const jwk: unknown = keys[0];
  if (!isObject(jwk)) return faulty('KeyParsingFailed', 'must be a set of a JWK');
  if (!isForSigning(jwk)) return faulty('not_for_signing', 'is a key for something else than signatures');
  for (const name of ['kid', 'alg']) {
    const value = jwk[name];
    if (value !== undefined && typeof value !== 'string') return faulty('wrong_type', `must have a text as ${name}`);
  }
  return { jwk };
}
