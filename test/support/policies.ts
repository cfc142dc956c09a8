/** Bodies of requests, as the seed has them. */
export const proxyBody = (
  name: string,
  relativePath: string,
  address: string,
  environments: readonly string[] = [],
) => ({
  apiProxyName: name,
  apiProxyCreationType: 'REVERSE_PROXY',
  clientRoute: { relativePathList: [relativePath], methodList: ['ALL'], hostList: [], headerList: [] },
  routingInfo: { routingAddressList: [{ address, weight: 100 }], loadBalanceAlgorithm: 'ROUND_ROBIN' },
  deploy: environments.length > 0,
  deployTargetEnvironmentNameList: environments,
});

export const authJwtPolicy = (changes: Readonly<Record<string, unknown>> = {}) => ({
  type: 'policy-auth-jwt',
  description: 'JWT authentication policy',
  active: true,
  tokenNeverExpires: false,
  tokenExpiresInAmount: 3600,
  tokenExpiresInUnit: 'SECONDS',
  refreshTokenAllowed: true,
  refreshTokenCount: 5,
  refreshTokenExpiresInAmount: 86400,
  refreshTokenExpiresInUnit: 'SECONDS',
  allowUrlParameters: false,
  managedFromThisPolicy: true,
  grantType: 'PASSWORD',
  jwtSignatureAlgorithm: 'HS256',
  ...changes,
});

export const policyBody = (
  policy: object,
  environments: readonly string[],
  changes: Readonly<Record<string, unknown>> = {},
) => ({
  operationMetadata: {
    targetScope: 'ALL',
    targetPipeline: 'REQUEST',
    deploy: true,
    deployTargetEnvironmentNameList: environments,
    ...changes,
  },
  policy,
});
