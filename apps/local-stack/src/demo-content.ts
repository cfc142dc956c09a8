import { type DemoState } from './demo-state.ts';
import { ENVIRONMENT } from './gateway-key.ts';

export const PROJECT = 'demo';
export const CLIENT_ID = 'demo-client';
export const USERNAME = 'alice';
export const PARTNER_ISSUER = 'https://partner.example';
export const PROXIES = `/projects/${PROJECT}/apiProxies`;
export const JWT_AUTH_PATH = `${PROXIES}/orders/policies/jwt-auth/`;

const DEPLOY = { deploy: true, deployTargetEnvironmentNameList: [ENVIRONMENT] };

const inRequestPipeline = { targetScope: 'ALL', targetPipeline: 'REQUEST', order: 1, ...DEPLOY };

export const proxyBody = (name: string, upstreamPort: number) => ({
  apiProxyName: name,
  apiProxyDescription: 'made by npm run up',
  apiProxyCreationType: 'REVERSE_PROXY',
  clientRoute: { relativePathList: [`/${name}`], methodList: ['ALL'], hostList: [], headerList: [] },
  routingInfo: { routingAddressList: [{ address: `http://127.0.0.1:${upstreamPort}`, weight: 100 }] },
  ...DEPLOY,
});

/** Issues, checks and refreshes tokens of users who log in with a password. */
export const jwtAuthBody = (lifeSeconds: number) => ({
  operationMetadata: inRequestPipeline,
  policy: {
    type: 'policy-auth-jwt',
    description: 'tokens of our own',
    active: true,
    tokenNeverExpires: false,
    tokenExpiresInAmount: lifeSeconds,
    tokenExpiresInUnit: 'SECONDS',
    refreshTokenAllowed: true,
    refreshTokenCount: 5,
    refreshTokenExpiresInAmount: 1,
    refreshTokenExpiresInUnit: 'DAYS',
    allowUrlParameters: false,
    managedFromThisPolicy: true,
    grantType: 'PASSWORD',
    jwtSignatureAlgorithm: 'HS256',
  },
});

/** Checks tokens that somebody else signed. */
export const verifyPartnerBody = (publicKeyPem: string) => ({
  operationMetadata: inRequestPipeline,
  policy: {
    type: 'policy-verify-jwt',
    algorithm: ['RS256'],
    publicKey: { value: publicKeyPem },
    issuer: PARTNER_ISSUER,
  },
});

export const userBody = (state: DemoState) => ({
  username: USERNAME,
  password: state.userPassword,
  email: 'alice@example.com',
  fullName: 'Alice Example',
  enabled: true,
  roleNameList: ['reader'],
});
