import type { ApiBody, ApiCallFacts } from '../../http/api-call.ts';
import { POLICY_DELETION, POLICY_REQUEST } from './policy-requests.ts';

/** The seed's own bodies, and the other types in its manner. */
const METADATA = {
  targetScope: 'ALL',
  targetPipeline: 'REQUEST',
  deploy: true,
  deployTargetEnvironmentNameList: ['production'],
  order: 1,
};

const AUTH_JWT = {
  type: 'policy-auth-jwt',
  description: 'JWT authentication policy - issue and validate tokens',
  active: true,
  tokenNeverExpires: false,
  tokenExpiresInAmount: 3600,
  tokenExpiresInUnit: 'SECONDS',
  refreshTokenAllowed: true,
  refreshTokenCount: 5,
  refreshTokenExpiresInAmount: 86400,
  refreshTokenExpiresInUnit: 'SECONDS',
  allowUrlParameters: false,
  managedFromThisPolicy: true,
  grantType: 'PASSWORD',
  jwtSignatureAlgorithm: 'HS256',
};

const VERIFY_JWT = {
  type: 'policy-verify-jwt',
  algorithm: ['HS256'],
  secretKey: { encoding: 'base64', ref: 'private.secretkey' },
  subject: 'monty-pythons-flying-circus',
  issuer: 'urn://apigee-edge-JWT-policy-test',
  audience: { ref: 'public.audience', value: 'fans' },
  additionalClaims: [{ name: 'show', value: 'And now for something completely different.' }],
  timeAllowance: '30s',
  forwardVariables: [{ variable: 'jwt.check-token.claim.subject', header: 'X-User' }],
};

const VERIFY_JWT_BY_JWKS = {
  type: 'policy-verify-jwt',
  algorithm: ['RS256', 'PS256'],
  publicKey: { jwks: { uri: 'https://idp.example.org/.well-known/jwks.json' } },
  issuer: 'https://idp.example.org',
  audience: 'orders',
  maxLifespan: { value: '1h', useIssueTime: true },
};

const VERIFY_ENCRYPTED_JWT = {
  type: 'policy-verify-jwt',
  algorithms: { key: 'RSA-OAEP-256', content: 'A128GCM' },
  privateKey: { ref: 'private.rsa_privatekey', passwordRef: 'private.rsa_password' },
  subject: 'subject@example.com',
  additionalHeaders: [{ name: 'moniker', value: 'Harvey' }],
  timeAllowance: '30s',
};

const XML = `<VerifyJWT name="check-token">
    <DisplayName>Check the token</DisplayName>
    <Algorithm>HS256</Algorithm>
    <Source>request.formparam.jwt</Source>
    <SecretKey encoding="base64">
        <Value ref="private.secretkey"/>
    </SecretKey>
    <Subject>monty-pythons-flying-circus</Subject>
    <AdditionalClaims>
        <Claim name="show">And now for something completely different.</Claim>
    </AdditionalClaims>
</VerifyJWT>
`;

const RAISE_FAULT = {
  type: 'policy-raise-fault',
  condition: 'jwt.check-token.valid = false',
  statusCode: 403,
  reasonPhrase: 'Forbidden',
  contentType: 'application/json',
  payload: '{"error":"no access","user":"{jwt.check-token.claim.subject}"}',
};

const request = (policy: object) => ({ operationMetadata: METADATA, policy });

const BODY: ApiBody = {
  schema: POLICY_REQUEST,
  examples: {
    'policy-auth-jwt': request(AUTH_JWT),
    'policy-verify-jwt': request(VERIFY_JWT),
    'policy-verify-jwt with a key set by its address': request(VERIFY_JWT_BY_JWKS),
    'policy-verify-jwt for encrypted tokens': request(VERIFY_ENCRYPTED_JWT),
    'policy-verify-jwt as XML': request({ type: 'policy-verify-jwt', xml: XML }),
    'policy-raise-fault': request(RAISE_FAULT),
    'in waves': {
      operationMetadata: {
        ...{ targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: true },
        deployStrategy: { waves: [['staging'], ['production']], stopOnFailure: true, minAppliedPercent: 100 },
      },
      policy: AUTH_JWT,
    },
    'for one endpoint, recorded only': {
      operationMetadata: {
        targetScope: 'ENDPOINT',
        targetEndpoint: '/api/users',
        targetEndpointHTTPMethod: 'GET',
        targetPipeline: 'REQUEST',
        deploy: false,
      },
      policy: AUTH_JWT,
    },
  },
  mediaTypes: ['application/json', 'application/xml'],
};

const CHANGE_QUERY = {
  targetScope: { description: 'With an XML body: ALL or ENDPOINT' },
  targetEndpoint: { description: 'With an XML body: path of the endpoint, with targetScope ENDPOINT' },
  targetEndpointHTTPMethod: { description: 'With an XML body: method of the endpoint, with targetScope ENDPOINT' },
  targetPipeline: { description: 'With an XML body: REQUEST, RESPONSE or ERROR' },
  deploy: { description: 'With an XML body: true (default) or false' },
  deployTargetEnvironmentNameList: { description: 'With an XML body: names of environments, with commas between them' },
  order: {
    description: 'With an XML body: place among the policies there, from 1; left out: last (changing: as it is)',
  },
};

const XML_DESCRIPTION =
  'A `policy-verify-jwt` may also come as an Apigee VerifyJWT document: in the member `xml`, or as a body of type ' +
  '`application/xml` with `operationMetadata` in the query. All three ways are stored in one form. ';

const WAVES =
  ' With `deployStrategy` the environments of its waves take the place of the list: a wave begins when the one before it ' +
  'is acknowledged, and `deploymentResult.id` names the whole.';

const SHOWN = {
  policy: { ...AUTH_JWT, name: 'jwt-auth-policy' },
  warnings: [],
  operationMetadata: {
    targetScope: 'ALL',
    targetEndpoint: null,
    targetEndpointHTTPMethod: null,
    targetPipeline: 'REQUEST',
    order: 1,
  },
};

export const POLICY_CALLS = {
  list: {
    tag: 'Policies',
    summary: 'Policies of a proxy, in execution order',
    permission: 'VIEW',
    result: {
      apiProxy: {
        name: 'MyAPI',
        requestPolicyList: [{ ...AUTH_JWT, name: 'jwt-auth-policy', order: 1 }],
        responsePolicyList: [],
        errorPolicyList: [],
      },
      endpointList: [],
    },
  },
  one: {
    tag: 'Policies',
    summary: 'One policy, where it stands and what is risky about it',
    description:
      'With `Accept: application/xml` a `policy-verify-jwt` comes as an Apigee VerifyJWT document, which posted again ' +
      'gives the same policy; a policy of another type has no such form (406).',
    permission: 'VIEW',
    result: SHOWN,
  },
  add: {
    tag: 'Policies',
    summary: 'Add a policy',
    description: `${XML_DESCRIPTION}\`order\` left out or beyond the end: last; the others shift.${WAVES}`,
    permission: 'MANAGE',
    query: CHANGE_QUERY,
    body: BODY,
    deploys: true,
  },
  replace: {
    tag: 'Policies',
    summary: 'Replace a policy as a whole; it may move',
    description: `${XML_DESCRIPTION}\`type\` cannot change; \`order\` left out: it keeps its place.${WAVES}`,
    permission: 'MANAGE',
    query: CHANGE_QUERY,
    body: BODY,
    deploys: true,
  },
  remove: {
    tag: 'Policies',
    summary: 'Remove a policy',
    description: 'At another place than the one named it is not found. `deploy` is false unless it says otherwise.',
    permission: 'MANAGE',
    query: {
      targetScope: { description: 'Without a body: ALL or ENDPOINT' },
      targetEndpoint: { description: 'Without a body: path of the endpoint' },
      targetEndpointHTTPMethod: { description: 'Without a body: method of the endpoint' },
      targetPipeline: { description: 'Without a body: REQUEST, RESPONSE or ERROR' },
      deploy: { description: 'Without a body: true or false (default)' },
      deployTargetEnvironmentNameList: { description: 'Without a body: names of environments, with commas' },
    },
    body: {
      schema: POLICY_DELETION,
      required: false,
      examples: {
        recorded: { operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: false } },
        deployed: { operationMetadata: { targetScope: 'ALL', targetPipeline: 'REQUEST', deploy: true } },
      },
    },
    deploys: true,
  },
} as const satisfies Readonly<Record<string, ApiCallFacts>>;
