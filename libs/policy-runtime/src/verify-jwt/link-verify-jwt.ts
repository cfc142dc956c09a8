import { refusal, type JwtRefusal } from '#libs/jwt-engine';
import type { VerifyJwtContract } from '#libs/policy-contracts';
import { compileVariable } from '../exchange/compile-variable.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';
import { variableText } from '../exchange/variable-text.ts';
import type { LinkContext } from '../linking/link-context.ts';
import { whenAnswered, type Step } from '../linking/step.ts';
import { tokenVariables, type TokenFinding } from '../tokens/token-variables.ts';
import { compileEncrypted } from './encrypted-verifier.ts';
import { linkVerifier, type Verification } from './link-verifier.ts';
import { overloadedFault } from './overloaded-fault.ts';
import { compileSigned } from './signed-verifier.ts';
import { compileFaults, verifyJwtFault } from './verify-jwt-faults.ts';

type ReadToken = (exchange: Exchange) => string | JwtRefusal;

/** RFC 6750 section 2.1; matched exactly, as Apigee does (`verify-jwt.md` 13.5). */
const BEARER = 'Bearer ';

/** The token's text: a source is used as it stands, only the default one has a prefix to lose (`verify-jwt.md` 3.1). */
function linkSource(source: string | undefined): ReadToken {
  const read = compileVariable(source ?? 'request.header.authorization');
  const missing = refusal('UnresolvedReference', { reference: source ?? 'null' });
  const prefix = source === undefined ? BEARER : '';
  return (exchange) => {
    const text = variableText(read(exchange));
    if (text === undefined || !text.startsWith(prefix)) return missing;
    const token = text.slice(prefix.length).trim();
    return token === '' ? missing : token;
  };
}

type Finding = Omit<TokenFinding, 'isValid' | 'error'>;

/** What one run says of the token, put where it belongs. */
interface Outcomes {
  readonly succeed: (exchange: Exchange, finding: TokenFinding) => undefined;
  readonly fail: (exchange: Exchange, finding: Finding, fault: Fault) => Fault;
}

/** What the policy leaves behind (`verify-jwt.md` part 6). */
const linkOutcomes = (policyName: string): Outcomes => ({
  succeed: (exchange, finding) => {
    exchange.publishToken(policyName, tokenVariables(finding));
    exchange.setVariable('JWT.failed', false);
  },
  fail: (exchange, finding, fault) => {
    exchange.publishToken(policyName, tokenVariables({ ...finding, isValid: false, error: fault.message }));
    exchange.setVariable('JWT.failed', true);
    exchange.recordFailure(fault.name);
    return fault;
  },
});

/** The verifier's findings as outcomes of the policy. */
function linkConclusion(contract: VerifyJwtContract, { policyName, options }: LinkContext, outcomes: Outcomes) {
  const { succeed, fail } = outcomes;
  const faultOf = compileFaults({
    policyName,
    faultCodes: options.faultCodes,
    hasOneAlgorithm: contract.jwtType === 'Encrypted' || contract.algorithm.length === 1,
  });
  const misconfigured = verifyJwtFault('InvalidConfiguration', policyName);

  return (exchange: Exchange, nowMs: number, verification: Verification): Fault | undefined => {
    const { judgement, allowanceSeconds, isMisconfigured } = verification;
    if (judgement.ok === 'overloaded') {
      const fault = overloadedFault(policyName, exchange.correlationId);
      return fail(exchange, { jwt: undefined, nowMs, allowanceSeconds }, fault);
    }
    const { jwt } = judgement;
    if (judgement.ok) return succeed(exchange, { jwt, isValid: true, error: undefined, nowMs, allowanceSeconds });
    return fail(exchange, { jwt, nowMs, allowanceSeconds }, isMisconfigured ? misconfigured : faultOf(judgement));
  };
}

/** Whatever was not foreseen refuses the token, and is named in the log: it must neither pass nor become a 500. */
function refusingTheUnforeseen(step: Step, policyName: string, { fail }: Outcomes): Step {
  const giveUp = (exchange: Exchange, nowMs: number, reason: unknown): Fault | undefined => {
    const fault = verifyJwtFault('UnknownException', policyName);
    const name = reason instanceof Error ? reason.name : typeof reason;
    const finding = { jwt: undefined, nowMs, allowanceSeconds: 0 };
    return fail(exchange, finding, { ...fault, reason: `${fault.reason} ${name}` });
  };
  return (exchange, nowMs) => {
    try {
      const outcome = step(exchange, nowMs);
      if (!(outcome instanceof Promise)) return outcome;
      return outcome.catch((reason: unknown) => giveUp(exchange, nowMs, reason));
    } catch (reason) {
      return giveUp(exchange, nowMs, reason);
    }
  };
}

function compileFor(contract: VerifyJwtContract, context: LinkContext) {
  return contract.jwtType === 'Encrypted' ? compileEncrypted(contract, context) : compileSigned(contract, context);
}

/** Apigee's VerifyJWT (`verify-jwt.md` 1.1, 3, 4, 6). Whether a failure stops the flow is decided around it. */
export function linkVerifyJwt(contract: VerifyJwtContract, context: LinkContext): Step {
  const compile = compileFor(contract, context);
  if (compile === undefined) {
    const field = contract.jwtType === 'Encrypted' ? 'policy.algorithms' : 'policy.publicKey';
    context.refuse({ field, code: 'MissingConfigurationElement', message: 'the policy has no key' });
    return () => undefined;
  }
  const readToken = linkSource(contract.source);
  const verify = linkVerifier(contract, compile, context);
  const outcomes = linkOutcomes(context.policyName);
  const conclude = linkConclusion(contract, context, outcomes);
  const judge: Step = (exchange, nowMs) => {
    const token = readToken(exchange);
    const verification =
      typeof token === 'string'
        ? verify(token, exchange, nowMs)
        : { judgement: token, allowanceSeconds: 0, isMisconfigured: false };
    return whenAnswered(verification, (found) => conclude(exchange, nowMs, found));
  };
  return refusingTheUnforeseen(judge, context.policyName, outcomes);
}
