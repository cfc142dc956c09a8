import { createHmac, randomBytes } from 'node:crypto';

/** The secret under which the policies of the benchmark verify: the value of the variable `private.bench`. */
export const BENCH_SECRET = randomBytes(32).toString('hex');

/** Whom the policies ask tokens to be for. */
export const AUDIENCE = 'bench';

/** Whom the policy of a change asks tokens to be from. */
export const issuerOf = (change: number): string => `change-${change}`;

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf(change: number, aud: string): string {
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iss: issuerOf(change), aud, exp })}`;
  return `${text}.${createHmac('sha256', BENCH_SECRET).update(text).digest('base64url')}`;
}

/** A JWT (HS256) that the policy of one change lets through, and that of no other one. */
export const goodToken = (change: number): string => tokenOf(change, AUDIENCE);

/**
 * A JWT for somebody else: the policy of this change refuses its audience, that of any other one its issuer, which comes
 * first. So a gateway says which of them it enforces without troubling an upstream.
 */
export const strayToken = (change: number): string => tokenOf(change, 'somebody-else');
