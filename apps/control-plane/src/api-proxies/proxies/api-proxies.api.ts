import type { ApiCallFacts } from '../../http/api-call.ts';
import { API_PROXY, API_PROXY_UPDATE } from './api-proxy-requests.ts';

const ORDERS = {
  apiProxyName: 'orders',
  apiProxyDescription: 'orders of the shop',
  apiProxyCreationType: 'REVERSE_PROXY',
  clientRoute: { relativePathList: ['/orders'], methodList: ['ALL'], hostList: [], headerList: [] },
  routingInfo: {
    routingAddressList: [{ address: 'http://orders.internal:8080', weight: 100 }],
    loadBalanceAlgorithm: 'ROUND_ROBIN',
    ...{ connectTimeout: 30, readTimeout: 60, retryCount: 0 },
  },
};

/** By host, method and header, to two addresses. */
const ORDERS_V2 = {
  apiProxyName: 'orders-v2',
  clientRoute: {
    relativePathList: ['/orders'],
    methodList: ['GET', 'POST'],
    hostList: ['api.example.org', '*.shop.example.org'],
    headerList: [{ name: 'X-API-Version', value: 'v2' }],
  },
  routingInfo: {
    routingAddressList: [
      { address: 'http://orders-a.internal:8080', weight: 3 },
      { address: 'http://orders-b.internal:8080', weight: 1 },
    ],
    loadBalanceAlgorithm: 'WEIGHTED',
  },
  deploy: true,
  deployTargetEnvironmentNameList: ['production'],
};

const VIEW = {
  ...ORDERS,
  revision: 1,
  cors: {
    corsActive: false,
    ...{ allowOriginList: [], allowMethodList: [], allowHeaderList: [], exposeHeaderList: [] },
    ...{ allowCredentials: 'false', maxAge: 3600 },
  },
  jsonErrorTemplate: {
    ...{ jsonErrorResponseTemplateActive: false, jsonValue: null },
    ...{ contentType: 'application/json;charset=UTF-8', permitSpecialChars: false },
  },
  xmlErrorTemplate: {
    ...{ xmlErrorResponseTemplateActive: false, xmlValue: null },
    ...{ contentType: 'text/xml;charset=UTF-8', permitSpecialChars: false },
  },
  endpointList: [],
};

const SERVED =
  'Routes: the longest path wins; without paths every path of the hosts, or with the headers, is meant. All rules of `headerList` must hold. Within one environment no two proxies may have the same host, path, method and header rules: 409 names the other one.';
const VENDOR_MEMBERS =
  'Members of the vendor that mean nothing here (reParse, buffering, health checks…) are accepted with a warning; those that would change what is served (specUrl, soapToRest, maintenance mode, groups…) are refused by name.';

export const LIST: ApiCallFacts = {
  tag: 'API proxies',
  summary: 'The proxies of a project, by name',
  permission: 'VIEW',
  result: {
    ...{ name: 'orders', description: 'orders of the shop', type: 'REST', relativePath: '/orders', soapToRest: false },
    ...{ apiProxyName: 'orders', apiProxyDescription: 'orders of the shop', apiProxyCreationType: 'REVERSE_PROXY' },
    ...{ revision: 1, clientRoute: ORDERS.clientRoute },
  },
};

export const CREATE: ApiCallFacts = {
  tag: 'API proxies',
  summary: 'Creates a proxy and answers its key pair once',
  description: `\`publicKey\` is the client_id and \`secretKey\` the client_secret of the token service; the secret is shown in this answer alone. ${SERVED} ${VENDOR_MEMBERS}`,
  permission: 'MANAGE',
  body: { schema: API_PROXY, examples: { 'by path': ORDERS, 'by host, method and header': ORDERS_V2 } },
  result: { ...VIEW, publicKey: '7d3f…', secretKey: 'shown once' },
  deploys: true,
};

export const REPLACE: ApiCallFacts = {
  tag: 'API proxies',
  summary: 'Replaces route and routing of a proxy',
  description: `The proxy is found by \`apiProxyName\`. Its keys, endpoints, policies, CORS and error template stay; so do a description and a routing that are left out. ${SERVED} ${VENDOR_MEMBERS}`,
  permission: 'MANAGE',
  body: { schema: API_PROXY_UPDATE, examples: { 'route and routing': ORDERS } },
  result: { ...VIEW, revision: 2 },
  deploys: true,
};

export const ONE: ApiCallFacts = {
  tag: 'API proxies',
  summary: 'A proxy with its endpoints, settings and deployments',
  description: 'The `ETag` is the revision. Policies are under `policies/`. With `at`, the proxy as it was then.',
  permission: 'VIEW',
  query: { at: { description: 'a moment in ISO 8601: the proxy as it was then, with its policies' } },
  result: {
    ...{ name: 'orders', description: 'orders of the shop', apiType: 'REST', publicKey: '7d3f…' },
    ...VIEW,
    deploymentList: [
      { environmentName: 'production', deployed: true, revision: 1, deployment: 12, redeployRequired: false },
    ],
  },
};

export const REMOVE: ApiCallFacts = {
  tag: 'API proxies',
  summary: 'Deletes a proxy and undeploys it everywhere',
  description: 'Its name, key pair and routes are free at once. Needs DEPLOY too where it is deployed.',
  permission: 'MANAGE',
  deploys: true,
};
