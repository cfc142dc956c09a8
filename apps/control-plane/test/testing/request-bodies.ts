/** `POST P/apiProxies/url/` */
export const proxyBody = (apiProxyName: string, members: object = {}) => ({
  apiProxyName,
  clientRoute: { relativePathList: [`/${apiProxyName}`] },
  routingInfo: { routingAddressList: [{ address: 'http://127.0.0.1:1/base' }] },
  ...members,
});

export const METADATA = { targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: false };
export const AUTH_JWT = { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' };

/** `POST X/policies/{policyName}/` with the seed's two members. */
export const policyBody = (metadata: object = {}, policy: object = {}) => ({
  operationMetadata: { ...METADATA, ...metadata },
  policy: { ...AUTH_JWT, ...policy },
});

/** A `policy-verify-jwt` whose key is a variable. */
export const verificationBody = (metadata: object, variable: string) => ({
  operationMetadata: { ...METADATA, ...metadata },
  policy: { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: variable } },
});

export const credentialBody = (username: string, password: string, members: object = {}) => ({
  ...{ username, password, email: `${username}@example.org`, fullName: 'A User' },
  ...members,
});
