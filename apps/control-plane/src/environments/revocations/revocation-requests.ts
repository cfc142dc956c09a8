import { z } from 'zod';
import type { RevokedBy } from '#libs/token-revocations';
import { optional, parseWith, type ValidationFault } from '#libs/policy-contracts';
import { invalid } from '../../decider/domain-error.ts';
import { requireJson } from '../../http/bodies/body-parsers.ts';

const VALUE = z
  .string()
  .min(1)
  .max(1_000)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: 'must hold no control characters' });

export const REVOCATION_SCHEMA = z.strictObject({
  jti: optional(VALUE),
  username: optional(VALUE),
  clientId: optional(VALUE),
  everybody: optional(z.literal(true)),
  issuedBefore: optional(z.iso.datetime({ offset: true, error: 'must be an ISO 8601 date and time' })),
});

/** The member that says whose tokens are meant, and what a revocation calls that. */
const MEANT = { jti: 'token', username: 'user', clientId: 'client', everybody: 'everybody' } as const;
const NAMES = Object.keys(MEANT) as (keyof typeof MEANT)[];

/** Whose tokens are to be taken no more. */
export interface RevocationRequest {
  readonly by: RevokedBy;
  /** '' for everybody. */
  readonly value: string;
  /** Epoch milliseconds; undefined: now. */
  readonly issuedBeforeMs: number | undefined;
}

type Given = z.infer<typeof REVOCATION_SCHEMA>;

const fault = (field: string, code: string, message: string): ValidationFault => ({ field, code, message });

/** Looks at the body as it came, so that they are told together with other faults. */
function meantFaults(body: unknown): ValidationFault[] {
  const raw = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
  const [name, another] = NAMES.filter((one) => raw[one] !== undefined && raw[one] !== null);
  const message = `one of ${NAMES.join(', ')} is required, and no two of them`;
  if (name === undefined) return [fault('jti', 'required', message)];
  return another === undefined ? [] : [fault(another, 'invalid', message)];
}

const timeOf = ({ issuedBefore }: Given): number | undefined =>
  issuedBefore === undefined ? undefined : Date.parse(issuedBefore);

const timeFaults = (given: Given, nowMs: number): ValidationFault[] =>
  (timeOf(given) ?? nowMs) > nowMs
    ? [fault('issuedBefore', 'out_of_range', 'issuedBefore must not be in the future')]
    : [];

/** @param nowMs epoch milliseconds @throws DomainError VALIDATION_FAILED with every fault */
export function readRevocation(body: unknown, nowMs: number): RevocationRequest {
  const parsed = parseWith(REVOCATION_SCHEMA, requireJson(body) ?? undefined);
  const faults = [...(parsed.ok ? timeFaults(parsed.value, nowMs) : parsed.faults), ...meantFaults(body)];
  if (!parsed.ok || faults.length > 0) throw invalid(faults);
  const { value: given } = parsed;
  const name = NAMES.find((one) => given[one] !== undefined) ?? 'everybody';
  const value = given[name];
  return { by: MEANT[name], value: typeof value === 'string' ? value : '', issuedBeforeMs: timeOf(given) };
}

/**
 * The last second whose tokens are meant: `iat` is in whole seconds (RFC 7519 2, 4.1.6), so that one of the same second may
 * have been issued before.
 */
export const issuedUntil = (issuedBeforeMs: number): number => Math.ceil(issuedBeforeMs / 1_000) - 1;
