import type { ApiCallFacts } from '../../http/api-call.ts';

const ROUTE = {
  routeActive: true,
  servedPath: '/orders',
  methods: ['GET', 'POST'],
  apinizerRootContext: '/apigateway',
};

export const DEPLOY_STATUS: ApiCallFacts = {
  ...{ tag: 'Deployments', summary: 'Whether a proxy is deployed in an environment', permission: 'VIEW' },
  description:
    'Revision, number and time are those of the last successful deployment; nulls when there was none. `redeployRequired`: ' +
    'the proxy has a newer revision than the one that was deployed last, or that deployment failed. Changed variables and ' +
    'keys deploy by themselves what uses them. `state` is that of the newest deployment or undeployment.',
  result: {
    ...{ deployed: true, lastDeployTime: '2026-06-16T10:30:00.000Z', revision: 12, deployment: 31 },
    ...{ redeployRequired: false, state: 'succeeded' },
  },
};

export const ROUTE_HEALTH: ApiCallFacts = {
  ...{ tag: 'Deployments', summary: 'What each live gateway really serves of a proxy', permission: 'VIEW' },
  description:
    'From what the gateways say of themselves; the upstream is not called. `routeActive`: every live gateway serves the ' +
    'newest published deployment. `inconsistent`: gateways and record, or gateways among themselves, disagree, in the ' +
    'deployment or in the bytes; false where no gateway lives. Of each pod `deployment` is what it serves (0: nothing; ' +
    'null: a gateway of an earlier build, which does not say it) and `error` what is wrong. 503 when the Redis of the environment cannot be reached.',
  result: {
    ...ROUTE,
    ...{ podsResponded: 1, podsActive: 1, deployedInManager: true, inconsistent: false, deployment: 31, revision: 12 },
    gateways: { live: 1, serving: 1 },
    pods: [{ gatewayId: 'gateway-1', workerPodIp: '10.0.1.11:8080', ...ROUTE, deployment: 31 }],
  },
};

export const LIST_GATEWAYS: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'The gateways of an environment that live', permission: 'VIEW' },
  description:
    'One that has been silent for 5 seconds is gone. `behind`: published changes that it has not read. `inSync`: it serves ' +
    'exactly what is recorded; otherwise `problem` says what is wrong. `rejected` has the newest 100 with reasons, ' +
    '`servesInstead` what it serves of proxies whose newest deployment it has not applied (0: nothing), ' +
    '`obeys` which version of the orders about key sets (flushed, denied) it obeys, `keySetNotes` at most 100 key sets that policies ' +
    'name and that are still being fetched or cannot be. Nulls where a gateway of an earlier build does not say it. 503 when the Redis of the environment cannot be reached.',
  result: {
    ...{ gatewayId: 'gateway-1', programVersion: '0.1.0', address: '10.0.1.11:8080', rootContext: '' },
    ...{ startedAt: '2026-06-16T10:00:00.000Z', lastSeen: '2026-06-16T10:30:00.000Z', deployment: 31, upToDate: false },
    ...{
      inSync: false,
      problem: 'it rejects the newest deployment of 1 proxies',
      served: 12,
      behind: 0,
      rejectedCount: 1,
    },
    servesInstead: [{ projectName: 'shop', apiProxyName: 'orders', deployment: 28 }],
    rejected: [{ projectName: 'shop', apiProxyName: 'orders', deployment: 30, reason: 'the key does not fit' }],
    obeys: { 'key-sets': 4 },
    keySetNotes: [
      {
        ...{ projectName: 'shop', apiProxyName: 'orders', deployment: 28, state: 'failed' },
        ...{ address: 'https://idp.example.com/jwks', reason: 'http-status 503' },
      },
    ],
  },
};

export const QUEUE: ApiCallFacts = {
  ...{ tag: 'Environments', summary: 'The queue of deployments to an environment', permission: 'VIEW' },
  description:
    'At most 100 open jobs, oldest first. `pendingDeployments` counts what is recorded and has not ended: that is ' +
    'deployed in the end, also when the queue lost its jobs. 503 when the Redis of the queue cannot be reached.',
  result: {
    counts: { waiting: 0, active: 0, delayed: 1, completed: 0, failed: 0 },
    pendingDeployments: 1,
    jobs: [
      {
        ...{ deployment: 31, projectName: 'shop', apiProxyName: 'orders', revision: 12, kind: 'publish' },
        ...{ state: 'delayed', attempts: 2, lastReason: 'the Redis of environment production cannot be reached' },
      },
    ],
  },
};
