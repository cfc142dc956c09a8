import { refusal, type VerifyResult } from '#libs/jwt-engine';
import type { AuthJwtContract } from '#libs/policy-contracts';
import { envelopeFault } from '../exchange/envelope-fault.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fault } from '../exchange/fault.ts';
import type { LinkContext } from '../linking/link-context.ts';
import { whenAnswered, type Step } from '../linking/step.ts';
import { setUpstreamHeader } from '../linking/upstream-header.ts';
import { tokenVariables } from '../tokens/token-variables.ts';
import { compileAccessTokenVerifier } from './access-token-verifier.ts';
import { linkAuthJwtKeys } from './auth-jwt-keys.ts';
import { linkCredentialCheck } from './credential-check.ts';
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
  const lines = exchange.headerLines('authorization') ?? [];
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
  const memory = contract.cacheVerifiedTokens === false ? undefined : options.verifiedTokens;
  const verify = compileAccessTokenVerifier(contract, context, keys, memory);
  const revocationFault = linkRevocationCheck(contract, context);
  const { allowUrlParameters, addUserToHeader, userHeaderName, clearAuth } = contract;

  const refuse = (exchange: Exchange, reason: string) => authJwtFault(policyName, exchange.correlationId, reason);
  const credentialFault = linkCredentialCheck(contract, context, refuse);
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
    if (!result.ok) {
      publish(policyName, exchange, result, FAULT_STRING);
      return refuse(exchange, result.claim === undefined ? result.code : `${result.code} ${result.claim}`);
    }
    const { claims } = result.jwt;
    // What is known to be revoked is refused as that, however long ago it was known.
    const isRevoked = options.revocations?.isRevoked(claims) === true;
    const stopped = isRevoked ? refuse(exchange, 'revoked') : revocationFault(exchange.correlationId);
    return whenAnswered(stopped ?? credentialFault(exchange, claims, nowMs), (fault) => {
      publish(policyName, exchange, result, fault?.message);
      if (fault === undefined) admit(exchange, claims['sub']);
      return fault;
    });
  };
}
