/** The deployment errors of Google's page of VerifyJWT, all of them. */
export const OF_THE_PAGE = [
  'InvalidNameForAdditionalClaim',
  'InvalidTypeForAdditionalClaim',
  'MissingNameForAdditionalClaim',
  'InvalidNameForAdditionalHeader',
  'InvalidTypeForAdditionalHeader',
  'InvalidValueOfArrayAttribute',
  'InvalidValueForElement',
  'MissingConfigurationElement',
  'InvalidKeyConfiguration',
  'EmptyElementForKeyConfiguration',
  'InvalidConfigurationForVerify',
  'InvalidEmptyElement',
  'InvalidPublicKeyValue',
  'InvalidConfigurationForActionAndAlgorithm',
] as const;
/** Those of its sister pages that a VerifyJWT can make (`verify-jwt.md` part 5). */
export const OF_SISTERS = [
  'InvalidVariableNameForSecret',
  'InvalidSecretInConfig',
  'InvalidTimeFormat',
  'InvalidFamiliesForAlgorithm',
  'MissingNameForAdditionalHeader',
  'InvalidConfiguration',
] as const;
