import type { ApiCallFacts } from '../http/api-call.ts';
import { KEY_STORE_RESULT, PUBLIC_EC, USERS } from './key-store-examples.ts';
import { GENERATION, KEY_STORE, KEY_STORE_REPLACEMENT } from './key-store-requests.ts';

const PUBLIC_PEM = [
  '-----BEGIN PUBLIC KEY-----',
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7',
  '6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==',
  '-----END PUBLIC KEY-----',
].join('\n');

const PLACES =
  'With `environmentNameList` the key is for these environments; without it one key is for all that have none of their own.';
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
  result: KEY_STORE_RESULT,
};

export const GET_KEY_STORE: ApiCallFacts = { ...LIST_KEY_STORES, summary: 'One key of a project' };

export const CREATE_KEY_STORE: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Import a key',
  description: `\`content\` is JSON or PEM text, of PKCS12 the file in base64; \`password\` opens encrypted PEM and PKCS12. \`kid\` is what is given, else the JWK's own, else the RFC 7638 thumbprint. ${PLACES}`,
  permission: 'MANAGE',
  body: { schema: KEY_STORE, examples: IMPORTS },
  result: KEY_STORE_RESULT,
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
  result: KEY_STORE_RESULT,
};

export const REPLACE_KEY_STORE: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Replace a key',
  description: `Not a rotation: the old key is gone at once, and tokens that it signed are refused. With \`environmentNameList\` the keys of these environments are replaced or added and the others stay; without it one key takes the place of all. ${USERS}`,
  permission: 'MANAGE',
  body: { schema: KEY_STORE_REPLACEMENT, examples: IMPORTS },
  result: KEY_STORE_RESULT,
  deploys: true,
};

export const DELETE_KEY_STORE: ApiCallFacts = {
  tag: 'Keys',
  summary: 'Delete a key',
  description: 'Refused (409) while a policy names it, in the newest content of a proxy or where it is deployed.',
  permission: 'MANAGE',
};
