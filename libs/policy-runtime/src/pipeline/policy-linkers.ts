import type { PlacedPolicy, PolicyContract, PolicyType } from '#libs/policy-contracts';
import { linkAuthJwt, TOKEN_PARAMETER } from '../auth-jwt/link-auth-jwt.ts';
import type { LinkContext } from '../linking/link-context.ts';
import type { Step } from '../linking/step.ts';
import { withCondition, withContinueOnError, withForwardVariables, withVerdicts } from '../linking/wrap-policy.ts';
import { linkRaiseFault } from '../raise-fault/link-raise-fault.ts';
import { linkVerifyJwt } from '../verify-jwt/link-verify-jwt.ts';

type ContractOf = { readonly [Contract in PolicyContract as Contract['type']]: Contract };
type PolicyLinkers = {
  readonly [Type in PolicyType]: (contract: ContractOf[Type], context: LinkContext) => Step;
};

/** A policy in the contracts without a line here does not compile. */
export const POLICY_LINKERS: PolicyLinkers = {
  'policy-auth-jwt': linkAuthJwt,
  'policy-raise-fault': linkRaiseFault,
  'policy-verify-jwt': linkVerifyJwt,
};

const linkByType = <Type extends PolicyType>(type: Type, contract: ContractOf[Type], context: LinkContext): Step =>
  POLICY_LINKERS[type](contract, context);

/** One policy with all around it that policies of every type may have. */
export function linkPolicy({ policy }: PlacedPolicy, context: LinkContext): Step {
  const judged = withVerdicts(linkByType(policy.type, policy, context), policy, context);
  const step = withForwardVariables(withContinueOnError(judged, policy), policy, context);
  return withCondition(step, policy, context);
}

/** Query parameters that may hold a token for this policy: never forwarded, whether it runs or not. */
export const tokenParametersOf = (policy: PolicyContract): string[] =>
  policy.type === 'policy-auth-jwt' && policy.allowUrlParameters ? [TOKEN_PARAMETER] : [];

/** Headers that only policies may set for the upstream, by lower-case name. */
export function guardedHeadersOf(policy: PolicyContract): string[] {
  const headers = policy.forwardVariables.map(({ header }) => header.toLowerCase());
  if (policy.type === 'policy-auth-jwt' && policy.addUserToHeader) headers.push(policy.userHeaderName.toLowerCase());
  return headers;
}
