import type { ApiCallFacts } from '../http/api-call.ts';
import { GENERATION, KEY_STORE, KEY_STORE_REPLACEMENT, ROTATION } from './key-store-requests.ts';

/** Public keys of RFC 7517 appendix A.1 and RFC 7515 appendix A.3: examples that can be sent as they stand. */
const PUBLIC_EC = {
  ...{ kty: 'EC', crv: 'P-256' },
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const PUBLIC_PEM = [
  '-----BEGIN PUBLIC KEY-----',
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7',
  '6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==',
  '-----END PUBLIC KEY-----',
].join('\n');

const KEY = {
  ...{ kid: 'orders-2031', kty: 'EC', alg: 'ES256', use: 'sig', keySize: 256, crv: 'P-256' },
  thumbprint: 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U',
  publicJwk: { ...PUBLIC_EC, kid: 'orders-2031', alg: 'ES256', use: 'sig' },
  createdAt: '2031-02-03T04:05:06.000Z',
};
const RESULT = {
  ...{ name: 'orders-signing', description: 'signs the tokens of orders' },
  keyList: [{ environmentName: 'production', ...KEY, hasPrivateKey: true, previousKeyList: [] }],
};

const PLACES =
  'With `environmentNameList` the key is for these environments; without it one key is for all that have none of their own.';
const USERS =
  'Every proxy whose policies name it is deployed again where it is deployed. Refused (409) when one of these policies could not sign with the new key.';

const NAMING = { name: 'orders-signing', description: 'signs the tokens of orders' };
const IMPORTS = {
  jwk: { ...NAMING, sourceType: 'JWK', content: JSON.stringify({ ...PUBLIC_EC, kid: 'orders-2031' }) },
  pem: { ...NAMING, sourceType: 'PEM', content: PUBLIC_PEM, kid: 'orders-2031' },
};

export const LIST_KEY_STORES: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Keys of a project',
  description: 'Never anything private; of secrets (`oct`) only that they are there.',
  permission: 'VIEW',
  result: RESULT,
};

export const GET_KEY_STORE: ApiCallFacts = { ...LIST_KEY_STORES, summary: 'One key of a project' };

export const CREATE_KEY_STORE: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Import a key',
  description: `\`content\` is JSON or PEM text, of PKCS12 the file in base64; \`password\` opens encrypted PEM and PKCS12. \`kid\` is what is given, else the JWK's own, else the RFC 7638 thumbprint. ${PLACES}`,
  permission: 'MANAGE',
  body: { schema: KEY_STORE, examples: IMPORTS },
  result: RESULT,
};

export const GENERATE_KEY_STORE: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Generate a key',
  description: `The private part is kept and never shown. With \`environmentNameList\` each environment gets a key of its own, without it one key is for all. RSA256 and RS256 mean the same.`,
  permission: 'MANAGE',
  body: {
    schema: GENERATION,
    examples: {
      ec: { ...NAMING, type: 'EC', kid: 'orders-2031', ec: { curveType: 'P256', algorithm: 'ES256' } },
      rsa: { ...NAMING, type: 'RSA', rsa: { keySize: 2048, keyUseType: 'SIGNATURE', algorithm: 'RSA256' } },
      oct: { ...NAMING, type: 'OCT', oct: { keySize: 256 } },
    },
  },
  result: RESULT,
};

export const REPLACE_KEY_STORE: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Replace a key',
  description: `Not a rotation: the old key is gone at once, and tokens that it signed are refused. With \`environmentNameList\` the keys of these environments are replaced or added and the others stay; without it one key takes the place of all. ${USERS}`,
  permission: 'MANAGE',
  body: { schema: KEY_STORE_REPLACEMENT, examples: IMPORTS },
  result: RESULT,
  deploys: true,
};

export const DELETE_KEY_STORE: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Delete a key',
  description: 'Refused (409) while a policy names it, in the newest content of a proxy or where it is deployed.',
  permission: 'MANAGE',
};

export const ROTATE_KEYS: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Rotate a key',
  description: `A new key signs, generated of the same kind, or imported with \`sourceType\` and \`content\`. The last two before it still verify, unless \`retirePrevious\` is true. \`environmentNameList\`: only the keys of these environments. ${USERS}`,
  permission: 'MANAGE',
  body: {
    schema: ROTATION,
    required: false,
    examples: { generated: {}, compromised: { retirePrevious: true }, named: { kid: 'orders-2032' } },
  },
  result: { ...RESULT, keyList: [{ ...RESULT.keyList[0], previousKeyList: [{ ...KEY, kid: 'orders-2030' }] }] },
  deploys: true,
};
