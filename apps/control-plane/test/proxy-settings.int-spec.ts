import { ERROR_TEMPLATE_VARIABLES } from '#libs/policy-contracts';
import { FakeGateway } from './testing/fake-gateway.ts';
import { proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';

const PROXIES = '/projects/shop/apiProxies';
const at = (setting: string, proxy = 'orders') => `${PROXIES}/${proxy}/settings/${setting}/`;
const faultsOf = ({ body }: Answer): string[] =>
  (body.validation_errors ?? []).map(({ field, code }) => `${field} ${code}`).sort();
const warned = (body: Answer['body']): string[] => (body.warnings ?? []).map(({ field }) => field).sort();

let plane: RunningControlPlane;

beforeAll(async () => {
  plane = await RunningControlPlane.start({ deployTimeoutMs: 3_000 });
  await plane.done('POST', '/projects/', { name: 'shop' });
});
afterAll(() => plane.close());
beforeEach(async () => {
  await plane.call('DELETE', `${PROXIES}/orders/`);
  await plane.done('POST', `${PROXIES}/url/`, proxyBody('orders', { apiProxyDescription: 'kept' }));
});

const proxyNow = async () => (await plane.done('GET', `${PROXIES}/orders/`)).resultList[0];
const template = (text: string) => ({ jsonErrorResponseTemplateActive: true, jsonValue: text });
const xmlTemplate = (text: string) => ({ xmlErrorResponseTemplateActive: true, xmlValue: text });
const cors = (members: object) => ({ corsActive: true, allowOriginList: ['https://a.example'], ...members });

const SETTINGS: readonly { setting: string; member: string; body: object; shown: object }[] = [
  {
    setting: 'client-route',
    member: 'clientRoute',
    body: {
      relativePathList: ['/a'],
      methodList: ['GET'],
      hostList: ['h.example'],
      headerList: [{ name: 'X-A', value: '1' }],
    },
    shown: {
      relativePathList: ['/a'],
      methodList: ['GET'],
      hostList: ['h.example'],
      headerList: [{ name: 'x-a', value: '1' }],
    },
  },
  {
    setting: 'cors',
    member: 'cors',
    body: {
      ...{
        corsActive: true,
        allowOriginList: ['https://a.example', 'http://b.example:8080'],
        allowMethodList: ['GET'],
      },
      ...{ allowHeaderList: ['X-A', 'x-a'], exposeHeaderList: ['X-B'], allowCredentials: 'true', maxAge: 0 },
    },
    shown: {
      ...{
        corsActive: true,
        allowOriginList: ['https://a.example', 'http://b.example:8080'],
        allowMethodList: ['GET'],
      },
      ...{ allowHeaderList: ['x-a'], exposeHeaderList: ['x-b'], allowCredentials: 'true', maxAge: 0 },
    },
  },
  {
    setting: 'json-error-template',
    member: 'jsonErrorTemplate',
    body: template('{"code": "#{error.defaultErrorCode}"}'),
    shown: {
      ...template('{"code": "#{error.defaultErrorCode}"}'),
      ...{ contentType: 'application/json;charset=UTF-8', permitSpecialChars: false },
    },
  },
  {
    setting: 'xml-error-template',
    member: 'xmlErrorTemplate',
    body: xmlTemplate('<e code="#{error.defaultErrorCode}">#FAULTMESSAGE#</e>'),
    shown: {
      ...xmlTemplate('<e code="#{error.defaultErrorCode}">#FAULTMESSAGE#</e>'),
      ...{ contentType: 'text/xml;charset=UTF-8', permitSpecialChars: false },
    },
  },
];

describe.each(SETTINGS)('PATCH and GET X/settings/$setting/', ({ setting, member, body, shown }) => {
  it('replace that setting alone, in one event, and show the body that would set it again', async () => {
    const before = await proxyNow();
    const events = (await plane.events()).length;
    const answer = await plane.done('PATCH', at(setting), body);
    expect(answer.resultList).toEqual([shown]);
    expect(answer.deploymentResult).toEqual({ success: true, deploymentResults: [] });
    expect((await plane.events()).slice(events).map(({ type }) => type)).toEqual(['ProxyUpdated']);
    expect(await proxyNow()).toEqual({ ...before, revision: 2, [member]: shown });
    const read = await plane.call('GET', at(setting));
    expect(read.headers['etag']).toBe('"2"');
    expect(read.body.resultList).toEqual([shown]);
    expect((await plane.done('PATCH', at(setting), read.body.resultList[0])).resultList).toEqual([shown]);
  });
});

describe.each(['keys', 'addresses', 'client-route', 'connection', 'cors', 'json-error-template', 'xml-error-template'])(
  'X/settings/%s/',
  (setting) => {
    it('is 404 for a proxy that is not there, and 400 for unknown members and environments', async () => {
      expect((await plane.call('GET', at(setting, 'none'))).status).toBe(404);
      const refused = await plane.call('PATCH', at(setting), { more: 1, deployTargetEnvironmentNameList: ['nowhere'] });
      expect(refused.status).toBe(400);
      expect(faultsOf(refused)).toContain('more unknown_field');
      expect(faultsOf(refused)).toContain('deployTargetEnvironmentNameList[0] unknown_environment');
    });
  },
);

describe('PATCH X/settings/addresses/', () => {
  it('replaces the list and keeps the algorithm and timeouts', async () => {
    const routingAddressList = [{ address: 'https://a.example/base', weight: 3 }, { address: 'http://b.example' }];
    const shown = [routingAddressList[0], { address: 'http://b.example', weight: 1 }];
    const first = await plane.done('PATCH', at('addresses'), { routingAddressList, loadBalanceAlgorithm: 'LRU' });
    expect(first.resultList).toEqual([{ routingAddressList: shown, loadBalanceAlgorithm: 'LRU' }]);
    await plane.done('PATCH', at('addresses'), { routingAddressList: [shown[0]] });
    const set = { routingAddressList: [shown[0]], loadBalanceAlgorithm: 'LRU' };
    expect((await plane.done('GET', at('addresses'))).resultList).toEqual([set]);
    expect(await proxyNow()).toMatchObject({ routingInfo: { ...set, connectTimeout: 30, readTimeout: 60 } });
  });

  it('takes the vendor’s body, with a warning for what means nothing here', async () => {
    const routingAddressList = [{ address: 'https://a.example', weight: 100, soapType: 'SOAP11' }];
    expect(warned(await plane.done('PATCH', at('addresses'), { routingAddressList }))).toEqual([
      'routingAddressList[0].soapType',
    ]);
  });

  it.each<[object, string[]]>([
    [{}, ['routingAddressList required']],
    [{ routingAddressList: [] }, ['routingAddressList out_of_range']],
    [
      { routingAddressList: [{ weight: 0 }] },
      ['routingAddressList[0].address required', 'routingAddressList[0].weight out_of_range'],
    ],
    [{ routingAddressList: [{ address: 'http://u:p@h' }] }, ['routingAddressList[0].address credentials_in_address']],
    [
      { routingAddressList: [{ address: 'http://169.254.169.254/latest' }, { address: 'http://[fe80::1]:80' }] },
      ['routingAddressList[0].address forbidden_address', 'routingAddressList[1].address forbidden_address'],
    ],
    [
      { routingAddressList: [{ address: 'http://h' }], loadBalanceAlgorithm: 'BEST' },
      ['loadBalanceAlgorithm invalid_value'],
    ],
  ])('refuses %j', async (body, faults) => {
    const answer = await plane.call('PATCH', at('addresses'), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
  });
});

describe('PATCH X/settings/client-route/', () => {
  it('replaces the whole route: what is left out is empty again', async () => {
    await plane.done('PATCH', at('client-route'), {
      relativePathList: ['/a'],
      hostList: ['a.example'],
      methodList: ['GET'],
    });
    const vendor = { relativePathList: null, hostList: ['b.example'], headerList: null, bufferRequest: true };
    const answer = await plane.done('PATCH', at('client-route'), vendor);
    expect(answer.resultList).toEqual([
      { relativePathList: ['/'], methodList: ['ALL'], hostList: ['b.example'], headerList: [] },
    ]);
    expect(warned(answer)).toEqual(['bufferRequest']);
  });

  it.each<[object, string[]]>([
    [{}, ['relativePathList required']],
    [{ methodList: ['GET'] }, ['relativePathList required']],
    [{ relativePathList: ['/auth/jwt'] }, ['relativePathList[0] reserved_path']],
    [{ relativePathList: '/a' }, ['relativePathList wrong_type']],
    [{ hostList: ['a b'] }, ['hostList[0] invalid']],
    [{ headerList: [{ name: 'x' }] }, ['headerList[0].value required']],
    [{ relativePathList: ['/a'], virtualHostList: ['a.example'] }, ['virtualHostList not_supported']],
  ])('refuses %j', async (body, faults) => {
    const answer = await plane.call('PATCH', at('client-route'), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
  });
});

describe('PATCH X/settings/connection/', () => {
  it('changes what is given and keeps the rest', async () => {
    await plane.done('PATCH', at('connection'), { connectTimeout: 5, readTimeout: 6, retryCount: 2 });
    const { resultList } = await plane.done('PATCH', at('connection'), { readTimeout: 7, retryCount: null });
    expect(resultList).toEqual([{ connectTimeout: 5, readTimeout: 7, retryCount: 2 }]);
    expect((await plane.done('GET', at('connection'))).resultList).toEqual(resultList);
  });

  it('takes the vendor’s body, with a warning for each member that means nothing here', async () => {
    const answer = await plane.done('PATCH', at('connection'), {
      ...{ connectionSettingsEnabled: true, connectTimeout: 30, readTimeout: 60, connectionRequestTimeout: 30 },
      ...{ redirectsEnabled: true, maxRedirects: 50, relativeRedirectsAllowed: true, disableContentCompression: false },
      ...{ enableStreaming: false, retryCount: 3, failoverRetryCount: 2, ignoreRoutingError: false },
      ...{ connectionPoolManagementType: 'GENERAL', customConnectionPoolSize: 8 },
    });
    expect(answer.resultList).toEqual([{ connectTimeout: 30, readTimeout: 60, retryCount: 3 }]);
    expect(warned(answer)).toHaveLength(11);
  });

  it.each<[object, string[]]>([
    [
      { connectTimeout: 0, readTimeout: 3601, retryCount: -1 },
      ['connectTimeout out_of_range', 'readTimeout out_of_range', 'retryCount out_of_range'],
    ],
    [{ connectTimeout: '5', readTimeout: 1.5 }, ['connectTimeout wrong_type', 'readTimeout wrong_type']],
    [
      { connectionSettingsEnabled: false, ignoreRoutingError: true },
      ['connectionSettingsEnabled not_supported', 'ignoreRoutingError not_supported'],
    ],
  ])('refuses %j', async (body, faults) => {
    const answer = await plane.call('PATCH', at('connection'), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
  });
});

describe('PATCH X/settings/cors/', () => {
  it('takes * for every origin and ALL for every method, with the vendor’s names and defaults', async () => {
    const vendor = {
      name: 'CORS',
      corsActive: true,
      allowOriginList: ['*'],
      allowMethodList: ['ALL'],
      allowHeaderList: ['*'],
    };
    const answer = await plane.done('PATCH', at('cors'), vendor);
    expect(answer.resultList).toEqual([
      {
        ...{ corsActive: true, allowOriginList: ['*'], allowMethodList: ['*'], allowHeaderList: ['*'] },
        ...{ exposeHeaderList: [], allowCredentials: 'false', maxAge: 3600 },
      },
    ]);
    expect(warned(answer)).toEqual(['name']);
  });

  it('is off when corsActive is false, and says that the lists are not kept', async () => {
    await plane.done('PATCH', at('cors'), cors({}));
    const answer = await plane.done('PATCH', at('cors'), { corsActive: false, allowOriginList: ['*'] });
    expect(answer.resultList).toMatchObject([{ corsActive: false, allowOriginList: [] }]);
    expect(warned(answer)).toEqual(['corsActive']);
    expect((await plane.events()).at(-1)?.data).toMatchObject({ cors: null });
  });

  it.each<[object, string[]]>([
    [{ corsActive: true }, ['allowOriginList required']],
    [{ corsActive: 'true' }, ['corsActive wrong_type']],
    [cors({ allowOriginList: ['*'], allowCredentials: 'true' }), ['allowOriginList wildcard_with_credentials']],
    [cors({ allowOriginList: ['*'], allowCredentials: true }), ['allowOriginList wildcard_with_credentials']],
    [
      cors({ allowMethodList: ['ALL'], allowHeaderList: ['*'], exposeHeaderList: ['*'], allowCredentials: true }),
      ['allowHeaderList', 'allowMethodList', 'exposeHeaderList'].map((field) => `${field} wildcard_with_credentials`),
    ],
    [cors({ allowOriginList: ['*', 'https://a.example'] }), ['allowOriginList invalid']],
    [
      cors({
        allowOriginList: [
          'null',
          'a.example',
          'https://a.example/',
          'https://A.example',
          'https://a.example:443',
          'https://*.a.example',
        ],
      }),
      [0, 1, 2, 3, 4, 5].map((index) => `allowOriginList[${index}] invalid`),
    ],
    [
      cors({ allowMethodList: ['get'], allowHeaderList: ['a b'] }),
      ['allowHeaderList[0] invalid', 'allowMethodList[0] invalid_value'],
    ],
    [cors({ maxAge: -1 }), ['maxAge out_of_range']],
    [cors({ maxAge: 86_401 }), ['maxAge out_of_range']],
    [cors({ allowCredentials: 'yes' }), ['allowCredentials invalid']],
  ])('refuses %j', async (body, faults) => {
    const answer = await plane.call('PATCH', at('cors'), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
    expect(await proxyNow()).toMatchObject({ revision: 1 });
  });
});

describe('PATCH X/settings/json-error-template/', () => {
  it('takes every known variable, and HTTP codes without quotes', async () => {
    const members = ERROR_TEMPLATE_VARIABLES.map((name) => `"${name}": "#{${name}}"`).join(', ');
    const text = `{${members}, "status": #{error.defaultHttpCode}}`;
    const { resultList } = await plane.done('PATCH', at('json-error-template'), template(text));
    expect(resultList).toMatchObject([{ jsonValue: text }]);
  });

  it('takes the vendor’s older spelling, and shows it as it was sent', async () => {
    const text =
      '{"id": "#CORRELATIONID#", "code": "#FAULTCODE#", "text": "#FAULTMESSAGE#", "status": #FAULTSTATUSCODE#, "api": "#RESPONSEFROMAPI#", "n": "#OTHER#"}';
    const answer = await plane.done('PATCH', at('json-error-template'), {
      ...template(text),
      ...{ contentType: 'application/json;charset=UTF-8', permitSpecialChars: false },
    });
    expect(answer.resultList).toMatchObject([{ jsonValue: text }]);
    expect(warned(answer)).toEqual(['contentType', 'permitSpecialChars']);
  });

  it('is off when it is not active, and says that the text is not kept', async () => {
    await plane.done('PATCH', at('json-error-template'), template('{}'));
    const answer = await plane.done('PATCH', at('json-error-template'), { jsonValue: '{}' });
    expect(answer.resultList).toMatchObject([{ jsonErrorResponseTemplateActive: false, jsonValue: null }]);
    expect(warned(answer)).toEqual(['jsonValue']);
    expect((await plane.events()).at(-1)?.data).toMatchObject({ jsonErrorTemplate: null });
  });

  it('lists the known variables when it names another', async () => {
    const answer = await plane.call('PATCH', at('json-error-template'), template('{"a": "#{error.stack}"}'));
    const [fault] = answer.body.validation_errors ?? [];
    expect(fault).toMatchObject({ field: 'jsonValue', code: 'unknown_variable' });
    expect(fault?.message).toContain(ERROR_TEMPLATE_VARIABLES.join(', '));
  });

  it.each<[object, string[]]>([
    [{ jsonErrorResponseTemplateActive: true }, ['jsonValue required']],
    [{ jsonErrorResponseTemplateActive: 1 }, ['jsonErrorResponseTemplateActive wrong_type']],
    [template(''), ['jsonValue out_of_range']],
    [template('not JSON'), ['jsonValue not_json']],
    [template('{"code": #{error.defaultErrorCode}}'), ['jsonValue not_json']],
    [{ ...template('{}'), contentType: 'text/html' }, ['contentType not_supported']],
    [{ ...template('{}'), permitSpecialChars: true }, ['permitSpecialChars not_supported']],
  ])('refuses %j', async (body, faults) => {
    const answer = await plane.call('PATCH', at('json-error-template'), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
  });
});

describe('PATCH X/settings/xml-error-template/', () => {
  it('stands beside the JSON one, and neither changes the other', async () => {
    await plane.done('PATCH', at('json-error-template'), template('{}'));
    await plane.done('PATCH', at('xml-error-template'), xmlTemplate('<e/>'));
    expect((await plane.events()).at(-1)?.data).toMatchObject({
      ...{ jsonErrorTemplate: { template: '{}' }, xmlErrorTemplate: { template: '<e/>' } },
    });
    await plane.done('PATCH', at('json-error-template'), {});
    expect((await plane.events()).at(-1)?.data).toMatchObject({
      ...{ jsonErrorTemplate: null, xmlErrorTemplate: { template: '<e/>' } },
    });
  });

  it('says that the text of an inactive one is not kept', async () => {
    const answer = await plane.done('PATCH', at('xml-error-template'), { xmlValue: '<e/>' });
    expect(answer.resultList).toMatchObject([{ xmlErrorResponseTemplateActive: false, xmlValue: null }]);
    expect(warned(answer)).toEqual(['xmlValue']);
  });

  it.each<[object, string[]]>([
    [{ xmlErrorResponseTemplateActive: true }, ['xmlValue required']],
    [{ xmlErrorResponseTemplateActive: 1 }, ['xmlErrorResponseTemplateActive wrong_type']],
    [xmlTemplate(''), ['xmlValue out_of_range']],
    [xmlTemplate('{}'), ['xmlValue not_xml']],
    [xmlTemplate('<e>#{error.defaultMessage}'), ['xmlValue not_xml']],
    [xmlTemplate('<#{error.defaultMessage}/>'), ['xmlValue not_xml']],
    [xmlTemplate('<!DOCTYPE e [<!ENTITY a "b">]><e>&a;</e>'), ['xmlValue not_xml']],
    [xmlTemplate('<e>#{error.stack}</e>'), ['xmlValue unknown_variable']],
    [{ ...xmlTemplate('<e/>'), contentType: 'application/json' }, ['contentType not_supported']],
    [{ ...xmlTemplate('<e/>'), permitSpecialChars: true }, ['permitSpecialChars not_supported']],
  ])('refuses %j', async (body, faults) => {
    const answer = await plane.call('PATCH', at('xml-error-template'), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
  });
});

describe('PATCH and GET X/settings/keys/', () => {
  it('change one key or both, never show the secret, and are no new revision', async () => {
    const secretKey = 'a secret of my own';
    const both = await plane.call('PATCH', at('keys'), { publicKey: 'client-1', secretKey });
    expect(both).toMatchObject({ status: 200, body: { resultList: [{ publicKey: 'client-1' }] } });
    await plane.done('PATCH', at('keys'), { publicKey: 'client-2' });
    const read = await plane.call('GET', at('keys'));
    expect(read.body.resultList).toEqual([{ publicKey: 'client-2' }]);
    expect(read.headers['etag']).toBe('"1"');
    expect(both.text + read.text).not.toContain(secretKey);
    expect(JSON.stringify(await plane.events())).not.toContain(secretKey);
  });

  it('warn of a secret that can be guessed', async () => {
    const warningsOf = async (body: object) => (await plane.done('PATCH', at('keys'), body))['warnings'];
    const ofSecret = [{ field: 'secretKey', message: expect.stringContaining('guessed') as unknown }];
    expect(await warningsOf({ secretKey: 'x'.repeat(21) })).toEqual(ofSecret);
    for (const body of [{ secretKey: 'x'.repeat(22) }, { publicKey: 'client-3' }]) {
      expect(await warningsOf(body)).not.toEqual(ofSecret);
    }
  });

  it('refuse a publicKey that another proxy has (409), and keep the one there was', async () => {
    await plane.done('POST', `${PROXIES}/url/`, proxyBody('other'));
    await plane.done('PATCH', at('keys', 'other'), { publicKey: 'of the other' });
    const before = (await plane.done('GET', at('keys'))).resultList;
    const refused = await plane.call('PATCH', at('keys'), { publicKey: 'of the other', secretKey: 'x' });
    expect(refused).toMatchObject({ status: 409, body: { error: 'conflict' } });
    expect((await plane.done('GET', at('keys'))).resultList).toEqual(before);
  });

  it.each<[object, string[]]>([
    [{}, ['publicKey required']],
    [{ publicKey: null, secretKey: null }, ['publicKey required']],
    [{ publicKey: ' ', secretKey: '' }, ['publicKey invalid', 'secretKey invalid']],
    [{ publicKey: 1, secretKey: true }, ['publicKey wrong_type', 'secretKey wrong_type']],
    [{ publicKey: 'a'.repeat(256) }, ['publicKey out_of_range']],
    [{ publicKey: 'a\nb' }, ['publicKey invalid']],
    [{ publicKey: '-----BEGIN PRIVATE KEY-----' }, ['publicKey invalid']],
  ])('refuse %j', async (body, faults) => {
    const answer = await plane.call('PATCH', at('keys'), body);
    expect([answer.status, faultsOf(answer)]).toEqual([400, faults]);
  });
});

describe('a setting that is changed with deploy', () => {
  it('reaches the gateways', async () => {
    const environment = await plane.environment();
    const gateway = await FakeGateway.admitted(plane.redis, environment);
    await gateway.appliesEverything();
    const to = { deploy: true, deployTargetEnvironmentNameList: [environment.name] };
    await plane.done('PATCH', at('client-route'), {
      relativePathList: ['/x'],
      headerList: [{ name: 'X-A', value: '1' }],
      ...to,
    });
    await plane.done('PATCH', at('addresses'), {
      ...{ routingAddressList: [{ address: 'http://a.example' }], loadBalanceAlgorithm: 'PICK_FIRST', deploy: true },
    });
    await plane.done('PATCH', at('connection'), { readTimeout: 9, deploy: true });
    await plane.done('PATCH', at('cors'), cors({ deploy: true }));
    const { deploymentResult } = await plane.done('PATCH', at('json-error-template'), {
      ...template('{}'),
      deploy: true,
    });
    expect(deploymentResult).toMatchObject({ success: true, deploymentResults: [{ revision: 6 }] });
    const [created] = (await plane.events()).filter(({ type }) => type === 'ProxyCreated').slice(-1);
    const artifact = await gateway.artifactOf(String(created?.data['proxyId']));
    expect(JSON.parse(artifact?.text ?? '{}')).toMatchObject({
      route: { paths: ['/x'], headers: [{ name: 'x-a', value: '1' }] },
      upstream: {
        addresses: [{ url: 'http://a.example', weight: 1 }],
        loadBalance: 'PICK_FIRST',
        readTimeoutMs: 9_000,
      },
      cors: { allowOrigins: ['https://a.example'], allowCredentials: false },
      jsonErrorTemplate: { template: '{}' },
    });
    await gateway.ends();
  });
});
