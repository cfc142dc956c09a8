import { parseSentPolicy, type Parsed, type PolicyContract } from '#libs/policy-contracts';
import { policyFromXml, withPlaceInXml } from './verify-jwt-from-xml.ts';
import type { Members } from './verify-jwt-members.ts';

const isVerifyJwtWithXml = (input: unknown): input is Members =>
  typeof input === 'object' &&
  input !== null &&
  (input as Members)['type'] === 'policy-verify-jwt' &&
  Object.hasOwn(input, 'xml');

/** Reads the `policy` member of a request, whichever of the ways it came (contract 4.1): every fault at once. */
export function readPolicy(input: unknown, policyName: string): Parsed<PolicyContract> {
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
