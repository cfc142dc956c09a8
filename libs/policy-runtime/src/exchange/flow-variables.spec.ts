import { artifactOf, exchangeFor, linked, NOW_MS, type RequestParts } from '../testing/artifacts.ts';
import { compileVariable, readsRequestBody } from './compile-variable.ts';
import { Exchange } from './exchange.ts';

const proxy = linked({
  variables: {
    ...{ 'private.secret': 's3', 'public.key': 'pem', messageid: 'never', 'propertyset.limits.burst': '20' },
    ...{ 'my.own.dotted-name': 'mine', 'empty.value': '' },
  },
});
const exchange = (parts: RequestParts = {}) => exchangeFor(proxy, parts);
const read = (name: string, parts: RequestParts = {}) => exchange(parts).variable(name);

describe('flow variables of the request', () => {
  const headers = {
    Accept: 'text/html, application/json',
    'X-Many': ['a', 'b, c'],
    Authorization: 'Bearer x.y.z',
    'X-Empty': '',
    Date: 'Tue, 14 Nov 2023 22:13:20 GMT',
  };

  it.each([
    ['request.header.accept', 'text/html'],
    ['request.header.ACCEPT', 'text/html'],
    ['request.header.accept.2', 'application/json'],
    ['request.header.accept.3', undefined],
    ['request.header.accept.0', undefined],
    ['request.header.accept.values', ['text/html', 'application/json']],
    ['request.header.accept.values.count', 2],
    ['request.header.accept.values.string', 'text/html, application/json'],
    ['request.header.x-many.values', ['a', 'b', 'c']],
    ['request.header.x-many.values.string', 'a, b, c'],
    ['request.header.authorization', 'Bearer x.y.z'],
    ['request.header.x-empty', ''],
    ['request.header.absent', undefined],
    ['request.header.absent.values.count', undefined],
    ['message.header.accept', 'text/html'],
    ['message.header.accept.2', 'application/json'],
    ['message.header.accept.values.count', 2],
    ['message.header.accept.values.string', 'text/html, application/json'],
    ['request.header.x-many', 'a'],
    ['request.header.x-many.3', 'c'],
    ['request.header.x-many.values.count', 3],
    ['request.header.date', 'Tue'],
    ['request.header.date.values.string', 'Tue, 14 Nov 2023 22:13:20 GMT'],
  ])('%s', (name, value) => {
    expect(read(name, { headers })).toEqual(value);
  });

  it.each([
    ['request.queryparam.a', 'x y'],
    ['request.queryparam.a.2', 'ü'],
    ['request.queryparam.a.values.count', 2],
    ['request.queryparam.a.values', ['x y', 'ü']],
    ['request.queryparam.A', undefined],
    ['request.queryparam.empty', ''],
    ['request.queryparam.__proto__', undefined],
    ['request.queryparam.a.0', undefined],
    ['request.queryparam.a.3', undefined],
    ['request.queryparam.absent.values', undefined],
    ['request.queryparam.absent.values.count', undefined],
    ['message.queryparam.a', 'x y'],
    ['message.queryparam.a.2', 'ü'],
    ['request.querystring', 'a=x+y&a=%C3%BC&empty='],
    ['request.uri', '/orders/7?a=x+y&a=%C3%BC&empty='],
    ['proxy.url', 'https://api.example.org/orders/7?a=x+y&a=%C3%BC&empty='],
  ])('%s', (name, value) => {
    expect(read(name, { queryString: 'a=x+y&a=%C3%BC&empty=' })).toEqual(value);
  });

  it('reads form parameters only of a form', () => {
    expect(read('request.formparam.jwt', { form: { jwt: 'a.b.c' } })).toBe('a.b.c');
    expect(read('message.formparam.jwt.values.count', { form: { jwt: 'a.b.c' } })).toBe(1);
    const twice = {
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: Buffer.from('role=a%2Cb&role=c+d&Role=e'),
    };
    // Only headers are split at commas.
    expect(['', '.1', '.2', '.3'].map((suffix) => read(`request.formparam.role${suffix}`, twice))).toEqual([
      ...['a,b', 'a,b', 'c d', undefined],
    ]);
    expect(read('request.formparam.role.values', twice)).toEqual(['a,b', 'c d']);
    expect(read('request.formparam.role.values.count', twice)).toBe(2);
    expect(read('request.formparam.ROLE', twice)).toBeUndefined();
    const json = { headers: { 'Content-Type': 'application/json' }, body: Buffer.from('jwt=a.b.c') };
    expect(read('request.formparam.jwt', json)).toBeUndefined();
    expect(read('request.content', json)).toBe('jwt=a.b.c');
    expect(read('request.content')).toBeUndefined();
  });

  it.each([
    ['request.verb', 'GET'],
    ['request.path', '/orders/7'],
    ['proxy.basepath', '/orders'],
    ['proxy.pathsuffix', '/7'],
    ['client.ip', '198.51.100.4'],
    ['client.resolved.ip', '192.0.2.7'],
    ['proxy.client.ip', '192.0.2.7'],
    ['environment.name', 'test'],
    ['apiproxy.name', 'orders'],
    ['apiproxy.revision', 7],
    ['organization.name', 'shop'],
    ['messageid', 'c0ffee'],
    ['system.timestamp', NOW_MS],
    ['system.time', 'Tue, 14 Nov 2023 22:13:20 GMT'],
    ['system.time.year', 2023],
    ['system.time.month', 11],
    ['system.time.day', 14],
    ['system.time.dayofweek', 3],
    ['system.time.hour', 22],
    ['system.time.minute', 13],
    ['system.time.second', 20],
    ['system.time.millisecond', 0],
    ['system.time.zone', 'UTC'],
    ['system.time.century', undefined],
    ['client.scheme', 'https'],
    ['request.version', '1.1'],
    ['client.received.start.timestamp', NOW_MS],
    ['private.secret', 's3'],
    ['private.absent', undefined],
    ['public.key', 'pem'],
    ['public.absent', undefined],
    ['propertyset.limits.burst', '20'],
    ['propertyset.limits.Burst', undefined],
    ['propertyset.absent.burst', undefined],
    ['my.own.dotted-name', 'mine'],
    ['My.own.dotted-name', undefined],
    ['empty.value', ''],
    ['no.such.variable', undefined],
    ['toString', undefined],
    ['request.header.', undefined],
    ['jwt.', undefined],
    ['fault.name', undefined],
    ['error.content', undefined],
  ])('%s', (name, value) => {
    expect(read(name)).toEqual(value);
  });

  it('has the whole path as base path when nothing is left', () => {
    const whole = new Exchange({ ...exchange().request, path: '/orders' }, proxy, '', NOW_MS, 'id');
    expect(whole.variable('proxy.basepath')).toBe('/orders');
    expect(whole.variable('proxy.pathsuffix')).toBe('');
  });
});

describe('variables that change', () => {
  it('reads what was set last, and nothing after it was unset', () => {
    const one = exchange();
    one.setVariable('flow.x', 'a');
    one.setVariable('request.verb', 'PUT');
    expect([one.variable('flow.x'), one.variable('request.verb')]).toEqual(['a', 'PUT']);
    one.setVariable('flow.x', undefined);
    one.setVariable('private.secret', undefined);
    expect([one.variable('flow.x'), one.variable('private.secret')]).toEqual([undefined, undefined]);
  });

  it('keeps the variables of one exchange from another', () => {
    exchange().setVariable('flow.x', 'a');
    expect(exchange().variable('flow.x')).toBeUndefined();
  });

  it('finds a policy by the longest name that fits, dots included', () => {
    const one = exchange();
    one.publishToken('A', (name) => `A:${name}`);
    one.publishToken('A.claim', (name) => `A.claim:${name}`);
    expect(one.variable('jwt.A.claim.sub')).toBe('A.claim:sub');
    expect(one.variable('jwt.A.header.alg')).toBe('A:header.alg');
    expect(one.variable('jwt.B.claim.sub')).toBeUndefined();
  });

  it('takes message for the response in the response flow, and for the fault in the error flow', () => {
    const one = exchange({ headers: { 'X-A': 'request' } });
    const message = compileVariable('message.header.x-a');
    const status = compileVariable('message.status.code');
    one.response = { status: 204, headers: new Map([['x-a', 'response']]) };
    expect([message(one), status(one)]).toEqual(['request', undefined]);
    one.phase = 'response';
    expect([message(one), status(one)]).toEqual(['response', 204]);
    one.phase = 'error';
    one.raise({ status: 401, headers: [['X-A', 'fault']], body: '{}', name: 'N', policy: 'P', reason: 'why' });
    expect([message(one), status(one), one.variable('message.content')]).toEqual(['fault', 401, '{}']);
    const absent = ['error.header.x-b', 'error.header.x-b.values.count', 'error.header.x-b.values.string'];
    expect(absent.map((name) => one.variable(name))).toEqual([undefined, undefined, undefined]);
    expect(one.variable('error.message')).toBe('why');
    expect(one.variable('fault.name')).toBe('N');
  });

  it('parses nothing before it is asked', () => {
    const request = {
      ...exchange().request,
      get rawHeaders(): string[] {
        throw new RangeError('read too early');
      },
    };
    const one = new Exchange(request, { artifact: artifactOf() }, '/7', NOW_MS, 'id');
    expect(one.variable('request.verb')).toBe('GET');
    expect(() => one.variable('request.header.a')).toThrow('read too early');
  });
});

describe('readsRequestBody', () => {
  it.each([
    ['request.formparam.jwt', true],
    ['message.formparam.jwt', true],
    ['request.content', true],
    ['request.contents', false],
    ['request.header.content', false],
  ])('%s: %s', (name, expected) => {
    expect(readsRequestBody(name)).toBe(expected);
  });
});
