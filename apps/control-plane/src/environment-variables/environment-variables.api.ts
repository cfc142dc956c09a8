import type { ApiCallFacts } from '../http/api-call.ts';
import { VARIABLE_SCHEMA } from './variable-requests.ts';

const VIEW = {
  ...{ name: 'API_BASE_URL', description: 'Base URL for API calls', global: false },
  ...{ globalValue: null, globalVisible: true },
  environmentValueList: [
    { environmentName: 'production', value: 'https://api.production.example.com', visible: true },
    { environmentName: 'staging', value: null, visible: false },
  ],
};

const BODY: ApiCallFacts['body'] = {
  schema: VARIABLE_SCHEMA,
  examples: {
    'one value everywhere': {
      ...{ description: 'API key for an external service', global: true, globalValue: 'secret-api-key-12345' },
      ...{ globalVisible: false, environmentValueList: null },
    },
    'a value for each environment': {
      ...{ description: 'Base URL for API calls', global: false, globalValue: null },
      environmentValueList: [
        { environmentName: 'production', value: 'https://api.production.example.com', visible: true },
      ],
    },
    'a secret': {
      environmentValueList: [{ environmentName: 'production', value: 'prod-secret-password', visible: false }],
    },
  },
};

const FACTS =
  'It is a flow variable of that name in every proxy of the project. Values that are not visible, and all of variables ' +
  'whose names begin with `private.`, are never returned. Names must not begin with `request.`, `response.`, `jwt.`, ' +
  '`proxy.`, `client.`, `fault.`, `system.` or `environment.`: those are the gateway’s own.';
const USERS =
  'The proxies whose policies may read it are deployed again where they are deployed and its value changed, which needs ' +
  'the permission DEPLOY.';

export const LIST_VARIABLES: ApiCallFacts = {
  ...{ tag: 'Environment variables', summary: 'List the variables of a project', permission: 'VIEW', result: VIEW },
};
export const GET_VARIABLE: ApiCallFacts = {
  ...{ tag: 'Environment variables', summary: 'One variable', permission: 'VIEW', result: VIEW },
};
export const CREATE_VARIABLE: ApiCallFacts = {
  ...{ tag: 'Environment variables', summary: 'Create a variable', permission: 'MANAGE', deploys: true, body: BODY },
  description: `${FACTS} ${USERS}`,
};
export const REPLACE_VARIABLE: ApiCallFacts = {
  ...{ tag: 'Environment variables', summary: 'Replace a variable', permission: 'MANAGE', deploys: true, body: BODY },
  description: `${FACTS} Values that are not visible are sent again, or they are gone. ${USERS}`,
};
export const DELETE_VARIABLE: ApiCallFacts = {
  ...{ tag: 'Environment variables', summary: 'Delete a variable', permission: 'MANAGE', deploys: true },
  description: USERS,
};
