import { z } from 'zod';
import { optional, parseWith } from '#libs/policy-contracts';
import { readBody, settled } from '../../http/bodies/request-bodies.ts';
import { keySetAddress } from '../domain/key-set-address.ts';
import type { SetKey } from '../domain/key-set-orders.ts';

const LONGEST_ADDRESS = 2048;
const KEY_ID_LENGTH = 255;

const spelled = (text: string): string => keySetAddress(text) ?? text;

const uri = z
  .string()
  .max(LONGEST_ADDRESS)
  .refine((text) => keySetAddress(text) !== undefined, {
    error: 'must be an absolute http or https address without credentials',
  })
  // Gateways fetch from no longer ones, and they read all orders with every look.
  .refine((text) => spelled(text).length <= LONGEST_ADDRESS, {
    error: `must have at most ${LONGEST_ADDRESS} characters once it is escaped`,
  });
/** Whatever an identity provider calls its keys: RFC 7517 4.5 leaves the form of a key id open. */
const kid = z
  .string()
  .min(1)
  .max(KEY_ID_LENGTH)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: 'must hold no control characters' });

export const FLUSH_SCHEMA = z.strictObject({ uri: optional(uri) });
export const DENY_SCHEMA = z.strictObject({ uri, kid });

/** Address of the set to be emptied, null of every one. @throws DomainError VALIDATION_FAILED with every fault */
export function readFlush(body: unknown): string | null {
  const { uri } = readBody(FLUSH_SCHEMA, body ?? {});
  return uri === undefined ? null : spelled(uri);
}

/** @throws DomainError VALIDATION_FAILED with every fault */
export function readDenial(body: unknown): SetKey {
  const { uri, kid } = readBody(DENY_SCHEMA, body);
  return { uri: spelled(uri), kid };
}

/** `?uri=&kid=` @throws DomainError VALIDATION_FAILED with every fault */
export function readAllowance(query: unknown): SetKey {
  const { uri, kid } = settled(parseWith(DENY_SCHEMA, query));
  return { uri: spelled(uri), kid };
}
