import { z } from 'zod';
import { optional, type ContractWarning } from '#libs/policy-contracts';
import type { RoutingInfo } from '../domain/index.ts';
import {
  addressList,
  claimsFew,
  clientRouteFields,
  deployFields,
  hasRoute,
  loadBalanceAlgorithm,
  NO_ROUTE,
  retryCount,
  timeout,
  TOO_MANY_CLAIMS,
} from '../proxies/route-requests.ts';
import { isEmptyList, oneOf, type VendorMembers } from '../proxies/vendor-proxy-members.ts';

const key = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/\S/, { error: 'must not be blank' })
    // eslint-disable-next-line no-control-regex
    .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'must hold no control characters' });

/** `PATCH X/settings/keys/` */
export const KEYS = z
  .strictObject({
    publicKey: optional(key(255).refine((text) => !/PRIVATE KEY/.test(text), { error: 'must not hold a private key' })),
    secretKey: optional(key(1000)),
    ...deployFields,
  })
  .refine(({ publicKey, secretKey }) => publicKey !== undefined || secretKey !== undefined, {
    path: ['publicKey'],
    error: 'or secretKey must be given',
    params: { code: 'required' },
  });

/** Characters below which even random ones hold less than 128 bits: six each. */
const UNGUESSABLE_LENGTH = 22;

/** The right secret is never refused however many wrong ones came before it (ADR 24), so it has to be one nobody guesses. */
export const keysWarnings = ({ secretKey }: z.infer<typeof KEYS>): ContractWarning[] =>
  secretKey === undefined || secretKey.length >= UNGUESSABLE_LENGTH
    ? []
    : [
        {
          field: 'secretKey',
          message: `is short enough to be guessed: take ${UNGUESSABLE_LENGTH} random characters or more`,
        },
      ];

/** `PATCH X/settings/addresses/`; the vendor's weight is 1 here. The algorithm stays where it is left out. */
export const ADDRESSES = z.strictObject({
  routingAddressList: addressList(1),
  loadBalanceAlgorithm: optional(loadBalanceAlgorithm),
  ...deployFields,
});

export const ADDRESSES_VENDOR_MEMBERS: VendorMembers = {
  ignored: ['routingAddressList[].soapType', 'routingAddressList[].healthCheckEnabled'],
  refused: [],
};

export const addressesOf = (request: z.infer<typeof ADDRESSES>): Partial<RoutingInfo> => ({
  routingAddressList: request.routingAddressList,
  ...(request.loadBalanceAlgorithm === undefined ? {} : { loadBalanceAlgorithm: request.loadBalanceAlgorithm }),
});

/** `PATCH X/settings/client-route/`: the whole route anew. */
export const CLIENT_ROUTE = z
  .strictObject({ ...clientRouteFields, ...deployFields })
  .refine(hasRoute, NO_ROUTE)
  .refine(claimsFew, TOO_MANY_CLAIMS);

export const CLIENT_ROUTE_VENDOR_MEMBERS: VendorMembers = {
  ignored: ['bufferRequest', 'bufferResponse'],
  refused: [{ path: 'virtualHostList', isHarmless: isEmptyList, reason: 'name the hosts in hostList' }],
};

/** `PATCH X/settings/connection/`: what is left out stays as it is. Seconds. */
export const CONNECTION = z.strictObject({
  connectTimeout: optional(timeout),
  readTimeout: optional(timeout),
  retryCount: optional(retryCount),
  ...deployFields,
});

export const CONNECTION_VENDOR_MEMBERS: VendorMembers = {
  ignored: [
    ...['connectionRequestTimeout', 'redirectsEnabled', 'maxRedirects', 'relativeRedirectsAllowed'],
    ...['disableContentCompression', 'enableStreaming', 'failoverRetryCount'],
    ...['connectionPoolManagementType', 'customConnectionPoolSize'],
  ],
  refused: [
    {
      path: 'connectionSettingsEnabled',
      isHarmless: oneOf(true),
      reason: 'these settings always apply; send the values that are wanted',
    },
    {
      path: 'ignoreRoutingError',
      isHarmless: oneOf(false),
      reason: 'an address that cannot be reached is always an error',
    },
  ],
};

export const connectionOf = (request: z.infer<typeof CONNECTION>): Partial<RoutingInfo> => ({
  ...(request.connectTimeout === undefined ? {} : { connectTimeoutSeconds: request.connectTimeout }),
  ...(request.readTimeout === undefined ? {} : { readTimeoutSeconds: request.readTimeout }),
  ...(request.retryCount === undefined ? {} : { retryCount: request.retryCount }),
});
