import { POLICY_CALLS } from '../src/api-proxies/policies/policies.api.ts';
import { METADATA, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

/** Apigee's own first sample, and one with everything that needs care on its way through XML. */
const SAMPLE = `<VerifyJWT name="NAME">
    <DisplayName>JWT Verify HS256</DisplayName>
    <Algorithm>HS256</Algorithm>
    <Source>request.formparam.jwt</Source>
    <IgnoreUnresolvedVariables>false</IgnoreUnresolvedVariables>
    <SecretKey encoding="base64">
        <Value ref="private.secretkey"/>
    </SecretKey>
    <Subject>monty-pythons-flying-circus</Subject>
    <Issuer>urn://apigee-edge-JWT-policy-test</Issuer>
    <Audience>fans</Audience>
    <AdditionalClaims>
        <Claim name="show">And now for something completely different.</Claim>
    </AdditionalClaims>
</VerifyJWT>`;
const sampleOf = (name: string): string => SAMPLE.replace('NAME', name);

const SAMPLE_AS_JSON = {
  type: 'policy-verify-jwt',
  displayName: 'JWT Verify HS256',
  algorithm: ['HS256'],
  source: 'request.formparam.jwt',
  secretKey: { encoding: 'base64', ref: 'private.secretkey' },
  subject: 'monty-pythons-flying-circus',
  issuer: 'urn://apigee-edge-JWT-policy-test',
  audience: 'fans',
  additionalClaims: [{ name: 'show', value: 'And now for something completely different.' }],
};

const XML = { 'content-type': 'application/xml' };
const QUERY = '?targetScope=ALL&targetPipeline=REQUEST&deploy=false';

let one: RunningControlPlane;
let count = 0;

/** Path of a new proxy's policies. */
async function newProxy(): Promise<string> {
  const name = `proxy-${(count += 1)}`;
  await one.done('POST', '/projects/p/apiProxies/url/', proxyBody(name));
  return `/projects/p/apiProxies/${name}/policies`;
}

const faultsOf = (answer: Answer): string[] =>
  (answer.body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`);
const shown = async (path: string): Promise<Record<string, unknown>> =>
  (await one.done('GET', path)).resultList[0] as Record<string, unknown>;
const policyAt = async (path: string) => ({ ...((await shown(path))['policy'] as object), name: '' });

/** An answer as it is, JSON or not. */
async function raw(path: string, accept: string) {
  const headers = { authorization: `Bearer ${one.adminToken}`, accept };
  const {
    statusCode,
    headers: received,
    body,
  } = await one.app.inject({ method: 'GET', url: `/apiops${path}`, headers });
  return { status: statusCode, type: received['content-type'], vary: received.vary, etag: received.etag, text: body };
}

beforeAll(async () => {
  one = await RunningControlPlane.start();
  await one.done('POST', '/projects/', { name: 'p' });
});
afterAll(() => one.close());

describe('POST and PUT X/policies/{policyName}/ with policy-verify-jwt, three ways in', () => {
  it('store one form, whichever way it came', async () => {
    const at = await newProxy();
    await one.done('POST', `${at}/json/`, { operationMetadata: METADATA, policy: SAMPLE_AS_JSON });
    const policy = { type: 'policy-verify-jwt', xml: sampleOf('member') };
    await one.done('POST', `${at}/member/`, { operationMetadata: METADATA, policy });
    await one.done('POST', `${at}/body/${QUERY}`, sampleOf('body'), XML);
    expect(await policyAt(`${at}/member/`)).toEqual(await policyAt(`${at}/json/`));
    expect(await policyAt(`${at}/body/`)).toEqual(await policyAt(`${at}/json/`));
    const stored = (await one.events()).filter(({ type }) => type === 'PolicyAdded').slice(-3);
    const [first, ...others] = stored.map(({ data }) => data['policy']);
    expect(others).toEqual([first, first]);
    expect(JSON.stringify(stored)).not.toContain('<');
  });

  it('takes text/xml, and operationMetadata in the query: endpoint, order, environments', async () => {
    const at = await newProxy();
    const endpoint = { name: '/a', httpMethod: 'GET', deploy: false };
    await one.done('POST', `${at.replace('/policies', '/endpoints')}/`, endpoint);
    const query =
      '?targetScope=ENDPOINT&targetEndpoint=%2Fa&targetEndpointHTTPMethod=GET&targetPipeline=REQUEST&deploy=false&order=1';
    const { name: environment } = await one.environment();
    await one.done('POST', `${at}/second/${query}`, sampleOf('second'), XML);
    const list = `&deployTargetEnvironmentNameList=${environment}`;
    await one.done('POST', `${at}/first/${query}${list}`, sampleOf('first'), {
      'content-type': 'text/xml; charset=utf-8',
    });
    expect(await shown(`${at}/second/`)).toMatchObject({
      operationMetadata: { targetScope: 'ENDPOINT', targetEndpoint: '/a', targetEndpointHTTPMethod: 'GET', order: 2 },
    });
    const moved = `${at}/second/${query.replace('&order=1', '')}`;
    await one.done('PUT', moved, sampleOf('second').replace('fans', 'others'), XML);
    expect(await shown(`${at}/second/`)).toMatchObject({
      policy: { audience: { value: 'others' } },
      operationMetadata: { order: 2 },
    });
  });

  it('deploys as the query says, by default: yes', async () => {
    const at = await newProxy();
    const { name: environment } = await one.environment();
    const query = `?targetScope=ALL&targetPipeline=REQUEST&deployTargetEnvironmentNameList=${environment}`;
    const { deploymentResult } = await one.done('POST', `${at}/a/${query}`, sampleOf('a'), XML);
    expect(deploymentResult.deploymentResults.map(({ environmentName }) => environmentName)).toEqual([environment]);
  });

  it('says every fault at once, of the document and of the query, and stores nothing', async () => {
    const at = await newProxy();
    const broken = SAMPLE.replace('fans', '<b/>').replace('name="show"', 'name="iss"').replace('HS256</Al', 'none</Al');
    const query =
      '?targetScope=all&order=0&deploy=maybe&deployTargetEnvironmentNameList=nowhere,else&colour=red&deploy=false';
    const answer = await one.call('POST', `${at}/a/${query}`, broken, XML);
    expect(answer.status).toBe(400);
    expect(faultsOf(answer).sort()).toEqual([
      'operationMetadata.colour unknown_field',
      'operationMetadata.deploy wrong_type',
      'operationMetadata.deployTargetEnvironmentNameList[0] unknown_environment',
      'operationMetadata.deployTargetEnvironmentNameList[1] unknown_environment',
      'operationMetadata.order out_of_range',
      'operationMetadata.targetPipeline required',
      'operationMetadata.targetScope invalid_value',
      'policy.additionalClaims.claims[0].name InvalidNameForAdditionalClaim',
      'policy.algorithm InvalidValueForElement',
      'policy.audience invalid',
      'policy.name name_mismatch',
    ]);
    expect((await one.call('GET', `${at}/a/`)).status).toBe(404);
  });

  it.each([
    ['<VerifyJWT', 'policy.xml invalid_xml'],
    ['<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><VerifyJWT>&b;</VerifyJWT>', 'policy.xml invalid_xml'],
    ['', 'policy.xml invalid_xml'],
  ])('refuses what is no document: %j', async (xml, fault) => {
    const at = await newProxy();
    const answer = await one.call('POST', `${at}/a/${QUERY}`, xml, XML);
    expect([answer.status, ...faultsOf(answer)]).toEqual([400, fault]);
    expect(answer.text).not.toContain('passwd');
  });

  it('asks for operationMetadata when the query is empty', async () => {
    const answer = await one.call('POST', `${await newProxy()}/a/`, sampleOf('a'), XML);
    expect([answer.status, ...faultsOf(answer)]).toEqual([400, 'operationMetadata required']);
  });

  it('takes no form: 415', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await one.call('POST', `${await newProxy()}/a/${QUERY}`, 'a=b', form)).status).toBe(415);
  });

  it('warns of what Apigee ignores', async () => {
    const xml = sampleOf('a')
      .replace('<VerifyJWT', '<VerifyJWT async="false"')
      .replace('<Source>', '<FaultRules/><Source>');
    const { warnings } = await one.done('POST', `${await newProxy()}/a/${QUERY}`, xml, XML);
    expect(warnings?.map(({ field }) => field).sort()).toEqual(['policy.async', 'policy.faultRules']);
  });
});

describe('GET X/policies/{policyName}/ with Accept: application/xml', () => {
  const RICH = {
    ...SAMPLE_AS_JSON,
    description: 'with <everything> & "more"\r\n ',
    active: false,
    condition: 'request.verb = "GET" && request.header.a != null',
    forwardVariables: [{ variable: 'jwt.a.claim.sub', header: 'X-User' }],
    continueOnError: true,
    allowedJwksHosts: ['idp.example.org'],
    maxLifespan: { value: '1h', ref: 'v', useIssueTime: true },
    requiredClaims: ['sub', 'exp'],
  };

  it('gives a document that posted again is the same policy', async () => {
    const at = await newProxy();
    await one.done('POST', `${at}/a/`, { operationMetadata: METADATA, policy: RICH });
    const before = await policyAt(`${at}/a/`);
    const { status, type, vary, etag, text } = await raw(`${at}/a/`, 'application/xml');
    expect({ status, type, vary, etag }).toEqual({
      ...{ status: 200, type: 'application/xml; charset=utf-8', vary: 'Accept', etag: '"2"' },
    });
    expect(text).toContain('<Property name="gatewarden.condition">request.verb = "GET" &amp;&amp; ');
    await one.done('DELETE', `${at}/a/?targetScope=ALL&targetPipeline=REQUEST`);
    await one.done('POST', `${at}/a/${QUERY}`, text, XML);
    expect(await policyAt(`${at}/a/`)).toEqual(before);
    expect((await raw(`${at}/a/`, 'text/xml')).text).toBe(text);
    await one.done('PUT', `${at}/a/`, {
      operationMetadata: METADATA,
      policy: { type: 'policy-verify-jwt', xml: text },
    });
    expect(await policyAt(`${at}/a/`)).toEqual(before);
  });

  it('gives JSON where JSON is welcome', async () => {
    const at = await newProxy();
    await one.done('POST', `${at}/a/${QUERY}`, sampleOf('a'), XML);
    for (const accept of ['*/*', 'application/json', 'application/xml;q=0.5, application/json']) {
      expect((await raw(`${at}/a/`, accept)).type).toContain('application/json');
    }
  });

  it('is 406 for a policy of another type, 404 for none', async () => {
    const at = await newProxy();
    await one.done('POST', `${at}/a/`, policyBody());
    const answer = await raw(`${at}/a/`, 'application/xml');
    expect(answer.status).toBe(406);
    expect(JSON.parse(answer.text)).toMatchObject({ success: false, status: 'FAILURE', error: 'not_acceptable' });
    expect((await raw(`${at}/a/`, 'application/xml, */*;q=0.1')).status).toBe(200);
    expect((await raw(`${at}/b/`, 'application/xml')).status).toBe(404);
  });
});

describe('policy-raise-fault', () => {
  const RAISE_FAULT = { type: 'policy-raise-fault', statusCode: 403, payload: '{"user":"{jwt.a.claim.sub}"}' };
  const request = (members: object = {}) => ({ operationMetadata: METADATA, policy: { ...RAISE_FAULT, ...members } });

  it('goes through POST, GET, PUT and DELETE X/policies/{policyName}/ and GET X/policies/', async () => {
    const at = await newProxy();
    await one.done('POST', `${at}/deny/`, request());
    const stored = { ...RAISE_FAULT, active: true, contentType: 'application/json', forwardVariables: [] };
    expect(await shown(`${at}/deny/`)).toMatchObject({ policy: { ...stored, name: 'deny' }, warnings: [] });
    await one.done('PUT', `${at}/deny/`, request({ statusCode: 451, reasonPhrase: 'No' }));
    const [list] = (await one.done('GET', `${at}/`)).resultList;
    expect(list).toMatchObject({
      apiProxy: { requestPolicyList: [{ ...stored, statusCode: 451, reasonPhrase: 'No', name: 'deny', order: 1 }] },
    });
    await one.done('DELETE', `${at}/deny/`, { operationMetadata: METADATA });
    expect((await one.call('GET', `${at}/deny/`)).status).toBe(404);
  });

  it('is refused with every fault, and cannot become another type', async () => {
    const at = await newProxy();
    const answer = await one.call(
      'POST',
      `${at}/deny/`,
      request({ statusCode: 99, reasonPhrase: 'a\r\nb', xml: '<a/>' }),
    );
    expect(faultsOf(answer).sort()).toEqual([
      'policy.reasonPhrase invalid',
      'policy.statusCode out_of_range',
      'policy.xml unknown_field',
    ]);
    await one.done('POST', `${at}/deny/`, request());
    expect(faultsOf(await one.call('PUT', `${at}/deny/`, policyBody()))).toEqual(['policy.type type_changed']);
  });

  it('stands in the list of known types that an unknown type is answered with', async () => {
    const policy = { type: 'policy-quota' };
    const answer = await one.call('POST', `${await newProxy()}/a/`, { operationMetadata: METADATA, policy });
    expect(answer.body.error_description).toBe(
      'policy.type must be one of policy-auth-jwt, policy-verify-jwt, policy-raise-fault',
    );
  });
});

describe('warnings at save time', () => {
  const fields = (answer: Answer['body']) => (answer.warnings ?? []).map(({ field }) => field);

  it('POST, PUT and GET say that one of several issuing policies issues', async () => {
    const at = await newProxy();
    const lasting = { tokenNeverExpires: false, tokenExpiresInAmount: 1, tokenExpiresInUnit: 'HOURS' };
    expect(fields(await one.done('POST', `${at}/a/`, policyBody({}, lasting)))).toEqual([]);
    const expected = ['policy.managedFromThisPolicy'];
    expect(fields(await one.done('POST', `${at}/b/`, policyBody({}, lasting)))).toEqual(expected);
    expect(fields(await one.done('PUT', `${at}/a/`, policyBody({}, lasting)))).toEqual(expected);
    expect(await shown(`${at}/b/`)).toMatchObject({
      warnings: [{ message: 'only verifies: a comes first and issues the tokens of this proxy' }],
    });
    expect(fields(await one.done('PUT', `${at}/b/`, policyBody({}, { ...lasting, active: false })))).toEqual([]);
  });

  it('POST says that policy-auth-jwt protects nothing outside REQUEST, and accepts it', async () => {
    const at = await newProxy();
    const answer = await one.done('POST', `${at}/a/`, policyBody({ targetPipeline: 'RESPONSE' }));
    expect(fields(answer)).toContain('operationMetadata.targetPipeline');
  });
});

describe('the policy calls of the seed', () => {
  it.each(Object.entries(POLICY_CALLS.add.body.examples))('POST takes the documented body: %s', async (_, example) => {
    const at = await newProxy();
    const request = example as { operationMetadata: object; policy: object };
    const endpoint = { name: '/api/users', httpMethod: 'GET', deploy: false };
    await one.done('POST', `${at.replace('/policies', '/endpoints')}/`, endpoint);
    // The environments that it names are not here.
    const nowhere = { deployTargetEnvironmentNameList: [], deployStrategy: null };
    const operationMetadata = { ...request.operationMetadata, ...nowhere };
    await one.done('POST', `${at}/check-token/`, { ...request, operationMetadata });
  });

  it('PUT with order null keeps the place, beyond the end is last, below 1 is 400', async () => {
    const at = await newProxy();
    for (const name of ['a', 'b', 'c']) await one.done('POST', `${at}/${name}/`, policyBody());
    const orderAfter = async (order: number | null) => {
      await one.done('PUT', `${at}/b/`, policyBody({ order }));
      return ((await shown(`${at}/b/`))['operationMetadata'] as { order: number }).order;
    };
    expect([await orderAfter(null), await orderAfter(99), await orderAfter(1)]).toEqual([2, 3, 1]);
    const answer = await one.call('PUT', `${at}/b/`, policyBody({ order: 0 }));
    expect(faultsOf(answer)).toEqual(['operationMetadata.order out_of_range']);
  });

  it('DELETE checks every environment name with its other faults, deployed or not', async () => {
    const at = await newProxy();
    await one.done('POST', `${at}/a/`, policyBody());
    const operationMetadata = { ...METADATA, targetScope: 'x', deployTargetEnvironmentNameList: ['nowhere'] };
    expect(faultsOf(await one.call('DELETE', `${at}/a/`, { operationMetadata }))).toEqual([
      'operationMetadata.targetScope invalid_value',
      'operationMetadata.deployTargetEnvironmentNameList[0] unknown_environment',
    ]);
    expect((await one.call('DELETE', `${at}/a/`, 'a', XML)).status).toBe(415);
    expect((await one.call('GET', `${at}/a/`)).status).toBe(200);
  });

  it('POST takes every member of policy-auth-jwt for the check of revocations', async () => {
    const at = await newProxy();
    const bounded = { revocationCheck: 'boundedStale', revocationStaleSeconds: 30 };
    await one.done('POST', `${at}/a/`, policyBody({}, bounded));
    expect(await shown(`${at}/a/`)).toMatchObject({ policy: bounded });
    const answer = await one.call('PUT', `${at}/a/`, policyBody({}, { revocationCheck: 'boundedStale' }));
    expect(faultsOf(answer)).toEqual(['policy.revocationStaleSeconds required']);
  });
});
