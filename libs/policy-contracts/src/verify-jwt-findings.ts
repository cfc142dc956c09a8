import type { PolicyOrigin } from './policy-base.ts';
import type { ContractWarning, ValidationFault } from './validation-fault.ts';

/** Apigee's deployment errors and the words of their texts (`verify-jwt.md` part 5). */
const DEPLOYMENT_ERRORS = {
  EmptyElementForKeyConfiguration: 'Empty element for key configuration',
  InsufficientKeyLength: 'Insufficient key length',
  InsecureKeySource: 'Insecure key source',
  InvalidConfiguration: 'Invalid configuration',
  InvalidConfigurationForActionAndAlgorithm: 'Invalid configuration for action and algorithm',
  InvalidConfigurationForVerify: 'Invalid configuration for verify',
  InvalidCurve: 'Invalid curve',
  InvalidEmptyElement: 'Invalid empty element',
  InvalidFamiliesForAlgorithm: 'Invalid families for algorithm',
  InvalidKeyConfiguration: 'Invalid key configuration',
  InvalidNameForAdditionalClaim: 'Invalid name for additional claim',
  InvalidNameForAdditionalHeader: 'Invalid name for additional header',
  InvalidPublicKey: 'Invalid public key',
  InvalidPublicKeyValue: 'Invalid public key value',
  InvalidSecretInConfig: 'Invalid secret in config',
  InvalidTimeFormat: 'Invalid time format',
  InvalidTypeForAdditionalClaim: 'Invalid type for additional claim',
  InvalidTypeForAdditionalHeader: 'Invalid type for additional header',
  InvalidValueForElement: 'Invalid value for element',
  InvalidValueOfArrayAttribute: 'Invalid value of array attribute',
  InvalidVariableNameForSecret: 'Invalid variable name for secret',
  KeyParsingFailed: 'Key parsing failed',
  MissingConfigurationElement: 'Missing configuration element',
  MissingNameForAdditionalClaim: 'Missing name for additional claim',
  MissingNameForAdditionalHeader: 'Missing name for additional header',
  WrongKeyType: 'Wrong key type',
} as const;

export type DeploymentErrorName = keyof typeof DEPLOYMENT_ERRORS;
export const isDeploymentErrorName = (name: string): name is DeploymentErrorName =>
  Object.hasOwn(DEPLOYMENT_ERRORS, name);

/** What the text names beside the policy: `claim(iss)`, `element(Source)`. */
export interface Culprit {
  readonly kind: 'claim' | 'header' | 'element';
  readonly name: string;
}

/** Collects everything wrong and everything risky in one policy; `field` is relative to the policy. */
export class VerifyJwtFindings {
  readonly faults: ValidationFault[] = [];
  readonly warnings: ContractWarning[] = [];
  readonly origin: PolicyOrigin;
  private readonly policyName: string | undefined;

  constructor(policyName: string | undefined, origin: PolicyOrigin) {
    this.policyName = policyName;
    this.origin = origin;
  }

  /**
   * An Apigee deployment error, in its text form: `Invalid empty element : policy(P) element(Source).` A hint of ours
   * follows the full stop.
   */
  refuse(name: DeploymentErrorName, field: string, culprit?: Culprit, hint?: string): void {
    const parts = [];
    if (this.policyName !== undefined) parts.push(`policy(${this.policyName})`);
    if (culprit !== undefined) parts.push(`${culprit.kind}(${culprit.name})`);
    const words = DEPLOYMENT_ERRORS[name];
    const text = parts.length === 0 ? `${words}.` : `${words} : ${parts.join(' ')}.`;
    const message = hint === undefined ? text : `${text} ${hint}`;
    this.faults.push({ field: `policy.${field}`, code: name, message });
  }

  warn(field: string, message: string): void {
    this.warnings.push({ field: `policy.${field}`, message });
  }
}
