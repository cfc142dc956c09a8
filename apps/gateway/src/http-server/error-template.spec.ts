import { ERROR_TEMPLATE_VARIABLES } from '#libs/policy-contracts';
import { Rig, ask, open, proxyOf, tokenOf, verifyJwt, type ArtifactWishes } from './testing/rig.ts';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

const rig = new Rig();
afterEach(() => rig.stop());

const TEMPLATE =
  '{"error":{"code":"#FAULTCODE#","says":"#{error.defaultMessage}","status":#{error.customizedHttpCode}}}';
const SIGNING = { kty: 'oct', kid: 'k1', alg: 'HS256', k: Buffer.alloc(32, 'k').toString('base64url') };
const AUTH = { name: 'auth', policy: { type: 'policy-auth-jwt', jwtSignatureAlgorithm: 'HS256' } };
const SIGNED = { pipelines: { request: [AUTH] }, signingKeys: { auth: { signing: SIGNING, verification: [] } } };

async function serving(wishes: Partial<ArtifactWishes>) {
  const proxy = proxyOf({ addresses: ['http://127.0.0.1:1'], errorTemplate: TEMPLATE, ...wishes });
  return rig.gateway({ proxies: [proxy] });
}
const json = (body: string) => JSON.parse(body) as unknown;

describe('the error template of a proxy', () => {
  it('is the shape of the gateway’s own faults, whose status and type stay', async () => {
    const gateway = await serving({ addresses: [`http://127.0.0.1:${await rig.closedPort()}`] });
    const answer = await ask({ port: gateway.port, path: '/orders' });
    expect([answer.status, answer.headers['content-type']]).toEqual([502, 'application/json;charset=UTF-8']);
    expect(json(answer.body)).toEqual({
      error: { code: 'GWD-009', says: 'Backend API is not reachable!', status: 502 },
    });
  });

  it('is the shape of what policy-auth-jwt refuses, whose headers stay', async () => {
    const gateway = await serving(SIGNED);
    const answer = await ask({ port: gateway.port, path: '/orders' });
    expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer' });
    expect(json(answer.body)).toEqual({
      error: { code: 'ERR-044', says: 'Authentication policy failed! JWT is not valid!', status: 401 },
    });
  });

  it('is the shape of an endpoint that is not there, and of no fault before the proxy is known', async () => {
    const gateway = await serving({ endpoints: [{ name: '/users', httpMethod: 'GET' }] });
    const unknown = await ask({ port: gateway.port, path: '/orders/other' });
    expect([unknown.status, json(unknown.body)]).toMatchObject([404, { error: { code: 'ERR-006' } }]);
    const nowhere = await ask({ port: gateway.port, path: '/nowhere' });
    expect([nowhere.status, json(nowhere.body)]).toMatchObject([404, { fault: { faultCode: 'ERR-002' } }]);
  });

  it('leaves VerifyJWT’s fault and a raised one in their own form', async () => {
    const gateway = await serving({ pipelines: { request: [verifyJwt('check')] } });
    const verified = await ask({ port: gateway.port, path: '/orders' });
    expect(json(verified.body)).toHaveProperty('fault.detail.errorcode', 'steps.jwt.FailedToResolveVariable');
    const raise = { name: 'raise', policy: { type: 'policy-raise-fault', statusCode: 409, payload: '"own"' } };
    gateway.use([
      proxyOf({ addresses: ['http://127.0.0.1:1'], errorTemplate: TEMPLATE, pipelines: { request: [raise] } }),
    ]);
    const raised = await ask({ port: gateway.port, path: '/orders' });
    expect([raised.status, raised.body]).toEqual([409, '"own"']);
  });

  it('knows the request, whatever it holds, but no token of it', async () => {
    const members = ERROR_TEMPLATE_VARIABLES.map((name) => `"${name}":"#{${name}}"`);
    const gateway = await serving({ ...SIGNED, errorTemplate: `{${members.join(',')}}` });
    const request = open({
      port: gateway.port,
      path: '/orders/a%22b/7?q=%22"\\&access_token=secret',
      method: 'PUT',
      headers: { 'content-type': 'text/"plain"' },
    });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = await text(response);
    expect(body).not.toContain('secret');
    expect(json(body)).toEqual({
      'error.defaultErrorCode': 'ERR-044',
      'error.defaultMessage': 'Authentication policy failed! JWT is not valid!',
      'error.defaultHttpCode': '401',
      'error.customizedErrorCode': 'ERR-044',
      'error.customizedMessage': 'Authentication policy failed! JWT is not valid!',
      'error.customizedHttpCode': '401',
      'request.method': 'PUT',
      'request.uri': '/orders/a%22b/7',
      'request.contentType': 'text/"plain"',
      'request.remoteAddress': '127.0.0.1',
      'request.queryString': 'q=%22"\\',
      'request.pathInfo': '/a%22b/7',
      'request.contextPath': '/orders',
      'message.correlationId': response.headers['apinizer-correlation-id'],
      'apiProxy.id': 'id-of-orders',
      'apiProxy.name': 'orders',
    });
  });

  it('is applied before the ERROR pipeline, whose policies read it', async () => {
    const raise = {
      type: 'policy-raise-fault',
      statusCode: 400,
      contentType: 'text/plain',
      payload: '<{error.content}>',
    };
    const gateway = await serving({
      ...SIGNED,
      pipelines: { request: [AUTH], error: [{ name: 'raise', policy: raise }] },
      errorTemplate: '{"c":"#FAULTCODE#"}',
    });
    const answer = await ask({ port: gateway.port, path: '/orders' });
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([
      400,
      'text/plain',
      '<{"c":"ERR-044"}>',
    ]);
  });

  it('leaves a good answer alone', async () => {
    const upstream = await rig.upstream((_request, response) => response.writeHead(500).end('upstream’s own'));
    const gateway = await serving({ addresses: [upstream.url], pipelines: { request: [verifyJwt('check')] } });
    const headers = { authorization: `Bearer ${tokenOf({})}` };
    expect((await ask({ port: gateway.port, path: '/orders', headers })).body).toBe('upstream’s own');
  });
});

describe('the two error templates of a proxy', () => {
  const XML = '<e code="#FAULTCODE#">#{request.contentType}</e>';
  const answered = async (wishes: Partial<ArtifactWishes>, headers: Record<string, string>) => {
    const gateway = await serving({ addresses: [`http://127.0.0.1:${await rig.closedPort()}`], ...wishes });
    const { headers: answer, body } = await ask({ port: gateway.port, path: '/orders', headers });
    return `${answer['content-type']} ${body}`;
  };
  const asJson: unknown = expect.stringMatching(/^application\/json;charset=UTF-8 \{"error":/);
  const asXml: unknown = expect.stringMatching(/^text\/xml;charset=UTF-8 <e code="GWD-009">/);

  it.each<[string, Record<string, string>, unknown]>([
    ['JSON', { 'content-type': 'application/json' }, asJson],
    ['JSON with a parameter', { 'content-type': 'Application/JSON ; charset=utf-8' }, asJson],
    ['another kind of JSON', { 'content-type': 'application/problem+json' }, asJson],
    ['nothing', {}, asJson],
    ['nothing, and takes XML first', { accept: 'application/xml, */*' }, asXml],
    ['nothing, and takes XML too', { accept: 'application/json, application/xml' }, asJson],
    ['XML', { 'content-type': 'text/xml' }, asXml],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, asXml],
    ['something that only begins like JSON', { 'content-type': 'application/jsonx' }, asXml],
  ])('are chosen by what a client sent: %s', async (_what, headers, expected) => {
    expect(await answered({ xmlErrorTemplate: XML }, headers)).toEqual(expected);
  });

  it('are not chosen from when there is but one', async () => {
    expect(await answered({}, { 'content-type': 'text/xml' })).toEqual(asJson);
    expect(await answered({ errorTemplate: undefined, xmlErrorTemplate: XML }, {})).toEqual(asXml);
  });

  it('hold what a client sent only escaped', async () => {
    const sent = await answered({ xmlErrorTemplate: XML }, { 'content-type': 'a/"<&\'>' });
    expect(sent).toBe('text/xml;charset=UTF-8 <e code="GWD-009">a/&quot;&lt;&amp;&apos;&gt;</e>');
  });
});
