import type { ApiCallFacts } from '../../http/api-call.ts';
import { DEPLOYMENT_ROLLBACK, REVISION_ROLLBACK } from './history-requests.ts';

const RECORDED = {
  ...{
    revision: 3,
    type: 'PolicyUpdated',
    actor: 'ci',
    at: '2026-03-01T12:00:00.000Z',
    reason: 'new identity provider',
  },
};
const CHANGE = {
  ...{ path: 'policyList[check].policy.audience.value', from: 'a, b', to: 'a' },
  meaning: 'policy check: audience `b` removed',
};
const POLICY = {
  policy: { type: 'policy-verify-jwt', algorithm: ['RS256'], audience: { value: 'a' }, name: 'check' },
  operationMetadata: {
    ...{ targetScope: 'ALL', targetEndpoint: null, targetEndpointHTTPMethod: null },
    ...{ targetPipeline: 'REQUEST', order: 1 },
  },
};
const PROXY = {
  ...{ apiProxyName: 'orders', apiProxyDescription: 'orders of the shop', apiProxyCreationType: 'REVERSE_PROXY' },
  ...{ revision: 3, cors: null, jsonErrorTemplate: null, xmlErrorTemplate: null },
  clientRoute: { relativePathList: ['/orders'], methodList: ['ALL'], hostList: [], headerList: [] },
  routingInfo: {
    routingAddressList: [{ address: 'https://orders.internal', weight: 100 }],
    ...{ loadBalanceAlgorithm: 'ROUND_ROBIN', connectTimeout: 3, readTimeout: 60, retryCount: 1 },
  },
  endpointList: [],
  policyList: [POLICY],
};
const DEPLOYMENT = {
  ...{ deployment: 12, revision: 3, environment: 'production', username: 'ci' },
  ...{ deploymentTime: '2026-03-01T12:00:00.000Z', description: 'release 7', success: true },
  ...{ deploy: true, state: 'succeeded', message: 'Deployment successful' },
};
const DEPLOYMENT_RESULT = {
  success: true,
  deploymentResults: [
    {
      ...{
        environmentName: 'production',
        success: true,
        message: 'Deployment successful',
        deployment: 12,
        revision: 3,
      },
      gateways: { live: 1, applied: 1, rejected: 0, pending: 0 },
      detailList: [{ gatewayId: 'gateway-8080', success: true, detail: 'applied', responseTime: 14 }],
      warnings: [],
    },
  ],
};
const ROLLBACK = {
  ...{ revision: 5, restoredRevision: 3, since: '2026-03-01T12:00:00.000Z', changes: [CHANGE] },
  notRolledBack: [
    { kind: 'keys', changed: false, message: 'the keys are the same as then' },
    {
      ...{ kind: 'environmentVariables', changed: true, message: 'variables keep the values they have now' },
      items: [{ name: 'audience', state: 'changed', message: 'audience is another than then and stays as it is now' }],
    },
  ],
};
const ROLLBACK_TEXT =
  'Settings, endpoints and policies come back exactly as they were, in the same order, as a new revision; also when nothing differs. ' +
  'Keys, credentials, environment variables, key stores and settings of environments are no content of a revision and stay as they are: `notRolledBack` says so, and what of it is another now than at ' +
  '`since`, when the revision was deployed (last, where no deployment is named) or, if it never was, recorded. ' +
  'What gateways could not run any more, or a route that somebody else has by now, is refused and nothing changes. ' +
  '`description` is that of the deployments and, where there is no `X-Change-Reason`, the reason of the event.';

const limit = { description: 'At most so many, 1 to 1000; default 100.' };

export const LIST_EVENTS: ApiCallFacts = {
  tag: 'History',
  summary: 'What happened to a proxy, oldest first',
  description:
    '`sequence` counts in the stream of the proxy, its creation is 1; `after` of the next call is the last `sequence` of this one. ' +
    '`data` is the policy, the endpoint, the keys or the settings that the event concerns as they are after it; `changes` are all fields of the proxy that differ from before, null where there was or is nothing. ' +
    'Secrets appear as references.',
  permission: 'VIEW',
  query: { after: { description: 'A sequence number: what comes after it. Default 0.' }, limit },
  result: { sequence: 4, ...RECORDED, requestId: 'r-81', data: { ...POLICY, changes: [CHANGE] } },
};

export const LIST_REVISIONS: ApiCallFacts = {
  tag: 'History',
  summary: 'Revisions of a proxy, oldest first',
  permission: 'VIEW',
  query: { after: { description: 'A revision: what comes after it. Default 0.' }, limit },
  result: RECORDED,
};

export const GET_REVISION: ApiCallFacts = {
  tag: 'History',
  summary: 'A proxy as it was at a revision, its policies included',
  permission: 'VIEW',
  result: PROXY,
};

export const COMPARE: ApiCallFacts = {
  tag: 'History',
  summary: 'What differs between two revisions, field by field',
  description: 'Empty when the two have the same content. Items of lists are called by what names them.',
  permission: 'VIEW',
  query: {
    from: { description: 'A revision; 0 is before the creation. Default: the one before `to`.' },
    to: { description: 'A revision. Default: the newest.' },
  },
  result: CHANGE,
};

export const ROLL_BACK_TO_REVISION: ApiCallFacts = {
  tag: 'History',
  summary: 'Restore the content of a revision as a new revision',
  description: `${ROLLBACK_TEXT} With \`deploy\` the token needs DEPLOY too.`,
  permission: 'MANAGE',
  body: {
    schema: REVISION_ROLLBACK,
    required: false,
    examples: {
      'restore only': { description: 'back to before the release' },
      'restore and deploy': { deploy: true, deployTargetEnvironmentNameList: ['production'] },
    },
  },
  result: ROLLBACK,
  deploys: true,
};

export const LIST_DEPLOY_HISTORIES: ApiCallFacts = {
  tag: 'History',
  summary: 'Deployments and undeployments of a proxy, newest first',
  description:
    '`deployment` rises per environment with every publish, undeploy, repair or change of a variable; `deploy` is false for an undeployment; `state` is pending, succeeded, failed or superseded.',
  permission: 'VIEW',
  query: {
    environmentName: { description: 'Only of this environment.' },
    before: { description: 'A deployment of that environment: only what came before it.' },
    limit: { description: 'At most so many, 1 to 1000; default is the setting DEPLOY_HISTORY_LIMIT.' },
  },
  result: DEPLOYMENT,
};

const environmentName = { description: 'Environment in which the deployment has its number.', required: true };

export const GET_DEPLOY_HISTORY: ApiCallFacts = {
  tag: 'History',
  summary: 'One deployment: what the gateways answered, and the proxy at its revision',
  permission: 'VIEW',
  query: { environmentName },
  result: { ...DEPLOYMENT, deploymentResult: DEPLOYMENT_RESULT, apiProxy: PROXY },
};

export const ROLL_BACK_TO_DEPLOYMENT: ApiCallFacts = {
  tag: 'History',
  summary: 'Restore what a deployment deployed, and deploy it to that environment',
  description: `${ROLLBACK_TEXT} The token needs DEPLOY too. Of an undeployment it is the revision that was taken away.`,
  permission: 'MANAGE',
  query: { environmentName },
  body: {
    schema: DEPLOYMENT_ROLLBACK,
    required: false,
    examples: { 'with a description': { description: 'back to before the release' } },
  },
  result: ROLLBACK,
  deploys: true,
};
