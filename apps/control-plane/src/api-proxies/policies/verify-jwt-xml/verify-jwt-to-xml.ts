import type {
  EncryptedTokens,
  ListOrRef,
  PublicKeyElement,
  TextOrRef,
  VerifyJwtContract,
} from '#libs/policy-contracts';
import { propertyName } from './gatewarden-properties.ts';
import { writeXml, type XmlOutput } from './write-xml.ts';

/** None or one element, to be spread into a list. */
type Optional = readonly XmlOutput[];

const textElement = (name: string, text: string | undefined): Optional =>
  text === undefined ? [] : [{ name, content: text }];

function textOrRef(name: string, element: TextOrRef | undefined, more: XmlOutput['attributes'] = {}): Optional {
  if (element === undefined) return [];
  return [{ name, attributes: { ref: element.ref, ...more }, content: element.value ?? '' }];
}

const listOrRef = (name: string, element: ListOrRef | undefined): Optional =>
  textOrRef(name, element && { ref: element.ref, value: element.value?.join(',') });

const flag = (name: string, isSet: boolean): Optional => (isSet ? [{ name, content: 'true' }] : []);

function secretKey(key: VerifyJwtContract['secretKey']): Optional {
  if (key === undefined) return [];
  const value = { name: 'Value', attributes: { ref: key.ref } };
  return [{ name: 'SecretKey', attributes: { encoding: key.encoding }, content: [value] }];
}

function publicKey(key: PublicKeyElement | undefined): Optional {
  if (key === undefined) return [];
  const { uri, uriRef } = key.jwks ?? {};
  const content = [
    ...textOrRef('Value', key.value),
    ...textOrRef('Certificate', key.certificate),
    ...textOrRef('JWKS', key.jwks, { uri, uriRef }),
  ];
  return [{ name: 'PublicKey', content }];
}

function privateKey(key: EncryptedTokens['privateKey']): Optional {
  if (key === undefined) return [];
  const { ref, passwordRef } = key;
  const password = passwordRef === undefined ? [] : [{ name: 'Password', attributes: { ref: passwordRef } }];
  return [{ name: 'PrivateKey', content: [...password, { name: 'Value', attributes: { ref } }] }];
}

const amount = (name: string, value: number | undefined): Optional =>
  textElement(name, value === undefined ? undefined : String(value));

function passwordKey(key: EncryptedTokens['passwordKey']): Optional {
  if (key === undefined) return [];
  const content = [
    { name: 'Value', attributes: { ref: key.ref } },
    ...amount('SaltLength', key.saltLength),
    ...amount('PBKDF2Iterations', key.pbkdf2Iterations),
  ];
  return [{ name: 'PasswordKey', content }];
}

function directKey(key: EncryptedTokens['directKey']): Optional {
  if (key === undefined) return [];
  const { encoding, ref } = key;
  return [{ name: 'DirectKey', content: [{ name: 'Value', attributes: { encoding, ref } }] }];
}

function keysOf(policy: VerifyJwtContract): Optional {
  const secret = secretKey(policy.secretKey);
  if (policy.jwtType === 'Signed') return [...secret, ...publicKey(policy.publicKey)];
  return [
    ...secret,
    ...privateKey(policy.privateKey),
    ...passwordKey(policy.passwordKey),
    ...directKey(policy.directKey),
  ];
}

function algorithms(policy: VerifyJwtContract): Optional {
  if (policy.jwtType === 'Signed') return textElement('Algorithm', policy.algorithm.join(','));
  const { key, content } = policy.algorithms;
  return [{ name: 'Algorithms', content: [...textElement('Key', key), ...textElement('Content', content)] }];
}

function members(name: string, expected: VerifyJwtContract['additionalClaims']): Optional {
  if (expected === undefined) return [];
  const content = expected.claims.map((claim): XmlOutput => ({
    name: 'Claim',
    attributes: {
      name: claim.name,
      ref: claim.ref,
      type: claim.type === 'string' ? undefined : claim.type,
      array: claim.array ? 'true' : undefined,
    },
    content: claim.value ?? '',
  }));
  return [{ name, attributes: { ref: expected.ref }, content }];
}

function maxLifespan(element: VerifyJwtContract['maxLifespan']): Optional {
  return textOrRef('MaxLifespan', element, { useIssueTime: element?.useIssueTime === true ? 'true' : undefined });
}

function properties(policy: VerifyJwtContract): Optional {
  const { description, condition, forwardVariables, allowedJwksHosts, cacheVerifiedTokens } = policy;
  const texts = {
    description,
    condition,
    forwardVariables: forwardVariables.length === 0 ? undefined : JSON.stringify(forwardVariables),
    allowedJwksHosts: allowedJwksHosts === undefined ? undefined : JSON.stringify(allowedJwksHosts),
    cacheVerifiedTokens: cacheVerifiedTokens === undefined ? undefined : String(cacheVerifiedTokens),
  };
  const content = Object.entries(texts).flatMap(([member, text]): Optional => {
    if (text === undefined) return [];
    return [{ name: 'Property', attributes: { name: propertyName(member) }, content: text }];
  });
  return content.length === 0 ? [] : [{ name: 'Properties', content }];
}

/** A policy as Apigee's VerifyJWT document, its elements in Apigee's order. Read again it is the same policy. */
export function verifyJwtToXml(policyName: string, policy: VerifyJwtContract): string {
  return writeXml({
    name: 'VerifyJWT',
    attributes: {
      name: policyName,
      enabled: String(policy.active),
      continueOnError: String(policy.continueOnError),
    },
    content: [
      ...textElement('DisplayName', policy.displayName),
      ...textElement('Type', policy.jwtType),
      ...algorithms(policy),
      ...textElement('Source', policy.source),
      ...flag('IgnoreUnresolvedVariables', policy.ignoreUnresolvedVariables),
      ...keysOf(policy),
      ...textOrRef('Subject', policy.subject),
      ...textOrRef('Issuer', policy.issuer),
      ...textOrRef('Audience', policy.audience),
      ...textOrRef('Id', policy.id),
      ...members('AdditionalClaims', policy.additionalClaims),
      ...members('AdditionalHeaders', policy.additionalHeaders),
      ...listOrRef('RequiredClaims', policy.requiredClaims),
      ...listOrRef('KnownHeaders', policy.knownHeaders),
      ...flag('IgnoreCriticalHeaders', policy.ignoreCriticalHeaders),
      ...flag('IgnoreIssuedAt', policy.ignoreIssuedAt),
      ...textOrRef('TimeAllowance', policy.timeAllowance),
      ...maxLifespan(policy.maxLifespan),
      ...properties(policy),
    ],
  });
}
