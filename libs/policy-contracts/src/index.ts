export {
  AUTH_JWT_ALGORITHMS,
  AUTH_JWT_DEFAULTS,
  AUTH_JWT_SCHEMA,
  GRANT_TYPES,
  REVOCATION_CHECKS,
  accessTokenLifeMs,
  loginLifeMs,
  parseAuthJwt,
  refreshTokenLifeMs,
  type AuthJwtContract,
} from './auth-jwt.contract.ts';
export {
  DEPLOY_STRATEGY_SCHEMA,
  environmentsInWaves,
  listContradicts,
  type DeployStrategy,
} from './deploy-strategy.ts';
export { documentFaults, isDocumentText } from './document-text.ts';
export {
  ERROR_TEMPLATE_PLACEHOLDERS,
  ERROR_TEMPLATE_VARIABLES,
  compileErrorTemplate,
  makesJson,
  unknownTemplateVariables,
  type ErrorTemplateKind,
  type ErrorTemplateValues,
  type ErrorTemplateVariable,
} from './error-template.ts';
export {
  parseClientRecord,
  parseCredentialRecord,
  type ClientRecord,
  type CredentialAccess,
  type CredentialRecord,
} from './identity-records.ts';
export {
  NO_KEY_SET_ORDERS,
  PUBLISHED_KEYS_MAX_AGE_SECONDS,
  lastFlushOf,
  parseKeySetOrders,
  type KeySetOrders,
} from './key-set-orders.ts';
export { optional, withDefault, wholeNumber } from './nullable-fields.ts';
export { normalisePath } from './normalise-path.ts';
export {
  DELETION_METADATA_SCHEMA,
  ENDPOINT_METHODS,
  OPERATION_METADATA_SCHEMA,
  TARGET_PIPELINES,
  TARGET_SCOPES,
  environmentNamesIn,
  parseDeletionMetadata,
  parseOperationMetadata,
  type DeletionMetadata,
  type EndpointMethod,
  type OperationMetadata,
  type PolicyPlace,
  type TargetPipeline,
} from './operation-metadata.ts';
export { HEADER_NAME, policyBaseFields, type PolicyBase } from './policy-base.ts';
export { POLICY_TYPES, parsePolicy, parseSentPolicy, type PolicyContract, type PolicyType } from './policy-contract.ts';
export {
  LOAD_BALANCE_ALGORITHMS,
  parseProxyArtifact,
  type ArtifactCors,
  type ArtifactEndpoint,
  type ArtifactEnvironment,
  type ArtifactErrorTemplate,
  type ArtifactHeaderRule,
  type ArtifactPipelines,
  type ArtifactRoute,
  type ArtifactSigningKeys,
  type ArtifactUpstream,
  type ArtifactVariable,
  type LoadBalanceAlgorithm,
  type PlacedPolicy,
  type ProxyArtifact,
} from './proxy-artifact.ts';
export { RAISE_FAULT_SCHEMA, parseRaiseFault, type RaiseFaultContract } from './raise-fault.contract.ts';
export { createPasswordVerifier, createSecretVerifier, verifyPassword, verifySecret } from './secret-verifier.ts';
export { LONGEST_DURATION_MS, TIME_UNITS, TIME_UNIT_MS, durationMs, type TimeUnit } from './time-units.ts';
export {
  faultsOf,
  parseWith,
  pathStep,
  type ContractWarning,
  type Parsed,
  type ValidationFault,
} from './validation-fault.ts';
export {
  parseVerifyJwt,
  type EncryptedTokens,
  type SignedTokens,
  type VerifyJwtContract,
} from './verify-jwt.contract.ts';
export { VERIFY_JWT_SCHEMA } from './verify-jwt-schema.ts';
export { timeSpanSeconds, type ListOrRef, type TextOrRef } from './verify-jwt-elements.ts';
export {
  type DirectKeyElement,
  type EncryptionAlgorithms,
  type PasswordKeyElement,
  type PrivateKeyElement,
} from './verify-jwt-decryption-keys.ts';
export { CERTIFICATE_PEM, type JwksElement, type PublicKeyElement } from './verify-jwt-keys.ts';
export { type SecretKeyElement } from './verify-jwt-secrets.ts';
export { type ExpectedMember, type ExpectedMembers, type MemberType } from './verify-jwt-members.ts';
