import type { XmlElement } from './read-xml.ts';

export type Members = Record<string, unknown>;

const filled = (text: string | undefined): string | undefined => {
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
};

/** `true` and `false`; anything else stays the text it is, and the contract refuses it by name. */
export function flagOf(text: string | undefined): boolean | string | undefined {
  const trimmed = text?.trim();
  return trimmed === 'true' || trimmed === 'false' ? trimmed === 'true' : trimmed;
}

const amountOf = (text: string | undefined): number | string | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : text;

export const childOf = (element: XmlElement, name: string): XmlElement | undefined =>
  element.children.find((child) => child.name === name);

const trimmedText = (element: XmlElement): string => element.text.trim();
const textOrRef = (element: XmlElement) => ({ value: filled(element.text), ref: element.attributes.get('ref') });
const emptyFlag = (element: XmlElement) => flagOf(filled(element.text));

function membersElement(element: XmlElement): Members {
  const children = element.children.filter(({ name }) => name === 'Claim');
  const claims = children.map(({ attributes, text }) => ({
    name: attributes.get('name'),
    ref: attributes.get('ref'),
    value: filled(text),
    type: attributes.get('type')?.trim(),
    array: flagOf(attributes.get('array')),
  }));
  return { ref: element.attributes.get('ref'), claims };
}

/** A key whose `Value` holds a reference: without `Value` no member at all, with an empty one an empty `ref`. */
function referenceOf(element: XmlElement): Members {
  const value = childOf(element, 'Value');
  const id = childOf(element, 'Id') === undefined ? {} : { id: true };
  if (value === undefined) return id;
  const literal = filled(value.text);
  const ref = value.attributes.get('ref') ?? (literal === undefined ? '' : undefined);
  return { ...id, ref, ...(literal === undefined ? {} : { value: literal }) };
}

function publicKeyOf(element: XmlElement): Members {
  const jwks = childOf(element, 'JWKS');
  const child = (name: string) => {
    const found = childOf(element, name);
    return found === undefined ? undefined : textOrRef(found);
  };
  return {
    value: child('Value'),
    certificate: child('Certificate'),
    jwks: jwks && { ...textOrRef(jwks), uri: jwks.attributes.get('uri'), uriRef: jwks.attributes.get('uriRef') },
  };
}

function privateKeyOf(element: XmlElement): Members {
  const password = childOf(element, 'Password');
  const literal = filled(password?.text);
  return {
    ...referenceOf(element),
    passwordRef: password?.attributes.get('ref') ?? (password !== undefined && literal === undefined ? '' : undefined),
    ...(literal === undefined ? {} : { password: literal }),
  };
}

const textIn = (element: XmlElement, name: string): string | undefined => filled(childOf(element, name)?.text);

/** How each element becomes the member of the JSON form (contract 4.1). `DisplayName` to `MaxLifespan` of `verify-jwt.md`. */
export const MEMBER_READERS: Readonly<Record<string, (element: XmlElement) => Members>> = {
  DisplayName: (element) => ({ displayName: element.text }),
  Type: (element) => ({ jwtType: filled(element.text) }),
  Algorithm: (element) => ({ algorithm: trimmedText(element) }),
  Algorithms: (element) => ({ algorithms: { key: textIn(element, 'Key'), content: textIn(element, 'Content') } }),
  Source: (element) => ({ source: trimmedText(element) }),
  SecretKey: (element) => ({
    secretKey: { encoding: element.attributes.get('encoding'), ...referenceOf(element) },
  }),
  PublicKey: (element) => ({ publicKey: publicKeyOf(element) }),
  PrivateKey: (element) => ({ privateKey: privateKeyOf(element) }),
  PasswordKey: (element) => ({
    passwordKey: {
      ...referenceOf(element),
      saltLength: amountOf(textIn(element, 'SaltLength')),
      pbkdf2Iterations: amountOf(textIn(element, 'PBKDF2Iterations')),
    },
  }),
  DirectKey: (element) => ({
    directKey: { encoding: childOf(element, 'Value')?.attributes.get('encoding'), ...referenceOf(element) },
  }),
  Subject: (element) => ({ subject: textOrRef(element) }),
  Issuer: (element) => ({ issuer: textOrRef(element) }),
  Audience: (element) => ({ audience: textOrRef(element) }),
  Id: (element) => ({ id: textOrRef(element) }),
  AdditionalClaims: (element) => ({ additionalClaims: membersElement(element) }),
  AdditionalHeaders: (element) => ({ additionalHeaders: membersElement(element) }),
  RequiredClaims: (element) => ({ requiredClaims: textOrRef(element) }),
  KnownHeaders: (element) => ({ knownHeaders: textOrRef(element) }),
  IgnoreCriticalHeaders: (element) => ({ ignoreCriticalHeaders: emptyFlag(element) }),
  IgnoreIssuedAt: (element) => ({ ignoreIssuedAt: emptyFlag(element) }),
  IgnoreUnresolvedVariables: (element) => ({ ignoreUnresolvedVariables: emptyFlag(element) }),
  TimeAllowance: (element) => ({ timeAllowance: textOrRef(element) }),
  MaxLifespan: (element) => ({
    maxLifespan: { ...textOrRef(element), useIssueTime: flagOf(element.attributes.get('useIssueTime')) },
  }),
};
