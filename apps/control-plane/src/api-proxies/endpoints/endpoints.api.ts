import type { ApiCallFacts } from '../../http/api-call.ts';
import { ENDPOINT, ENDPOINT_CHANGE, ENDPOINT_DELETION, ENDPOINT_IDENTIFIER } from './endpoint-requests.ts';

const USER = {
  ...{ name: '/users/{id}', httpMethod: 'GET', description: 'one user' },
  ...{ backendResourceUrl: '/people/{id}', backendHttpMethod: 'GET' },
};
const VIEW = { ...USER, endpoint: USER.name, active: true };

export const LIST_ENDPOINTS: ApiCallFacts = {
  tag: 'Endpoints',
  summary: 'The endpoints of a proxy',
  permission: 'VIEW',
  result: VIEW,
};

export const ADD_ENDPOINT: ApiCallFacts = {
  tag: 'Endpoints',
  summary: 'Adds an endpoint',
  description:
    '`name` is a path relative to the route, with at most one {parameter} in a segment. A proxy with endpoints answers 404 where none of them matches. Two endpoints that match the same requests are refused (409).',
  permission: 'MANAGE',
  body: {
    schema: ENDPOINT,
    examples: { 'with a parameter': USER, 'as it comes': { name: '/users', httpMethod: 'POST' } },
  },
  result: VIEW,
  deploys: true,
};

export const CHANGE_ENDPOINT: ApiCallFacts = {
  tag: 'Endpoints',
  summary: 'Changes an endpoint',
  description:
    'Found by `name` and `httpMethod`, which stay; what is left out or null stays too. An empty `backendResourceUrl` sends requests on under their own path again.',
  permission: 'MANAGE',
  body: {
    schema: ENDPOINT_CHANGE,
    examples: { 'another backend': { name: '/users/{id}', httpMethod: 'GET', backendResourceUrl: '/v2/people/{id}' } },
  },
  result: { ...VIEW, backendResourceUrl: '/v2/people/{id}' },
  deploys: true,
};

export const ENDPOINT_DETAILS: ApiCallFacts = {
  tag: 'Endpoints',
  summary: 'One endpoint, found by name and method',
  permission: 'VIEW',
  body: { schema: ENDPOINT_IDENTIFIER, examples: { 'by name and method': { name: '/users/{id}', httpMethod: 'GET' } } },
  result: VIEW,
};

export const DELETE_ENDPOINT: ApiCallFacts = {
  tag: 'Endpoints',
  summary: 'Deletes an endpoint',
  description: 'With policies on it this is a 409, unless `force` is true: then they go with it in the same event.',
  permission: 'MANAGE',
  body: {
    schema: ENDPOINT_DELETION,
    examples: {
      'without policies': { name: '/users/{id}', httpMethod: 'GET' },
      'with its policies': { name: '/users/{id}', httpMethod: 'GET', force: true },
    },
  },
  deploys: true,
};
