/** What one element of a VerifyJWT document may hold (`verify-jwt.md` part 3), and where its faults belong in JSON. */
export interface ElementShape {
  /** Path step in the JSON form, relative to the parent's; undefined: the parent's own path. */
  readonly member?: string;
  readonly attributes?: readonly string[];
  readonly children?: Readonly<Record<string, ElementShape>>;
  /** Text may stand in it. */
  readonly text?: boolean;
  /** May stand there several times. */
  readonly repeats?: boolean;
  /** Empty it checks nothing, and the contract would not know that it was there. */
  readonly isCheck?: boolean;
  /** Code of the fault when one of its children stands there twice; `duplicate_element` when left out. */
  readonly repeatedChild?: string;
  /** Each of its children is a check, so that none may be passed over. */
  readonly holdsChecks?: boolean;
  /** To write it in another way loses nothing. */
  readonly isLabel?: boolean;
  /** Apigee ignores it: whatever it holds is passed over. */
  readonly ignored?: boolean;
}

const text = (member: string): ElementShape => ({ member, text: true });
const textOrRef = (member?: string, ...more: readonly string[]): ElementShape => ({
  ...(member === undefined ? {} : { member }),
  text: true,
  attributes: ['ref', ...more],
});
const check = (member: string): ElementShape => ({ member, text: true, isCheck: true });
const ignored = (member: string): ElementShape => ({ member, ignored: true, repeats: true });

const CLAIM: ElementShape = { ...textOrRef('claims', 'name', 'type', 'array'), repeats: true };
const members = (member: string): ElementShape => ({
  member,
  attributes: ['ref'],
  children: { Claim: CLAIM },
  holdsChecks: true,
});

/** `Id` stands in published policies; what it means is decided where keys are read. */
const KEY_ID: ElementShape = { ...textOrRef('id') };

export const VERIFY_JWT_SHAPE: ElementShape = {
  attributes: ['name', 'enabled', 'continueOnError', 'async'],
  repeatedChild: 'InvalidValueForElement',
  children: {
    DisplayName: { ...text('displayName'), isLabel: true },
    Type: text('jwtType'),
    Algorithm: text('algorithm'),
    Algorithms: { member: 'algorithms', children: { Key: text('key'), Content: check('content') } },
    Source: text('source'),
    SecretKey: { member: 'secretKey', attributes: ['encoding'], children: { Value: textOrRef(), Id: KEY_ID } },
    PublicKey: {
      member: 'publicKey',
      repeatedChild: 'InvalidKeyConfiguration',
      children: {
        Value: textOrRef('value'),
        Certificate: textOrRef('certificate'),
        JWKS: textOrRef('jwks', 'uri', 'uriRef'),
        Id: ignored('id'),
      },
    },
    PrivateKey: { member: 'privateKey', children: { Value: textOrRef(), Password: textOrRef(), Id: KEY_ID } },
    PasswordKey: {
      member: 'passwordKey',
      children: {
        Value: textOrRef(),
        SaltLength: check('saltLength'),
        PBKDF2Iterations: check('pbkdf2Iterations'),
        Id: KEY_ID,
      },
    },
    DirectKey: { member: 'directKey', children: { Value: textOrRef(undefined, 'encoding'), Id: KEY_ID } },
    Subject: textOrRef('subject'),
    Issuer: textOrRef('issuer'),
    Audience: textOrRef('audience'),
    Id: textOrRef('id'),
    AdditionalClaims: members('additionalClaims'),
    AdditionalHeaders: members('additionalHeaders'),
    RequiredClaims: textOrRef('requiredClaims'),
    KnownHeaders: textOrRef('knownHeaders'),
    IgnoreCriticalHeaders: text('ignoreCriticalHeaders'),
    IgnoreIssuedAt: text('ignoreIssuedAt'),
    IgnoreUnresolvedVariables: text('ignoreUnresolvedVariables'),
    TimeAllowance: textOrRef('timeAllowance'),
    MaxLifespan: textOrRef('maxLifespan', 'useIssueTime'),
    Properties: { children: { Property: { text: true, attributes: ['name'], repeats: true } } },
    CustomClaims: ignored('customClaims'),
    CustomHeaders: ignored('customHeaders'),
    ExpiresIn: ignored('expiresIn'),
    FaultRules: ignored('faultRules'),
    IgnoreCriticalExtensions: ignored('ignoreCriticalExtensions'),
    IncludeTyp: ignored('includeTyp'),
  },
};

function placesIn(parent: string, { children = {} }: ElementShape): (readonly [name: string, parent: string])[] {
  return Object.entries(children)
    .filter(([, { ignored: isIgnored, isLabel }]) => isIgnored !== true && isLabel !== true)
    .flatMap(([name, shape]) => [[name, parent] as const, ...placesIn(name, shape)]);
}

/** Where each element that has an effect may stand. */
export const PLACES_OF_ELEMENTS: ReadonlyMap<string, readonly string[]> = placesIn(
  'VerifyJWT',
  VERIFY_JWT_SHAPE,
).reduce(
  (places, [name, parent]) => places.set(name, [...(places.get(name) ?? []), parent]),
  new Map<string, readonly string[]>(),
);

/** Members that are no elements of their own. */
const OTHER_PLACES: Readonly<Record<string, string>> = {
  active: 'attribute enabled',
  continueOnError: 'attribute continueOnError',
  name: 'attribute name',
  description: 'Property gatewarden.description',
  condition: 'Property gatewarden.condition',
  forwardVariables: 'Property gatewarden.forwardVariables',
  allowedJwksHosts: 'Property gatewarden.allowedJwksHosts',
  cacheVerifiedTokens: 'Property gatewarden.cacheVerifiedTokens',
};

/** Where in the document a fault's `policy.…` path leads: `element AdditionalClaims/Claim`. */
export function placeOf(field: string): string | undefined {
  const [, first = '', ...rest] = field.replaceAll(/\[\d+\]/g, '').split('.');
  if (Object.hasOwn(OTHER_PLACES, first)) return OTHER_PLACES[first];
  const names: string[] = [];
  let shape = VERIFY_JWT_SHAPE;
  for (const step of [first, ...rest]) {
    const found = Object.entries(shape.children ?? {}).find(([, child]) => child.member === step);
    if (found === undefined) break;
    names.push(found[0]);
    shape = found[1];
  }
  return names.length === 0 ? undefined : `element ${names.join('/')}`;
}
