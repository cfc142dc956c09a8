import type { JsonObject } from '#libs/jwt-engine';

/** What makes a key another one: its name and its material (RFC 7638 section 3.2). */
const identityOf = ({ kid, kty, crv, x, y, n, e }: JsonObject): string => JSON.stringify([kid, kty, crv, x, y, n, e]);

/** A key that several algorithms are used with is published without naming one (RFC 7517 section 4.4: optional). */
function withoutAlgorithm({ alg: _alg, ...members }: JsonObject): JsonObject {
  return members;
}

/** A JWK set (RFC 7517 section 5) of public keys: each once, in the order of their `kid`. The same keys, the same text. */
export function keySetDocument(jwks: Iterable<JsonObject>): string {
  const keys = new Map<string, JsonObject>();
  for (const jwk of jwks) {
    const identity = identityOf(jwk);
    const known = keys.get(identity);
    if (known === undefined) keys.set(identity, jwk);
    else if (known['alg'] !== jwk['alg']) keys.set(identity, withoutAlgorithm(known));
  }
  const sorted = [...keys].sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify({ keys: sorted.map(([, jwk]) => jwk) });
}
