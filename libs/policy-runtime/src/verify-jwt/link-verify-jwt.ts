import { refusal, type JwtRefusal } from '#libs/jwt-engine';
import type { VerifyJwtContract } from '#libs/policy-contracts';
import { compileVariable } from '../exchange/compile-variable.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';
import { variableText } from '../exchange/variable-text.ts';
import type { LinkContext } from '../linking/link-context.ts';
import type { Step } from '../linking/step.ts';
import { tokenVariables, type TokenFinding } from '../tokens/token-variables.ts';
import { linkVerifier } from './link-verifier.ts';
import { linkVerificationKey } from './verification-key.ts';
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

function succeed(policyName: string, exchange: Exchange, finding: Omit<TokenFinding, 'isValid' | 'error'>): undefined {
  exchange.publishToken(policyName, tokenVariables({ ...finding, isValid: true, error: undefined }));
  exchange.setVariable('JWT.failed', false);
  return undefined;
}

/** Apigee's VerifyJWT on signed tokens (`verify-jwt.md` 1.1, 3, 4, 6). */
export function linkVerifyJwt(contract: VerifyJwtContract, context: LinkContext): Step {
  const { policyName, options, artifact } = context;
  if (contract.jwtType === 'Encrypted') {
    context.refuse({ field: 'policy.algorithms', code: 'not_supported', message: 'cannot be linked yet' });
    return () => undefined;
  }
  const key = linkVerificationKey(contract, context);
  if (key === undefined) {
    context.refuse({
      field: 'policy.publicKey',
      code: 'MissingConfigurationElement',
      message: 'the policy has no key',
    });
    return () => undefined;
  }
  const readToken = linkSource(contract.source);
  const verify = linkVerifier(contract, key, artifact);
  const faultOf = compileFaults({
    policyName,
    faultCodes: options.faultCodes,
    hasOneAlgorithm: contract.algorithm.length === 1,
  });
  const misconfigured = verifyJwtFault('InvalidConfiguration', policyName);

  const fail = (fault: Fault, exchange: Exchange, finding: Omit<TokenFinding, 'isValid' | 'error'>) => {
    exchange.publishToken(policyName, tokenVariables({ ...finding, isValid: false, error: fault.message }));
    exchange.setVariable('JWT.failed', true);
    exchange.recordFailure(fault.name);
    return contract.continueOnError ? undefined : fault;
  };
  const judge = (exchange: Exchange, nowMs: number): Fault | undefined => {
    const token = readToken(exchange);
    if (typeof token !== 'string')
      return fail(faultOf(token), exchange, { jwt: undefined, nowMs, allowanceSeconds: 0 });
    const { result, allowanceSeconds, isMisconfigured } = verify(token, exchange, nowMs);
    const finding = { jwt: result.jwt, nowMs, allowanceSeconds };
    if (result.ok) return succeed(policyName, exchange, finding);
    return fail(isMisconfigured ? misconfigured : faultOf(result), exchange, finding);
  };
  const run = (exchange: Exchange, nowMs: number): Fault | undefined => {
    try {
      return judge(exchange, nowMs);
    } catch (reason) {
      // Whatever was not foreseen refuses the token, and is named in the log: it must neither pass nor become a 500.
      const fault = verifyJwtFault('UnknownException', policyName);
      const name = reason instanceof Error ? reason.name : typeof reason;
      const finding = { jwt: undefined, nowMs, allowanceSeconds: 0 };
      return fail({ ...fault, reason: `${fault.reason} ${name}` }, exchange, finding);
    }
  };
  return run;
}
