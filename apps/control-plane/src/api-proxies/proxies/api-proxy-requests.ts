import { z } from 'zod';
import { optional, withDefault, type ContractWarning } from '#libs/policy-contracts';
import { nameField } from '../../http/bodies/request-bodies.ts';
import type { ProxySettings, SettingsChange } from '../domain/index.ts';
import {
  claimsFew,
  clientRouteFields,
  clientRouteOf,
  deployFields,
  hasRoute,
  NO_ROUTE,
  routingInfo,
  routingInfoOf,
  TOO_MANY_CLAIMS,
} from './route-requests.ts';
import { isEmptyList, oneOf, type VendorMembers } from './vendor-proxy-members.ts';

/** The vendor's EnumApiProxySpecType; the last two need no specification. */
const CREATION_TYPES = ['OPEN_API', 'SWAGGER', 'WSDL', 'REVERSE_PROXY', 'EMPTY_API'] as const;

const creationType = z.enum(CREATION_TYPES).refine((type) => type === 'REVERSE_PROXY' || type === 'EMPTY_API', {
  error:
    'must be REVERSE_PROXY or EMPTY_API: specifications are not read here, and without its endpoints the proxy would pass requests that the specification does not know',
  params: { code: 'not_supported' },
});

const clientRoute = z.strictObject(clientRouteFields).refine(hasRoute, NO_ROUTE).refine(claimsFew, TOO_MANY_CLAIMS);

/** `POST P/apiProxies/url/`, the vendor's names. */
export const API_PROXY = z.strictObject({
  apiProxyName: nameField,
  apiProxyDescription: withDefault(z.string().max(1000), ''),
  apiProxyCreationType: withDefault(creationType, 'REVERSE_PROXY'),
  clientRoute,
  routingInfo,
  ...deployFields,
});
export type ApiProxyRequest = z.infer<typeof API_PROXY>;

/** `PUT P/apiProxies/url/`: a description or routing that is left out stays as it is (vendor). */
export const API_PROXY_UPDATE = z.strictObject({
  ...API_PROXY.shape,
  apiProxyDescription: optional(z.string().max(1000)),
  routingInfo: optional(routingInfo),
});

const UNSERVED_ROUTING = [
  { path: 'routingInfo.routingEnabled', isHarmless: oneOf(true), reason: 'requests are always sent to the addresses' },
  { path: 'routingInfo.mirrorEnabled', isHarmless: oneOf(false), reason: 'nothing is mirrored' },
  {
    path: 'routingInfo.ignoreRoutingError',
    isHarmless: oneOf(false),
    reason: 'an address that cannot be reached is always an error',
  },
];

const isOff = (setting: unknown): boolean =>
  typeof setting === 'object' && setting !== null && (setting as { enabled?: unknown }).enabled !== true;

/** Members of the vendor's body that mean nothing here, and those that cannot be left out without a word. */
export const PROXY_VENDOR_MEMBERS: VendorMembers = {
  ignored: [
    ...['reParse', 'backendApiVersion', 'specAuthorizationValueList'],
    ...['requestBodyReadBehavior', 'responseBodyReadBehavior'],
    ...['clientRoute.bufferRequest', 'clientRoute.bufferResponse', 'routingInfo.failoverRetryCount'],
    ...['routingInfo.routingAddressList[].healthCheckEnabled', 'routingInfo.routingAddressList[].soapType'],
  ],
  refused: [
    { path: 'specUrl', isHarmless: oneOf(''), reason: 'specifications are not read here' },
    {
      path: 'apiProxyGroupName',
      isHarmless: oneOf(''),
      reason: 'there are no groups, and its policies would be missing',
    },
    { path: 'soapToRest', isHarmless: oneOf(false), reason: 'SOAP is not translated' },
    { path: 'enableWSA', isHarmless: oneOf(false), reason: 'WS-Addressing is not spoken' },
    { path: 'enableWSRM', isHarmless: oneOf(false), reason: 'WS-ReliableMessaging is not spoken' },
    { path: 'maintenanceModeSetting', isHarmless: isOff, reason: 'the proxy would go on serving; undeploy it instead' },
    { path: 'clientRoute.virtualHostList', isHarmless: isEmptyList, reason: 'name the hosts in clientRoute.hostList' },
    ...UNSERVED_ROUTING,
  ],
};

const NO_EXTRAS = { cors: null, jsonErrorTemplate: null, xmlErrorTemplate: null };

/** A new proxy does not speak CORS and answers faults in the vendor's envelope. */
export const newSettingsOf = (request: ApiProxyRequest): ProxySettings => ({
  description: request.apiProxyDescription,
  clientRoute: clientRouteOf(request.clientRoute),
  routingInfo: routingInfoOf(request.routingInfo),
  ...NO_EXTRAS,
});

/** An empty description keeps the one there is (vendor). */
export const changedSettingsOf = (request: z.infer<typeof API_PROXY_UPDATE>): SettingsChange => ({
  clientRoute: clientRouteOf(request.clientRoute),
  ...((request.apiProxyDescription ?? '') === '' ? {} : { description: request.apiProxyDescription ?? '' }),
  ...(request.routingInfo === undefined ? {} : { routingInfo: routingInfoOf(request.routingInfo) }),
});

/** The vendor's empty API refuses everything until it has endpoints. */
export const creationWarnings = ({
  apiProxyCreationType,
}: Pick<ApiProxyRequest, 'apiProxyCreationType'>): ContractWarning[] =>
  apiProxyCreationType === 'EMPTY_API'
    ? [{ field: 'apiProxyCreationType', message: 'a proxy without endpoints passes every request of its route' }]
    : [];
