export { audienceOf } from './auth-jwt/audience.ts';
export { TOKEN_PARAMETER } from './auth-jwt/link-auth-jwt.ts';
export {
  type AccessTokenClaims,
  type AccessTokenTerms,
  type IssuedAccessToken,
  type LinkedIssuer,
} from './auth-jwt/link-issuer.ts';
export { type PublicKey } from './auth-jwt/public-keys.ts';
export { parseCondition, type ParsedCondition, type VariableLookup } from './conditions/parse-condition.ts';
export { compileVariable, isBuiltInVariable, type VariableReader } from './exchange/compile-variable.ts';
export { envelopeFault } from './exchange/envelope-fault.ts';
export { Exchange, type TokenVariables } from './exchange/exchange.ts';
export { type Fault } from './exchange/fault.ts';
export {
  type ExchangeRequest,
  type ExchangeResponse,
  type ServedProxy,
  type VariableValue,
} from './exchange/variable-source.ts';
export {
  type CredentialStanding,
  type CredentialStandings,
  type CredentialUse,
  type KeySet,
  type KeySets,
  type LinkFault,
  type LinkOptions,
  type PolicyOfProxy,
  type PolicyVerdicts,
  type RevocationKnowledge,
} from './linking/link-context.ts';
export { templateVariables } from './linking/message-template.ts';
export { type EndpointMatch } from './pipeline/endpoint-matcher.ts';
export { linkProxy, type ErrorBodies, type LinkedProxy, type LinkOutcome } from './pipeline/link-proxy.ts';
export { type LinkedRoute } from './pipeline/link-route.ts';
export { POLICY_LINKERS } from './pipeline/policy-linkers.ts';
export { environmentVariablesOf } from './pipeline/referenced-variables.ts';
