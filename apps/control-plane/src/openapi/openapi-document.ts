import { z } from 'zod';
import { failure } from '../http/envelope.ts';
import type { ApiBody, ApiCallFacts, ApiTag } from '../http/api-call.ts';
import { ANSWER_SCHEMAS, FAILURE_CASES } from './answer-components.ts';
import type { DocumentedCall } from './documented-calls.ts';

/** Any JSON. */
type Json = Readonly<Record<string, unknown>>;

const ref = (section: 'schemas' | 'responses' | 'parameters', name: string): Json => ({
  $ref: `#/components/${section}/${name}`,
});

/** "Anything, or null" is anything. */
const isAnything = (schema: object): boolean => Object.keys(schema).length === 0;

/** What the schema takes in, as JSON Schema 2020-12, which OpenAPI 3.1 speaks. */
export function jsonSchemaOf(schema: z.ZodType): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.anyOf?.some(isAnything) === true) delete jsonSchema.anyOf;
    },
  });
  return rest;
}

const MEANINGS: Readonly<Record<string, string>> = {
  projectName: 'Name of the project.',
  apiProxyName: 'Name of the API proxy in the project.',
  policyName: 'Name of the policy, unique in the proxy.',
  environmentName: 'Name of the environment.',
  username: 'Name of the credential.',
};

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
    ...(MEANINGS[name] === undefined ? {} : { description: MEANINGS[name] }),
  }));
}

const queryParameters = (facts: ApiCallFacts): Json[] =>
  Object.entries(facts.query ?? {}).map(([name, { description, required }]) => ({
    ...{ name, in: 'query', description, required: required ?? false, schema: { type: 'string' } },
  }));

const WRITE_PARAMETERS = ['IdempotencyKey', 'IfMatch', 'ChangeReason'];
const isWrite = (method: string): boolean => method !== 'get';

function contentOf({ schema, examples, mediaTypes = ['application/json'] }: ApiBody): Json {
  const described = {
    schema: jsonSchemaOf(schema),
    examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
  };
  const words = { schema: { type: 'string' } };
  return Object.fromEntries(mediaTypes.map((type) => [type, type === 'application/json' ? described : words]));
}

function exampleAnswer({ result, deploys = false }: ApiCallFacts): Json {
  return {
    ...{ success: true, status: 'SUCCESS' },
    ...(result === undefined ? {} : { resultList: [result], resultCount: 1 }),
    ...(deploys ? { deploymentResult: { success: true, deploymentResults: [] } } : {}),
  };
}

const PUBLIC_STATUSES = [400];
const READ_STATUSES = [400, 401, 403, 404, 429, 503];
const WRITE_STATUSES = [400, 401, 403, 404, 409, 413, 415, 429, 503];

function statusesOf(method: string, { isPublic = false }: ApiCallFacts): readonly number[] {
  if (isWrite(method)) return isPublic ? WRITE_STATUSES.filter((status) => status !== 403) : WRITE_STATUSES;
  return isPublic ? PUBLIC_STATUSES : READ_STATUSES;
}

function successContent(facts: ApiCallFacts): Json {
  if (facts.answer === undefined) {
    return { 'application/json': { schema: ref('schemas', 'Success'), example: exampleAnswer(facts) } };
  }
  const { mediaType, example } = facts.answer;
  const schema = { type: mediaType === 'application/json' ? 'object' : 'string' };
  return { [mediaType]: { schema, ...(example === undefined ? {} : { example }) } };
}

function answersOf(method: string, facts: ApiCallFacts): Json {
  const statuses = statusesOf(method, facts);
  return {
    200: {
      description: 'Done.',
      headers: { 'X-Request-Id': { schema: { type: 'string' }, description: 'Also in the log and in the event.' } },
      content: successContent(facts),
    },
    ...Object.fromEntries(statuses.map((status) => [status, ref('responses', FAILURE_CASES[status]?.name ?? '')])),
  };
}

function needs({ permission, isPublic = false }: ApiCallFacts): string {
  if (isPublic) return 'Needs no token.';
  return permission === 'ANY_TOKEN' ? 'Needs any valid token.' : `Needs ${permission}.`;
}

function operationOf({ method, path, operationId, facts }: DocumentedCall): Json {
  const { tag, summary, description, body, isPublic = false } = facts;
  return {
    ...{ operationId, tags: [tag], summary, description: [description, needs(facts)].filter(Boolean).join('\n\n') },
    ...(isPublic ? { security: [] } : {}),
    parameters: [
      ...pathParameters(path),
      ...queryParameters(facts),
      // A sign-in records nothing that could be done twice, come too late or need a reason.
      ...(isWrite(method) && !isPublic ? WRITE_PARAMETERS.map((name) => ref('parameters', name)) : []),
    ],
    ...(body === undefined ? {} : { requestBody: { required: body.required ?? true, content: contentOf(body) } }),
    responses: answersOf(method, facts),
  };
}

function pathsOf(calls: readonly DocumentedCall[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const call of calls) (paths[call.path] ??= {})[call.method] = operationOf(call);
  return paths;
}

/** Without an `example`: the page to try calls at would send it, and be answered with a 409. */
const header = (name: string, description: string): Json => ({
  ...{ name, in: 'header', required: false, description, schema: { type: 'string' } },
});

const PARAMETERS = {
  IdempotencyKey: header(
    'Idempotency-Key',
    'The same key with the same body is carried out once; kept 24 hours. For example `release-42`.',
  ),
  IfMatch: header('If-Match', 'Revision that is to be changed, like `"3"`; another one there is a 409.'),
  ChangeReason: header('X-Change-Reason', 'Why, for example `ticket 42`; it is kept in the event.'),
};

const RESPONSES = Object.fromEntries(
  Object.values(FAILURE_CASES).map(({ name, description, error, message, faults }) => [
    name,
    {
      description,
      content: { 'application/json': { schema: ref('schemas', 'Failure'), example: failure(error, message, faults) } },
    },
  ]),
);

const TAGS: Readonly<Record<ApiTag, string>> = {
  Tokens: 'Tokens of this API, and signing in with one.',
  Projects: 'Tenants: whatever has a name belongs to one.',
  Environments: 'Fleets of gateways with a Redis of their own, and the keys of the gateways.',
  'API proxies': 'What gateways serve: routes, upstream addresses, policies.',
  Endpoints: 'Paths and methods of a proxy, for policies of their own.',
  Policies: 'policy-auth-jwt, policy-verify-jwt and policy-raise-fault, in order, per pipeline.',
  Settings: 'One setting of a proxy at a time.',
  Credentials: 'Users and clients of the token service.',
  'Environment variables': 'Values that policies name, per environment or for all.',
  Keys: 'Keys of a project that sign and verify tokens.',
  Deployments: 'From the recorded change to the gateways, and what became of it.',
  History: 'What was, who changed it and why, and how to put it back.',
  Documentation: 'This document and its page.',
};

/** The whole API as OpenAPI 3.1. */
export function openApiDocument(calls: readonly DocumentedCall[], version: string): Json {
  const tags = [...new Set(calls.map(({ facts }) => facts.tag))].sort();
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatewarden apiops',
      version,
      summary: 'Management API: policies on API proxies, and everything they need',
      description: 'Names and shapes are Apinizer’s management API. Paths end in `/`; the form without it works too.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This control plane' }],
    security: [{ bearer: [] }],
    tags: tags.map((name) => ({ name, description: TAGS[name] })),
    paths: pathsOf(calls),
    components: {
      schemas: ANSWER_SCHEMAS,
      responses: RESPONSES,
      parameters: PARAMETERS,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token of `POST /apiops/tokens/`, or ADMIN_TOKEN.' },
      },
    },
  };
}
