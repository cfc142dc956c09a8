import type { ApiCallFacts } from '../../http/api-call.ts';
import { DENY_SCHEMA, FLUSH_SCHEMA } from './key-set-orders-requests.ts';

const URI = 'https://login.example.com/.well-known/jwks.json';
const KEY = { uri: URI, kid: '2026-01' };
const FACTS = { at: '2026-11-22T10:00:00.000Z', actor: 'ann', reason: 'INC-4711' };

const RESULT = {
  ...{ environmentName: 'production', version: 41, success: true, message: 'All 2 live gateways obey it' },
  gateways: { live: 2, obeying: 2, pending: 0 },
  detailList: [
    { gatewayId: 'gateway-1', success: true, detail: 'obeys it' },
    { gatewayId: 'gateway-2', success: true, detail: 'obeys it' },
  ],
};

const WAITS =
  'The order is recorded, told to the gateways and waited for, at most DEPLOY_TIMEOUT_MS: `success` says whether every live ' +
  'gateway obeys it. Where that takes longer, or the Redis of the environment cannot be reached, it goes on by itself. ' +
  'Gateways that start later obey it too.';

export const GET_KEY_SET_ORDERS: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Flushed key sets and denied keys of an environment', permission: 'VIEW' },
  description:
    'What was ordered about key sets by address, who ordered it, when and why (header `X-Change-Reason`), and which version of ' +
    'the orders each live gateway obeys; `obeys` is null for a gateway that does not say, `gateways` when the Redis of the ' +
    'environment cannot be reached. A flush whose `uri` is null is one of every set.',
  result: {
    ...{ environmentName: 'production', version: 41, isTold: true },
    gateways: [{ gatewayId: 'gateway-1', obeys: 41, isObeying: true }],
    flushes: [{ uri: null, ...FACTS }],
    denied: [{ ...KEY, ...FACTS }],
  },
};

export const FLUSH_KEY_SETS: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Empty key sets in every gateway of an environment', permission: 'ADMIN' },
  description:
    `Of one address, or without \`uri\` of all: what gateways fetched before is not used any more. ${WAITS} The last flushes of ` +
    '100 addresses are kept; beyond that it is a 409, and a flush of all makes room.',
  body: {
    schema: FLUSH_SCHEMA,
    required: false,
    examples: { 'every set': {}, 'one set': { uri: URI } },
  },
  result: RESULT,
};

export const DENY_KEY: ApiCallFacts = {
  ...{
    tag: 'Environments',
    summary: 'Deny a key of a key set in every gateway of an environment',
    permission: 'ADMIN',
  },
  description:
    `No gateway takes the key any more, whatever the set at the address says. ${WAITS} Denying twice changes nothing. At most ` +
    '1,000 keys are denied at a time (409).',
  body: { schema: DENY_SCHEMA, examples: { 'a leaked key': KEY } },
  result: RESULT,
};

export const ALLOW_KEY: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'Lift the denial of a key', permission: 'ADMIN' },
  description: `404 when it is not denied. ${WAITS}`,
  query: {
    uri: { description: 'Address of the set, as it was denied.', required: true },
    kid: { description: 'Key id, as it was denied.', required: true },
  },
  result: RESULT,
};
