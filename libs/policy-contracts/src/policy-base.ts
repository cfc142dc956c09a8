import { z } from 'zod';
import { optional, withDefault } from './nullable-fields.ts';

/** RFC 9110 section 5.1: a header name is a token. */
export const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/** RFC 9110 section 7.6.1 and the framing of the message: set by whoever speaks to the upstream. */
const CONNECTION_HEADERS = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'via'],
]);
/** Servers that read headers as CGI variables take `_` for `-`, so both spellings are one header. */
const canonicalName = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** A header that a policy may set for the upstream. */
export const policyHeader = z
  .string()
  .regex(HEADER_NAME, { error: 'must be a header name', abort: true })
  .refine((name) => !CONNECTION_HEADERS.has(canonicalName(name)), { error: 'is set by the gateway itself' });

const forwardVariable = z.strictObject({
  variable: z.string().min(1).max(255),
  header: policyHeader,
});

/** Members that every policy type takes (contract 4.1). */
export const policyBaseFields = {
  description: optional(z.string().max(1000)),
  active: withDefault(z.boolean(), true),
  /** Apigee's condition language; false means the policy is skipped. */
  condition: optional(z.string().min(1).max(8192)),
  /** Flow variables sent as headers: in REQUEST to the upstream, in RESPONSE to the client. */
  forwardVariables: withDefault(z.array(forwardVariable).max(50), []),
} as const;

/**
 * Whether a gateway may remember that a token's signature was good; left out: it may. For policies that verify signed tokens.
 * What else a verdict depends on is judged at every request either way.
 */
export const cacheVerifiedTokens = optional(z.boolean());

/** A policy that somebody sends, or one that an earlier version accepted and that must stay readable. */
export type PolicyOrigin = 'sent' | 'stored';

export interface PolicyBase {
  readonly description?: string | undefined;
  readonly active: boolean;
  readonly condition?: string | undefined;
  readonly forwardVariables: readonly { readonly variable: string; readonly header: string }[];
}
