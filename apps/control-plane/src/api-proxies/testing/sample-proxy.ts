import { parsePolicy, type PolicyContract, type PolicyPlace } from '#libs/policy-contracts';
import type { ApiProxyEvent, Endpoint, ProxyCreated, ProxySettings } from '../domain/api-proxy.events.ts';

function policyFrom(body: object): PolicyContract {
  const parsed = parsePolicy(body);
  if (!parsed.ok) throw new RangeError(JSON.stringify(parsed.faults));
  return parsed.value;
}

/** A `policy-auth-jwt` as a request brings it. @throws RangeError naming its faults */
export const samplePolicy = (members: object = {}): PolicyContract =>
  policyFrom({ type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256', ...members });

/** A `policy-verify-jwt` as a request brings it. @throws RangeError naming its faults */
export const sampleVerification = (members: object = {}): PolicyContract =>
  policyFrom({ type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.secret' }, ...members });

export const SAMPLE_SETTINGS: ProxySettings = {
  description: 'orders of the shop',
  clientRoute: { relativePathList: ['/orders'], methodList: ['ALL'], hostList: [], headerList: [] },
  routingInfo: {
    routingAddressList: [{ address: 'http://127.0.0.1:1/base', weight: 100 }],
    loadBalanceAlgorithm: 'ROUND_ROBIN',
    ...{ connectTimeoutSeconds: 3, readTimeoutSeconds: 60, retryCount: 1 },
  },
  ...{ cors: null, jsonErrorTemplate: null, xmlErrorTemplate: null },
};

export const SAMPLE_CREATION: ProxyCreated['data'] = {
  ...{ proxyId: 'p-1', projectId: 'j-1', project: 'shop', name: 'orders' },
  keys: { publicKey: 'public', secretKey: { secretId: 's-1', fingerprint: 'f1' } },
  ...SAMPLE_SETTINGS,
};

export const sampleEndpoint = (name: string, httpMethod = 'GET'): Endpoint => ({
  ...{ name, httpMethod, description: '', backendResourceUrl: null, backendHttpMethod: null },
});

export const proxyCreated: ApiProxyEvent = { type: 'ProxyCreated', schemaVersion: 3, data: SAMPLE_CREATION };

export const endpointAdded = (name: string, httpMethod = 'GET'): ApiProxyEvent => ({
  type: 'EndpointAdded',
  schemaVersion: 1,
  data: { proxyId: 'p-1', endpoint: sampleEndpoint(name, httpMethod) },
});

export const AT_REQUEST = { scope: 'ALL', pipeline: 'REQUEST' } as const satisfies PolicyPlace;

export const policyAdded = (
  name: string,
  order: number,
  place: PolicyPlace = AT_REQUEST,
  policy = samplePolicy(),
): ApiProxyEvent => ({
  type: 'PolicyAdded',
  schemaVersion: 1,
  data: { proxyId: 'p-1', name, place, order, policy },
});
