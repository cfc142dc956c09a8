/** Public keys of RFC 7517 appendix A.1 and RFC 7515 appendix A.3: examples that can be sent as they stand. */
export const PUBLIC_EC = {
  ...{ kty: 'EC', crv: 'P-256' },
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
export const KEY = {
  ...{ kid: 'orders-2031', kty: 'EC', alg: 'ES256', use: 'sig', keySize: 256, crv: 'P-256' },
  thumbprint: 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U',
  publicJwk: { ...PUBLIC_EC, kid: 'orders-2031', alg: 'ES256', use: 'sig' },
  createdAt: '2031-02-03T04:05:06.000Z',
};
export const KEY_STORE_RESULT = {
  ...{ name: 'orders-signing', description: 'signs the tokens of orders' },
  keyList: [{ environmentName: 'production', ...KEY, hasPrivateKey: true, nextKeyList: [], previousKeyList: [] }],
  rotation: null,
};

export const USERS =
  'Every proxy whose policies name it is deployed again where it is deployed. Refused (409) when one of these policies could not sign with the new key.';
