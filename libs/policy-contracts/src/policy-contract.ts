import { documentFaults } from './document-text.ts';
import { parseAuthJwt, type AuthJwtContract } from './auth-jwt.contract.ts';
import { parseRaiseFault, type RaiseFaultContract } from './raise-fault.contract.ts';
import type { PolicyOrigin } from './policy-base.ts';
import { unexpandedTemplateFaults } from './verify-jwt-unexpanded.ts';
import { parseVerifyJwt, type VerifyJwtContract } from './verify-jwt.contract.ts';
import type { Parsed } from './validation-fault.ts';

export type PolicyContract = AuthJwtContract | RaiseFaultContract | VerifyJwtContract;
export type PolicyType = PolicyContract['type'];

/** A policy type without a line here does not exist. */
type Parsers = {
  readonly [Type in PolicyType]: (
    input: unknown,
    policyName?: string,
    origin?: PolicyOrigin,
  ) => Parsed<Extract<PolicyContract, { type: Type }>>;
};
const PARSERS: Parsers = {
  'policy-auth-jwt': parseAuthJwt,
  'policy-verify-jwt': parseVerifyJwt,
  'policy-raise-fault': parseRaiseFault,
};
export const POLICY_TYPES = Object.keys(PARSERS) as PolicyType[];

const isPolicyType = (type: unknown): type is PolicyType => typeof type === 'string' && Object.hasOwn(PARSERS, type);

/**
 * Reads a policy, as it is stored or as it came; both have one form. Whatever an earlier version of this program stored
 * is read. `policyName` appears in messages whose text a rule prescribes.
 */
export const parsePolicy = (input: unknown, policyName?: string): Parsed<PolicyContract> =>
  parse(input, policyName, 'stored');

function parse(input: unknown, policyName: string | undefined, origin: PolicyOrigin): Parsed<PolicyContract> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const code = input === undefined ? 'required' : 'wrong_type';
    const message = input === undefined ? 'policy is required' : 'policy must be an object';
    return { ok: false, faults: [{ field: 'policy', code, message }] };
  }
  const type = (input as { type?: unknown }).type;
  if (isPolicyType(type)) return PARSERS[type](input, policyName, origin);
  const code = type === undefined ? 'required' : 'invalid_value';
  const message =
    type === undefined ? 'policy.type is required' : `policy.type must be one of ${POLICY_TYPES.join(', ')}`;
  return { ok: false, faults: [{ field: 'policy.type', code, message }] };
}

/**
 * Reads the `policy` member of a request: as `parsePolicy`, and it must be able to be written as XML too, and to be
 * what its author means to send.
 */
export function parseSentPolicy(input: unknown, policyName?: string): Parsed<PolicyContract> {
  const parsed = parse(input, policyName, 'sent');
  // Read, it has the paths of the full form, and none of what is not kept.
  const document = parsed.ok ? parsed.value : input;
  const faults = [...documentFaults(document), ...unexpandedTemplateFaults(document)];
  if (faults.length === 0) return parsed;
  return { ok: false, faults: [...(parsed.ok ? [] : parsed.faults), ...faults] };
}
