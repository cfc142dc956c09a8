import { parseSentPolicy, type Parsed, type PolicyContract, type ValidationFault } from '#libs/policy-contracts';
import { policyFromXml, withPlaceInXml } from './verify-jwt-from-xml.ts';
import type { Members } from './verify-jwt-members.ts';

const isMembers = (input: unknown): input is Members =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

const isVerifyJwtWithXml = (input: unknown): input is Members =>
  isMembers(input) && input['type'] === 'policy-verify-jwt' && Object.hasOwn(input, 'xml');

/** Answers name the policy, so that what was read may be sent again; a name that is another one is a mistake. */
function withoutName(input: unknown, policyName: string): { policy: unknown; faults: ValidationFault[] } {
  if (!isMembers(input) || !Object.hasOwn(input, 'name')) return { policy: input, faults: [] };
  const { name, ...policy } = input;
  if (name === null || name === policyName) return { policy, faults: [] };
  const message = `policy.name differs from the policy's name in the path (${policyName})`;
  return { policy, faults: [{ field: 'policy.name', code: 'name_mismatch', message }] };
}

function readUnnamed(input: unknown, policyName: string): Parsed<PolicyContract> {
  if (!isVerifyJwtWithXml(input)) return parseSentPolicy(input, policyName);
  if (input['xml'] === null) {
    const { xml: _leftOut, ...members } = input;
    return parseSentPolicy(members, policyName);
  }
  const { members, faults, warnings } = policyFromXml(input, policyName);
  if (members === undefined) return { ok: false, faults };
  const parsed = parseSentPolicy(members, policyName);
  if (!parsed.ok) return { ok: false, faults: [...faults, ...parsed.faults.map(withPlaceInXml)] };
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, value: parsed.value, warnings: [...parsed.warnings, ...warnings] };
}

/** Reads the `policy` member of a request, whichever of the ways it came (contract 4.1): every fault at once. */
export function readPolicy(input: unknown, policyName: string): Parsed<PolicyContract> {
  const { policy, faults } = withoutName(input, policyName);
  const parsed = readUnnamed(policy, policyName);
  if (faults.length === 0) return parsed;
  return { ok: false, faults: [...faults, ...(parsed.ok ? [] : parsed.faults)] };
}
