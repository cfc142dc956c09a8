import { compileVerifier, refusal, type KeySelector, type VerifyResult } from '#libs/jwt-engine';
import type { AuthJwtContract } from '#libs/policy-contracts';
import { envelopeFault } from '../exchange/envelope-fault.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';
import type { LinkContext } from '../linking/link-context.ts';
import type { Step } from '../linking/step.ts';
import { setUpstreamHeader } from '../linking/upstream-header.ts';
import { tokenVariables } from '../tokens/token-variables.ts';
import { audienceOf } from './audience.ts';
import { linkAuthJwtKeys, type AuthJwtKeys } from './auth-jwt-keys.ts';
import { linkRevocationCheck } from './revocation-check.ts';

const FAULT_STRING = 'Authentication policy failed! JWT is not valid!';
/** Name of the query parameter of RFC 6750 section 2.3. */
export const TOKEN_PARAMETER = 'access_token';
const BEARER = /^bearer +(\S.*)$/is;

/** RFC 6750 section 3.1: no error code when no token was sent. */
function authJwtFault(policyName: string, correlationId: string, reason: string): Fault {
  const challenge = reason === 'no token' ? 'Bearer' : 'Bearer error="invalid_token"';
  return envelopeFault({
    status: 401,
    code: 'ERR-044',
    text: FAULT_STRING,
    correlationId,
    headers: [
      ['APINIZER-CORRELATION-ID', correlationId],
      ['WWW-Authenticate', challenge],
    ],
    policy: policyName,
    reason,
    message: FAULT_STRING,
  });
}

type FoundToken = { readonly token: string } | { readonly missing: string };

function headerToken(exchange: Exchange): string | undefined {
  const lines = exchange.headers().get('authorization') ?? [];
  return lines.length === 1 ? BEARER.exec(lines[0] ?? '')?.[1]?.trim() : undefined;
}

function tokenIn(exchange: Exchange, allowsParameter: boolean): FoundToken {
  const inHeader = headerToken(exchange);
  const inQuery = allowsParameter ? (exchange.queryParameters().get(TOKEN_PARAMETER) ?? []) : [];
  const tokens = inHeader === undefined ? inQuery : [inHeader, ...inQuery];
  // RFC 6750 section 2: one method per request.
  if (tokens.length > 1) return { missing: 'more than one token' };
  const [token = ''] = tokens;
  return token === '' ? { missing: 'no token' } : { token };
}

function linkVerifier({ artifact }: LinkContext, { algorithm, verification }: AuthJwtKeys) {
  const key: KeySelector<undefined> = ({ kid }) => {
    if (typeof kid !== 'string' || kid === '') return refusal('KeyIdMissing');
    return verification.get(kid) ?? refusal('NoMatchingPublicKey');
  };
  return compileVerifier<undefined>({
    algorithms: [algorithm],
    key,
    type: 'at+jwt',
    issuer: artifact.environment.tokenIssuer,
    audience: audienceOf(artifact.project, artifact.proxy),
    // Another gateway's clock may be a moment ahead of this one's.
    ignoreIssuedAt: true,
  });
}

/** `error` is what stands against the token, whatever its own verification says. */
function publish(policyName: string, exchange: Exchange, result: VerifyResult, error: string | undefined): void {
  const finding = { jwt: result.jwt, isValid: error === undefined, error, nowMs: exchange.nowMs, allowanceSeconds: 0 };
  exchange.publishToken(policyName, tokenVariables(finding));
}

/** Apinizer's JWT policy: an access token that this environment issued for this proxy (contract 5). */
export function linkAuthJwt(contract: AuthJwtContract, context: LinkContext): Step {
  const { policyName, options } = context;
  const keys = linkAuthJwtKeys(contract, context);
  if (keys === undefined) return () => undefined;
  const verify = linkVerifier(context, keys);
  const revocationFault = linkRevocationCheck(contract, context);
  const { allowUrlParameters, addUserToHeader, userHeaderName, clearAuth } = contract;

  const refuse = (exchange: Exchange, reason: string) => authJwtFault(policyName, exchange.correlationId, reason);
  const admit = (exchange: Exchange, subject: unknown): void => {
    if (clearAuth) exchange.upstreamHeaders.set('authorization', undefined);
    if (!addUserToHeader) return;
    const user = typeof subject === 'string' ? subject : undefined;
    if (!setUpstreamHeader(exchange, userHeaderName, user)) {
      options.onDropped?.({ policy: policyName, header: userHeaderName });
    }
  };
  return (exchange, nowMs) => {
    const found = tokenIn(exchange, allowUrlParameters);
    if ('missing' in found) {
      publish(policyName, exchange, refusal('UnresolvedReference'), FAULT_STRING);
      return refuse(exchange, found.missing);
    }
    const result = verify(found.token, nowMs / 1000, undefined);
    const unknown = result.ok ? revocationFault(exchange.correlationId) : undefined;
    publish(policyName, exchange, result, result.ok ? unknown?.message : FAULT_STRING);
    if (!result.ok)
      return refuse(exchange, result.claim === undefined ? result.code : `${result.code} ${result.claim}`);
    if (unknown !== undefined) return unknown;
    admit(exchange, result.jwt.claims['sub']);
    return undefined;
  };
}
