/** JSON Schemas of what every call answers with (contract part 4); OpenAPI 3.1 takes them as they are. */
const text = { type: 'string' } as const;
const count = { type: 'integer', minimum: 0 } as const;

const Warning = {
  type: 'object',
  description: 'Something was accepted that has no effect or is risky.',
  properties: { field: text, message: text },
  required: ['field', 'message'],
};

const GatewayWarning = {
  type: 'object',
  description:
    'A gateway applied the deployment and has not got a key set that a policy of it names: that is still being fetched, or ' +
    'cannot be. It is tried again by itself; tokens that need it are refused until it is there.',
  properties: {
    gatewayId: text,
    address: { ...text, description: 'Origin and path.' },
    state: { type: 'string', enum: ['fetching', 'failed'] },
    reason: { type: ['string', 'null'], description: 'Why the fetch failed; null while it goes on.' },
  },
  required: ['gatewayId', 'address', 'state', 'reason'],
};

const GatewayCounts = {
  type: 'object',
  properties: { live: count, applied: count, rejected: count, pending: count },
  required: ['live', 'applied', 'rejected', 'pending'],
};

const EnvironmentDeploymentResult = {
  type: 'object',
  properties: {
    environmentName: text,
    success: { type: 'boolean' },
    message: { ...text, description: 'What happened and what happens next, in one sentence.' },
    deployment: {
      type: ['integer', 'null'],
      description: 'Number of the deployment in its environment; null while its wave has not begun.',
    },
    revision: count,
    deploymentId: {
      type: ['string', 'null'],
      description: 'What `GET /apiops/deployments/{id}/` takes; null while there is no number.',
    },
    wave: { ...count, description: 'From 1; only in waves.' },
    gateways: { $ref: '#/components/schemas/GatewayCounts' },
    detailList: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          gatewayId: text,
          success: { type: 'boolean' },
          detail: text,
          responseTime: { type: ['integer', 'null'], description: 'Milliseconds; null while there is no answer.' },
        },
        required: ['gatewayId', 'success', 'detail', 'responseTime'],
      },
    },
    warnings: {
      type: 'array',
      items: { $ref: '#/components/schemas/GatewayWarning' },
      description:
        'What gateways lack although they applied it; `GET /apiops/deployments/{id}/` says what they lack now.',
    },
  },
  required: ['environmentName', 'success', 'message'],
};

const DeploymentResult = {
  type: 'object',
  description: 'A deployment that fails or waits never undoes the recorded change.',
  properties: {
    id: { ...text, description: 'Of a deployment in waves: what `GET /apiops/deployments/{id}/` takes.' },
    success: { type: 'boolean' },
    deploymentResults: { type: 'array', items: { $ref: '#/components/schemas/EnvironmentDeploymentResult' } },
  },
  required: ['success', 'deploymentResults'],
};

const Success = {
  type: 'object',
  properties: {
    success: { const: true },
    status: { const: 'SUCCESS' },
    resultList: { type: 'array' },
    resultCount: count,
    deploymentResult: { $ref: '#/components/schemas/DeploymentResult' },
    warnings: { type: 'array', items: { $ref: '#/components/schemas/Warning' } },
  },
  required: ['success', 'status'],
};

const ValidationError = {
  type: 'object',
  properties: {
    field: { ...text, description: 'Path of the member: `policy.tokenExpiresInUnit`.' },
    code: { ...text, description: 'Stable; for policy-verify-jwt the name of Apigee’s deployment error.' },
    message: text,
  },
  required: ['field', 'code', 'message'],
};

const Failure = {
  type: 'object',
  properties: {
    success: { const: false },
    status: { const: 'FAILURE' },
    error: text,
    error_description: text,
    resultMessage: text,
    validation_errors: { type: 'array', items: { $ref: '#/components/schemas/ValidationError' } },
  },
  required: ['success', 'status', 'error', 'error_description', 'resultMessage'],
};

export const ANSWER_SCHEMAS = {
  ...{ Success, Failure, Warning, ValidationError },
  ...{ DeploymentResult, EnvironmentDeploymentResult, GatewayCounts, GatewayWarning },
};

interface FailureCase {
  readonly name: string;
  readonly description: string;
  readonly error: string;
  readonly message: string;
  readonly faults?: readonly { readonly field: string; readonly code: string; readonly message: string }[];
}

/** Every failure that a call may answer with, by status (the contract's table). */
export const FAILURE_CASES: Readonly<Record<number, FailureCase>> = {
  400: {
    name: 'Invalid',
    description: 'The body or a parameter is not valid: every fault at once, nothing is stored.',
    error: 'validation_failed',
    message:
      'policy.tokenExpiresInUnit must be one of MILLI_SECONDS, SECONDS, MINUTES, HOURS, DAYS, WEEKS, MONTHS, YEARS',
    faults: [
      {
        field: 'policy.tokenExpiresInUnit',
        code: 'invalid_value',
        message:
          'policy.tokenExpiresInUnit must be one of MILLI_SECONDS, SECONDS, MINUTES, HOURS, DAYS, WEEKS, MONTHS, YEARS',
      },
    ],
  },
  401: {
    name: 'Unauthorized',
    description: 'No token, or one that is unknown, expired or revoked.',
    error: 'unauthorized_client',
    message: 'Token is not valid',
  },
  403: {
    name: 'Denied',
    description: 'The token lacks the permission in that project.',
    error: 'access_denied',
    message: 'User does not have required permission for this operation!',
  },
  404: {
    name: 'NotFound',
    description: 'What the path names does not exist.',
    error: 'not_found',
    message: 'ApiProxy (name: orders) does not exist',
  },
  409: {
    name: 'Conflict',
    description:
      'Name or route taken, another revision than `If-Match` names, a key reused with another body, still in use.',
    error: 'conflict',
    message: 'If-Match names revision 3, the ApiProxy is at revision 4',
  },
  413: {
    name: 'TooLarge',
    description: 'The body is larger than 1 MiB.',
    error: 'payload_too_large',
    message: 'the body is larger than 1 MiB',
  },
  415: {
    name: 'UnsupportedMediaType',
    description: 'The body has a media type that the call does not take.',
    error: 'unsupported_media_type',
    message: 'send the body as application/json',
  },
  429: {
    name: 'TooManyRequests',
    description: 'Too many failed sign-ins from this address; `Retry-After` says when to come again.',
    error: 'too_many_requests',
    message: 'too many failed authentications from this address',
  },
  503: {
    name: 'Unavailable',
    description: 'The database cannot be reached: nothing was recorded.',
    error: 'unavailable',
    message: 'the database cannot be reached; nothing was recorded',
  },
};
