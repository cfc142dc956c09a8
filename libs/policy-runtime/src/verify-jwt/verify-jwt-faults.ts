import type { JwtRefusal, JwtRefusalCode } from '#libs/jwt-engine';
import type { Fault } from '../exchange/fault.ts';

/** Last parts of `steps.jwt.…` and the words of their texts; Apigee's own are inconsistent, and kept (`verify-jwt.md` 4.2). */
const FAULT_WORDS = {
  AlgorithmInTokenNotPresentInConfiguration:
    'Algorithm in header did not match any algorithm specified in Configuration:',
  AlgorithmMismatch: 'Algorithm in header did not match any algorithm specified in Configuration:',
  FailedToDecode: 'Failed to Decode Token:',
  FailedToResolveVariable: 'Failed to Resolve Variable :',
  InsufficientKeyLength: 'Insufficient Key Length:',
  InvalidClaim: 'Invalid Claim:',
  InvalidConfiguration: 'Invalid Configuration:',
  InvalidCurve: 'Invalid Curve:',
  InvalidIterationCount: 'Invalid Iteration Count:',
  InvalidJsonFormat: 'Invalid Json Format:',
  InvalidKeyConfiguration: 'Invalid Key Configuration:',
  InvalidPasswordKey: 'Invalid Password Key:',
  InvalidPrivateKey: 'Invalid Private Key:',
  InvalidPublicKey: 'Invalid Public Key:',
  InvalidSaltLength: 'Invalid Salt Length:',
  InvalidSecretKey: 'Invalid Secret Key:',
  InvalidToken: 'Invalid token:',
  JwtAudienceMismatch: 'Jwt Audience Mismatch:',
  JwtIssuerMismatch: 'Jwt Issuer Mismatch:',
  JwtSubjectMismatch: 'Jwt Subject Mismatch:',
  KeyIdMissing: 'Key Id Missing in Header:',
  KeyParsingFailed: 'Key Parsing Failed:',
  NoAlgorithmFoundInHeader: 'No Algorithm Found in Header:',
  NoMatchingPublicKey: 'No matching public key:',
  TokenExpired: 'The Token has expired:',
  TokenNotYetValid: 'The Token is not yet valid:',
  UnhandledCriticalHeader: 'Unhandled Critical Header:',
  UnknownException: 'Unknown Exception:',
  WrongKeyType: 'Wrong Key Type:',
} as const;

export type VerifyJwtFaultName = keyof typeof FAULT_WORDS;
export const VERIFY_JWT_FAULT_NAMES = Object.keys(FAULT_WORDS) as readonly VerifyJwtFaultName[];

export interface FaultRules {
  readonly policyName: string;
  readonly faultCodes: 'documented' | 'observed';
  /** Whether the policy allows just one algorithm; the code of a wrong one differs. */
  readonly hasOneAlgorithm: boolean;
}

/** A token's own words in an answer and in logs are cut: the token may be 16 KiB of them. */
const LONGEST_ECHO = 64;
/** Names of claims may be addresses; those that a variable demands may be of any length. */
const LONGEST_CLAIM = 255;
const echo = (text: string, longest = LONGEST_ECHO): string =>
  text.length > longest ? `${text.slice(0, longest)}…` : text;

const DOCUMENTED_MISMATCH: ReadonlyMap<string | undefined, VerifyJwtFaultName> = new Map([
  ['iss', 'JwtIssuerMismatch'],
  ['sub', 'JwtSubjectMismatch'],
  ['aud', 'JwtAudienceMismatch'],
]);

type NameOf = (refusal: JwtRefusal, rules: FaultRules) => VerifyJwtFaultName;

const malformed: NameOf = (_refusal, { faultCodes }) =>
  faultCodes === 'documented' ? 'FailedToDecode' : 'InvalidToken';
const mismatch: NameOf = ({ claim }, { faultCodes }) =>
  (faultCodes === 'documented' ? DOCUMENTED_MISMATCH.get(claim) : undefined) ?? 'InvalidClaim';
const wrongAlgorithm: NameOf = ({ algorithm }, { hasOneAlgorithm }) =>
  hasOneAlgorithm || algorithm === 'none' ? 'AlgorithmMismatch' : 'AlgorithmInTokenNotPresentInConfiguration';

/** The engine's codes as Apigee's. A code without a line here does not compile. */
const NAMES: Readonly<Record<JwtRefusalCode, VerifyJwtFaultName | NameOf>> = {
  MalformedToken: malformed,
  InvalidJsonFormat: 'InvalidJsonFormat',
  NoAlgorithmInHeader: 'NoAlgorithmFoundInHeader',
  AlgorithmNotAllowed: wrongAlgorithm,
  UnhandledCriticalHeader: 'UnhandledCriticalHeader',
  InvalidSignature: 'InvalidToken',
  DecryptionFailed: 'InvalidToken',
  InvalidSaltLength: 'InvalidSaltLength',
  InvalidIterationCount: 'InvalidIterationCount',
  TokenExpired: 'TokenExpired',
  TokenNotYetValid: 'TokenNotYetValid',
  ClaimMismatch: mismatch,
  WrongTokenType: 'InvalidToken',
  KeyIdMissing: 'KeyIdMissing',
  NoMatchingPublicKey: 'NoMatchingPublicKey',
  KeyParsingFailed: 'KeyParsingFailed',
  WrongKeyType: 'WrongKeyType',
  InvalidCurve: 'InvalidCurve',
  InsufficientKeyLength: 'InsufficientKeyLength',
  InvalidSecretKey: 'InvalidSecretKey',
  InvalidPublicKey: 'InvalidPublicKey',
  InvalidPrivateKey: 'InvalidPrivateKey',
  InvalidPasswordKey: 'InvalidPasswordKey',
  InvalidKeyConfiguration: 'InvalidKeyConfiguration',
  UnresolvedReference: 'FailedToResolveVariable',
};

/** What the text names after the policy. A header's mismatch is reported as a claim's: Apigee has one code for both. */
function detailOf({ code, claim, header, algorithm, reference }: JwtRefusal): string {
  if (claim !== undefined) return ` claim(${echo(claim, LONGEST_CLAIM)})`;
  if (header !== undefined)
    return code === 'ClaimMismatch' ? ` claim(${echo(header, LONGEST_CLAIM)})` : ` header(${echo(header)})`;
  if (algorithm !== undefined) return ` algorithm(${echo(algorithm)})`;
  return reference === undefined ? '' : ` variable(${reference})`;
}

const HEADERS = [['Content-Type', 'application/json']] as const;

/** HTTP 401 and Apigee's envelope (`verify-jwt.md` 4.1). `detail` is the text after `policy(P)`. */
export function verifyJwtFault(name: VerifyJwtFaultName, policyName: string, detail = ''): Fault {
  const faultstring = `${FAULT_WORDS[name]} policy(${policyName})${detail}`;
  const body = JSON.stringify({ fault: { faultstring, detail: { errorcode: `steps.jwt.${name}` } } });
  return { status: 401, headers: HEADERS, body, name, policy: policyName, reason: faultstring, message: faultstring };
}

/** Turns refusals into faults; those without a detail are made once. */
export function compileFaults(rules: FaultRules): (refusal: JwtRefusal) => Fault {
  const constants = new Map<VerifyJwtFaultName, Fault>();
  return (refusal) => {
    const named = NAMES[refusal.code];
    const name = typeof named === 'function' ? named(refusal, rules) : named;
    const detail = detailOf(refusal);
    if (detail !== '') return verifyJwtFault(name, rules.policyName, detail);
    const known = constants.get(name);
    if (known !== undefined) return known;
    const made = verifyJwtFault(name, rules.policyName);
    constants.set(name, made);
    return made;
  };
}
