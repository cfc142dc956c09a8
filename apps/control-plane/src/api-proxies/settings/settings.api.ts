import { ERROR_TEMPLATE_PLACEHOLDERS, ERROR_TEMPLATE_VARIABLES } from '#libs/policy-contracts';
import type { ApiBody, ApiCallFacts } from '../../http/api-call.ts';
import { CORS } from './cors-requests.ts';
import { JSON_ERROR_TEMPLATE, XML_ERROR_TEMPLATE } from './error-template-requests.ts';
import { ADDRESSES, CLIENT_ROUTE, CONNECTION, KEYS } from './settings-requests.ts';

interface SettingFacts {
  /** After "The" and "Changes the". */
  readonly what: string;
  readonly description: string;
  readonly result: object;
  readonly body: ApiBody;
}

const read = ({ what, result }: SettingFacts): ApiCallFacts => ({
  ...{ tag: 'Settings', summary: `The ${what} of a proxy`, permission: 'VIEW' },
  result,
});

const change = ({ what, description, result, body }: SettingFacts): ApiCallFacts => ({
  ...{ tag: 'Settings', summary: `Changes the ${what} of a proxy`, permission: 'MANAGE' },
  ...{ description, body, result, deploys: true },
});

const bothOf = (facts: SettingFacts) => ({ READ: read(facts), CHANGE: change(facts) });

export const KEYS_API = bothOf({
  what: 'key pair',
  description:
    'client_id and client_secret of the proxy at the token service; at least one of the two. They apply at once, without a deployment. The secret is never shown again.',
  result: { publicKey: 'orders-client' },
  body: {
    schema: KEYS,
    examples: {
      both: { publicKey: 'orders-client', secretKey: 'a long secret that nobody guesses' },
      'the secret alone': { secretKey: 'a long secret that nobody guesses' },
    },
  },
});

const ADDRESS_LIST = [
  { address: 'https://orders-a.internal', weight: 100 },
  { address: 'https://orders-b.internal', weight: 50 },
];
export const ADDRESSES_API = bothOf({
  what: 'addresses',
  description: 'Replaces the list; `loadBalanceAlgorithm` stays where it is left out.',
  result: { routingAddressList: ADDRESS_LIST, loadBalanceAlgorithm: 'WEIGHTED' },
  body: {
    schema: ADDRESSES,
    examples: { 'two by weight': { routingAddressList: ADDRESS_LIST, loadBalanceAlgorithm: 'WEIGHTED' } },
  },
});

const BY_HEADER = {
  ...{ relativePathList: ['/orders'], methodList: ['GET', 'POST'], hostList: ['api.example.org'] },
  headerList: [{ name: 'x-api-version', value: 'v2' }],
};
export const CLIENT_ROUTE_API = bothOf({
  what: 'client route',
  description:
    'Replaces the whole route: what is left out is empty, and methods that are left out are all. It is claimed where the proxy is deployed: 409 names the proxy that has it.',
  result: BY_HEADER,
  body: {
    schema: CLIENT_ROUTE,
    examples: {
      'by path': { relativePathList: ['/orders', '/v1/orders'], methodList: ['ALL'] },
      'by host and header': BY_HEADER,
    },
  },
});

const TIMEOUTS = { connectTimeout: 5, readTimeout: 30, retryCount: 1 };
export const CONNECTION_API = bothOf({
  what: 'connection settings',
  description: 'Timeouts in seconds. What is left out stays.',
  result: TIMEOUTS,
  body: { schema: CONNECTION, examples: { timeouts: TIMEOUTS } },
});

const SHOP = {
  corsActive: true,
  ...{ allowOriginList: ['https://shop.example.org'], allowMethodList: ['GET', 'POST'] },
  ...{ allowHeaderList: ['authorization', 'content-type'], exposeHeaderList: ['x-request-id'] },
  ...{ allowCredentials: 'true', maxAge: 600 },
};
export const CORS_API = bothOf({
  what: 'CORS settings',
  description:
    'Preflight requests are answered before the policies. `corsActive` false: the proxy does not speak CORS, and the lists are not kept. With credentials every list must name its values: a wildcard is refused.',
  result: SHOP,
  body: {
    schema: CORS,
    examples: {
      'one origin, with credentials': SHOP,
      'every origin': { corsActive: true, allowOriginList: ['*'], allowMethodList: ['GET'], allowHeaderList: ['*'] },
      off: { corsActive: false },
    },
  },
});

const TEMPLATE = {
  jsonErrorResponseTemplateActive: true,
  jsonValue: '{"error": {"id": "#{message.correlationId}", "code": "#{error.defaultErrorCode}"}}',
};
export const JSON_ERROR_TEMPLATE_API = bothOf({
  what: 'template of JSON errors',
  description: `The shape of the gateway's own JSON faults. Variables, written \`#{name}\`: ${ERROR_TEMPLATE_VARIABLES.join(', ')}. The vendor's older spelling works too: ${ERROR_TEMPLATE_PLACEHOLDERS.join(', ')}.`,
  result: { ...TEMPLATE, contentType: 'application/json;charset=UTF-8', permitSpecialChars: false },
  body: {
    schema: JSON_ERROR_TEMPLATE,
    examples: { template: TEMPLATE, off: { jsonErrorResponseTemplateActive: false } },
  },
});

const XML_TEMPLATE = {
  xmlErrorResponseTemplateActive: true,
  xmlValue: '<error><code>#{error.defaultErrorCode}</code><text>#{error.defaultMessage}</text></error>',
};

export const XML_ERROR_TEMPLATE_API = bothOf({
  what: 'template of XML errors',
  description: `The shape of the gateway's own faults for requests whose Content-Type is not JSON, and for those without one while the proxy has no JSON template; the variables are those of the JSON template, escaped for XML. Needs gateways of this version or later.`,
  result: { ...XML_TEMPLATE, contentType: 'text/xml;charset=UTF-8', permitSpecialChars: false },
  body: {
    schema: XML_ERROR_TEMPLATE,
    examples: { template: XML_TEMPLATE, off: { xmlErrorResponseTemplateActive: false } },
  },
});
