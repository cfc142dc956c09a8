import type { PolicyContract } from '#libs/policy-contracts';
import { parseCondition } from '../conditions/parse-condition.ts';
import { compileVariable } from '../exchange/compile-variable.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';
import { variableText } from '../exchange/variable-text.ts';
import type { LinkContext } from './link-context.ts';
import { whenAnswered, type Step } from './step.ts';
import { setAnswerHeader, setUpstreamHeader } from './upstream-header.ts';

/**
 * Sets the headers of `forwardVariables` whenever the policy ran and the flow goes on: in REQUEST for the upstream, in
 * RESPONSE for the client. In ERROR the answer is made already.
 */
export function withForwardVariables(step: Step, policy: PolicyContract, context: LinkContext): Step {
  if (policy.forwardVariables.length === 0) return step;
  const { policyName, options } = context;
  const headers = policy.forwardVariables.map(({ variable, header }) => ({ header, read: compileVariable(variable) }));
  const forward = (exchange: Exchange): void => {
    const setHeader = exchange.phase === 'response' ? setAnswerHeader : setUpstreamHeader;
    for (const { header, read } of headers) {
      if (!setHeader(exchange, header, variableText(read(exchange)))) {
        options.onDropped?.({ policy: policyName, header });
      }
    }
  };
  const forwardUnlessStopped = (exchange: Exchange, fault: Fault | undefined): Fault | undefined => {
    if (fault === undefined) forward(exchange);
    return fault;
  };
  return (exchange, nowMs) => whenAnswered(step(exchange, nowMs), (fault) => forwardUnlessStopped(exchange, fault));
}

/** Whether a failure of this policy lets the flow go on (`verify-jwt.md` part 6). */
const continuesOnError = (policy: PolicyContract): boolean =>
  policy.type === 'policy-verify-jwt' && policy.continueOnError;

/** Lets the flow go on after a failure, where the policy says so. */
export const withContinueOnError = (step: Step, policy: PolicyContract): Step =>
  continuesOnError(policy)
    ? (exchange, nowMs) => whenAnswered(step(exchange, nowMs), (): Fault | undefined => undefined)
    : step;

/** Tells whoever counts what the policy itself said; one that its condition skips has no verdict. */
export function withVerdicts(step: Step, policy: PolicyContract, { artifact, policyName, options }: LinkContext): Step {
  const { project, proxy } = artifact;
  const verdicts = options.verdictsOf?.({ project, proxy, policy: policyName });
  if (verdicts === undefined) return step;
  const isLenient = continuesOnError(policy);
  const note = (fault: Fault | undefined): Fault | undefined => {
    if (fault === undefined) verdicts.passed();
    else if (isLenient) verdicts.continued(fault);
    else verdicts.refused(fault);
    return fault;
  };
  return (exchange, nowMs) => whenAnswered(step(exchange, nowMs), note);
}

/** Skips the policy while its condition is false. A condition that cannot be parsed is a link fault. */
export function withCondition(step: Step, policy: PolicyContract, context: LinkContext): Step {
  if (policy.condition === undefined) return step;
  const condition = parseCondition(policy.condition);
  if (!condition.ok) {
    const message = `${condition.message} at character ${condition.position + 1}`;
    context.refuse({ field: 'policy.condition', code: 'invalid_condition', message });
    return step;
  }
  const readers = new Map(condition.variables.map((name) => [name, compileVariable(name)] as const));
  const holds = (exchange: Exchange): boolean => condition.evaluate((name) => readers.get(name)?.(exchange));
  return (exchange, nowMs) => (holds(exchange) ? step(exchange, nowMs) : undefined);
}
