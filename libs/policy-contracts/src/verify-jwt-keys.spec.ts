import { JWE_CONTENT_ALGORITHM_NAMES, JWE_KEY_ALGORITHM_NAMES } from '#libs/jwt-engine';
import { parsePolicy, parseSentPolicy } from './policy-contract.ts';
import type { VerifyJwtContract } from './verify-jwt.contract.ts';

const TYPE = { type: 'policy-verify-jwt' };
const ENCRYPTED = { ...TYPE, algorithms: { key: 'RSA-OAEP-256' }, privateKey: { ref: 'private.key' } };
const SIGNED = { ...TYPE, algorithm: 'RS256', publicKey: { value: { ref: 'public.key' } } };

function accepted(policy: object): VerifyJwtContract {
  const parsed = parseSentPolicy(policy, 'P');
  if (!parsed.ok) throw new RangeError(JSON.stringify(parsed.faults));
  return parsed.value as VerifyJwtContract;
}
const faultsOf = (policy: object): string[] => {
  const parsed = parseSentPolicy(policy, 'P');
  return parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`);
};
const messagesOf = (policy: object): string[] => {
  const parsed = parseSentPolicy(policy, 'P');
  return parsed.ok ? [] : parsed.faults.map(({ message }) => message);
};
const warningsOf = (policy: object): string[] => {
  const parsed = parseSentPolicy(policy, 'P');
  return parsed.ok ? parsed.warnings.map(({ field }) => field) : [];
};

const KEY_OF: Readonly<Record<string, string>> = {
  dir: 'directKey',
  'RSA-OAEP-256': 'privateKey',
  ...Object.fromEntries(
    ['A128', 'A192', 'A256'].flatMap((name) => [`${name}KW`, `${name}GCMKW`]).map((name) => [name, 'secretKey']),
  ),
  ...Object.fromEntries(['HS256+A128', 'HS384+A192', 'HS512+A256'].map((name) => [`PBES2-${name}KW`, 'passwordKey'])),
  ...Object.fromEntries(['', '+A128KW', '+A192KW', '+A256KW'].map((name) => [`ECDH-ES${name}`, 'privateKey'])),
};

describe('the key of a policy-verify-jwt for encrypted tokens', () => {
  it.each(JWE_KEY_ALGORITHM_NAMES.map((key) => [key, KEY_OF[key] ?? 'none'] as const))(
    'for %s is %s, and no other',
    (key, needed) => {
      const policy = { ...TYPE, algorithms: { key } };
      const others = ['secretKey', 'privateKey', 'passwordKey', 'directKey', 'publicKey'].filter(
        (name) => name !== needed,
      );
      expect(accepted({ ...policy, [needed]: { ref: 'private.k' } })).toMatchObject({
        jwtType: 'Encrypted',
        algorithms: { key },
        [needed]: { ref: 'private.k' },
      });
      expect(faultsOf(policy)).toEqual([`policy.${needed} MissingConfigurationElement`]);
      for (const other of others) {
        const member = other === 'publicKey' ? { value: { ref: 'v' } } : { ref: 'private.k' };
        expect(faultsOf({ ...policy, [other]: member })).toEqual([
          `policy.${other} InvalidConfigurationForActionAndAlgorithm`,
        ]);
      }
    },
  );

  it('is stored with what is said beside its reference, and is read again as it was', () => {
    const keys = [
      {
        algorithms: { key: 'RSA-OAEP-256', content: 'A128GCM' },
        privateKey: { ref: 'private.k', passwordRef: 'private.p' },
      },
      { algorithms: { key: 'A128KW' }, secretKey: { ref: 'private.k', encoding: 'base64url' } },
      {
        algorithms: { key: 'PBES2-HS256+A128KW' },
        passwordKey: { ref: 'private.k', saltLength: 16, pbkdf2Iterations: 20_000 },
      },
      { algorithms: { key: 'dir' }, directKey: { ref: 'private.k', encoding: 'base16' } },
    ];
    for (const key of keys) {
      const policy = accepted({ ...TYPE, ...key });
      expect(policy).toMatchObject(key);
      expect(parsePolicy(JSON.parse(JSON.stringify(policy)))).toMatchObject({ ok: true, value: policy });
    }
  });

  it.each(JWE_CONTENT_ALGORITHM_NAMES)('may demand the content encryption %s', (content) => {
    expect(accepted({ ...ENCRYPTED, algorithms: { key: ' RSA-OAEP-256 ', content: ` ${content} ` } })).toMatchObject({
      algorithms: { key: 'RSA-OAEP-256', content },
    });
  });

  it.each([
    [{ algorithms: { key: 'RSA-OAEP' } }, 'policy.algorithms.key InvalidValueForElement'],
    [{ algorithms: { key: 'RSA1_5' } }, 'policy.algorithms.key InvalidValueForElement'],
    [{ algorithms: { key: 'rsa-oaep-256' } }, 'policy.algorithms.key InvalidValueForElement'],
    [{ algorithms: { content: 'A128GCM' } }, 'policy.algorithms.key MissingConfigurationElement'],
    [{ algorithms: { key: 'RSA-OAEP-256', content: 'A128' } }, 'policy.algorithms.content InvalidValueForElement'],
    [{ algorithm: 'RS256' }, 'policy.algorithms InvalidConfiguration'],
    [{ jwtType: 'Signed' }, 'policy.jwtType InvalidConfigurationForActionAndAlgorithm'],
    [{ algorithms: null, jwtType: 'Encrypted' }, 'policy.algorithms MissingConfigurationElement'],
    [{ privateKey: {} }, 'policy.privateKey InvalidKeyConfiguration'],
    [{ privateKey: { ref: '' } }, 'policy.privateKey.ref EmptyElementForKeyConfiguration'],
    [{ privateKey: { ref: ' ' } }, 'policy.privateKey.ref EmptyElementForKeyConfiguration'],
    [{ privateKey: { ref: 'key' } }, 'policy.privateKey.ref InvalidVariableNameForSecret'],
    [{ privateKey: { value: 'PEM' } }, 'policy.privateKey.value InvalidSecretInConfig'],
    [{ privateKey: { ref: 'private.k', password: 'hush' } }, 'policy.privateKey.password InvalidSecretInConfig'],
    [
      { privateKey: { ref: 'private.k', passwordRef: '' } },
      'policy.privateKey.passwordRef EmptyElementForKeyConfiguration',
    ],
    [
      { privateKey: { ref: 'private.k', passwordRef: 'p' } },
      'policy.privateKey.passwordRef InvalidVariableNameForSecret',
    ],
  ])('%j is %s', (members, fault) => {
    expect(faultsOf({ ...ENCRYPTED, ...members })).toEqual([fault]);
  });

  it.each([
    ['passwordKey', 'PBES2-HS256+A128KW'],
    ['directKey', 'dir'],
  ])('%s is refused as every secret is', (name, key) => {
    const wrong = (member: object) => faultsOf({ ...TYPE, algorithms: { key }, [name]: member });
    expect(wrong({})).toEqual([`policy.${name} InvalidKeyConfiguration`]);
    expect(wrong({ ref: '' })).toEqual([`policy.${name}.ref EmptyElementForKeyConfiguration`]);
    expect(wrong({ ref: 'k' })).toEqual([`policy.${name}.ref InvalidVariableNameForSecret`]);
    expect(wrong({ ref: 'private.k', value: 'x' })).toEqual([`policy.${name}.value InvalidSecretInConfig`]);
  });

  it('may have an Id, which says nothing, and a warning says so; of a secret key it is refused', () => {
    const withId = { ref: 'private.k', id: 'k1' };
    expect(warningsOf({ ...ENCRYPTED, privateKey: withId })).toEqual(['policy.privateKey.id']);
    expect(accepted({ ...ENCRYPTED, privateKey: withId })).toMatchObject({ privateKey: { ref: 'private.k' } });
    expect(warningsOf({ ...TYPE, algorithms: { key: 'dir' }, directKey: withId })).toEqual(['policy.directKey.id']);
    const password = { ...TYPE, algorithms: { key: 'PBES2-HS256+A128KW' }, passwordKey: withId };
    expect(warningsOf(password)).toEqual(['policy.passwordKey.id']);
    expect(faultsOf({ ...TYPE, algorithms: { key: 'A128KW' }, secretKey: withId })).toEqual([
      'policy.secretKey.id InvalidConfigurationForVerify',
    ]);
  });

  it('has its faults all at once, with Apigee’s texts', () => {
    const policy = {
      ...{ ...TYPE, jwtType: 'Signed', algorithms: { key: 'A128KW', content: 'none' } },
      ...{ secretKey: { id: 'x' }, privateKey: { ref: 'k', password: 'hush' }, source: '' },
    };
    expect(messagesOf(policy)).toEqual([
      'Invalid configuration for action and algorithm : policy(P) element(Algorithm).',
      'Invalid value for element : policy(P) element(Content).',
      'Invalid configuration for action and algorithm : policy(P) element(PrivateKey).',
      'Invalid configuration for verify : policy(P) element(Id).',
      'Invalid key configuration : policy(P) element(SecretKey).',
      'Invalid variable name for secret : policy(P) element(PrivateKey).',
      'Invalid secret in config : policy(P) element(Password).',
      'Invalid empty element : policy(P) element(Source).',
    ]);
    expect(JSON.stringify(messagesOf(policy))).not.toContain('hush');
  });
});

describe('the key of a policy-verify-jwt for signed tokens', () => {
  it.each(['privateKey', 'passwordKey', 'directKey'])('is no %s, whatever the family', (name) => {
    const other = { [name]: { ref: 'private.k' } };
    const fault = `policy.${name} InvalidConfigurationForActionAndAlgorithm`;
    expect(faultsOf({ ...SIGNED, ...other })).toEqual([fault]);
    expect(faultsOf({ ...SIGNED, publicKey: null, ...other })).toEqual([fault]);
    expect(faultsOf({ ...TYPE, algorithm: 'HS256', secretKey: { ref: 'private.k' }, ...other })).toEqual([fault]);
  });

  it('is not looked for where neither algorithm nor algorithms is there', () => {
    expect(faultsOf(TYPE)).toEqual(['policy.algorithm MissingConfigurationElement']);
    expect(messagesOf(TYPE)).toEqual(['Missing configuration element : policy(P) element(Algorithm).']);
    expect(faultsOf({ ...TYPE, jwtType: 'Signed' })).toEqual(['policy.algorithm MissingConfigurationElement']);
  });
});

describe('a key set by its address', () => {
  const withJwks = (jwks: object, members: object = {}) => ({ ...SIGNED, publicKey: { jwks }, ...members });

  it.each([
    'https://idp.example.org/jwks',
    'https://idp.example.org:8443/a/b?tenant=1&x=%20',
    'https://[2001:db8::1]/',
  ])('may be %s', (uri) => {
    expect(accepted(withJwks({ uri: ` ${uri} ` }))).toMatchObject({ publicKey: { jwks: { uri } } });
    expect(warningsOf(withJwks({ uri }))).toEqual([]);
  });

  it('may be http, with a warning', () => {
    expect(warningsOf(withJwks({ uri: 'http://127.0.0.1:9/jwks' }))).toEqual(['policy.publicKey.jwks.uri']);
  });

  it.each([
    ...[
      'jwks.json',
      '/jwks',
      '//idp.example.org',
      'ftp://idp.example.org',
      'file:///etc/passwd',
      'https:idp.example.org',
    ],
    ...[
      'https://',
      'https://user@idp.example.org',
      'https://user:hush@idp.example.org',
      'https://a b/',
      'https://a\n.b/',
    ],
    ...['javascript:alert(1)', 'data:application/json,{}'],
  ])('is not %j', (uri) => {
    expect(faultsOf(withJwks({ uri }))).toEqual(['policy.publicKey.jwks.uri InvalidKeyConfiguration']);
    expect(JSON.stringify(messagesOf(withJwks({ uri })))).not.toContain('hush');
  });

  it('is no template: the fault names the way', () => {
    const policy = withJwks({ uri: 'https://idp.example.org/{organization}/jwks' });
    expect(messagesOf(policy)).toEqual([expect.stringMatching(/^Invalid key configuration : .*uriRef\.$/)]);
  });

  it('is empty by Apigee’s name', () => {
    expect(faultsOf(withJwks({ uri: '' }))).toEqual(['policy.publicKey.jwks.uri EmptyElementForKeyConfiguration']);
    expect(faultsOf(withJwks({ uriRef: ' ' }))).toEqual([
      'policy.publicKey.jwks.uriRef EmptyElementForKeyConfiguration',
    ]);
  });

  it.each([
    { uri: 'https://a.example', uriRef: 'v' },
    { uri: 'https://a.example', ref: 'v' },
    { uriRef: 'v', value: '{"keys":[]}' },
  ])('stands alone: %j', (jwks) => {
    expect(faultsOf(withJwks(jwks))).toEqual(['policy.publicKey.jwks InvalidKeyConfiguration']);
  });

  it.each(['public.jwks_uri', 'private.jwks_uri', 'propertyset.idp.uri', 'jwt.first.claim.iss', 'response.header.jku'])(
    'may be in %s',
    (uriRef) => {
      expect(accepted(withJwks({ uriRef }))).toMatchObject({ publicKey: { jwks: { uriRef } } });
    },
  );
});

const CALLERS = [
  ...['request.header.jku', 'request.queryparam.k', 'request.formparam.k', 'request.content', 'message.content'],
  ...['request.uri', 'proxy.url', 'proxy.pathsuffix', 'proxy.basepath', 'client.ip'],
];

describe('a variable that the caller chooses', () => {
  it.each(CALLERS)('%s is no source of a key', (ref) => {
    const faults = (publicKey: object, members: object = {}) => faultsOf({ ...SIGNED, publicKey, ...members });
    expect(faults({ value: { ref } })).toEqual(['policy.publicKey.value.ref InsecureKeySource']);
    expect(faults({ certificate: { ref } })).toEqual(['policy.publicKey.certificate.ref InsecureKeySource']);
    expect(faults({ jwks: { ref } })).toEqual(['policy.publicKey.jwks.ref InsecureKeySource']);
    expect(faults({ jwks: { uriRef: ref } })).toEqual(['policy.publicKey.jwks.uriRef InsecureKeySource']);
    expect(faults({ jwks: { uriRef: ref } }, { allowedJwksHosts: ['idp.example.org'] })).toEqual([]);
    expect(faults({ jwks: { ref } }, { allowedJwksHosts: ['idp.example.org'] })).toEqual([
      'policy.publicKey.jwks.ref InsecureKeySource',
    ]);
  });

  it('that an earlier version took for a key is still read, with a warning', () => {
    const stored = { ...SIGNED, publicKey: { value: { ref: 'proxy.url' } } };
    expect(parsePolicy(stored)).toMatchObject({ ok: true, warnings: [{ field: 'policy.publicKey.value.ref' }] });
    expect(parsePolicy({ ...SIGNED, publicKey: { value: { ref: 'request.header.k' } } }).ok).toBe(false);
  });
});
