import type { Fault } from '../exchange/fault.ts';
import {
  exchangeFor,
  linked,
  NOW_MS,
  placed,
  routeOf,
  type ArtifactParts,
  type RequestParts,
} from '../testing/artifacts.ts';

const RAISE = { type: 'policy-raise-fault', statusCode: 403 };
const raise = (name: string, members: object = {}) => placed(name, { ...RAISE, ...members });
const refuse = (name: string, members: object = {}) =>
  placed(name, {
    ...{ type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.key' }, source: 'flow.absent' },
    ...members,
  });
const variables = { 'private.key': 'x'.repeat(32), 'my.text': 'from the environment' };
const NOTHING_SENT: RequestParts = {};

const requestFault = async (parts: ArtifactParts, request = NOTHING_SENT) => {
  const proxy = linked({ variables, ...parts });
  const exchange = exchangeFor(proxy, request);
  return { exchange, fault: await routeOf(proxy).runRequest(exchange, NOW_MS) };
};

describe('policy-raise-fault', () => {
  it('ends the flow with its own answer, and fault.name is RaiseFault', async () => {
    const { fault, exchange } = await requestFault({
      request: [
        raise('Deny', { reasonPhrase: 'Not Today', contentType: 'text/plain', payload: 'no' }),
        refuse('later'),
      ],
    });
    expect(fault).toEqual({
      ...{ status: 403, headers: [['Content-Type', 'text/plain']], body: 'no', name: 'RaiseFault', policy: 'Deny' },
      ...{ reason: 'raised with status 403', reasonPhrase: 'Not Today', isRaised: true },
    });
    const names = ['fault.name', 'error.status.code', 'error.reason.phrase', 'error.content', 'jwt.later.failed'];
    expect(names.map((name) => exchange.variable(name))).toEqual(['RaiseFault', 403, 'Not Today', 'no', undefined]);
  });

  it('is JSON without a reason of its own when it says no more than its status', async () => {
    const { fault } = await requestFault({ request: [raise('Deny')] });
    expect(fault).toMatchObject({ status: 403, headers: [['Content-Type', 'application/json']], body: '' });
    expect(fault).not.toHaveProperty('reasonPhrase');
  });

  it('is passed over while its condition is false', async () => {
    const request = [
      refuse('check', { continueOnError: true }),
      raise('Deny', { condition: 'jwt.check.valid = true' }),
    ];
    expect((await requestFault({ request })).fault).toBeUndefined();
  });

  it('decides on what VerifyJWT found', async () => {
    const request = [
      refuse('check', { continueOnError: true }),
      raise('Deny', { condition: 'jwt.check.failed = true', payload: '{fault.name}' }),
    ];
    expect((await requestFault({ request })).fault).toMatchObject({ policy: 'Deny', body: 'FailedToResolveVariable' });
  });

  it('shows clients no variable that is not visible, not even as what a function takes', async () => {
    const payload = '[{hidden}][{hidden:none}][{toLowerCase(hidden)}][{firstnonnull(hidden,my.text)}]';
    const hidden = { value: 'SECRET', secret: true };
    const { fault } = await requestFault({
      variables: { ...variables, hidden },
      request: [raise('Deny', { payload, reasonPhrase: '{hidden:no}', contentType: 'text/{hidden:plain}' })],
    });
    expect(fault).toMatchObject({ body: '[][none][][from the environment]', reasonPhrase: 'no' });
    expect(JSON.stringify(fault)).not.toMatch(/secret/i);
  });

  it('puts no more than 1,024 characters into a line of its head, whatever a variable holds', async () => {
    const { fault } = await requestFault(
      { request: [raise('Deny', { reasonPhrase: '{request.content}', contentType: 'text/{request.content}' })] },
      { body: Buffer.from('x'.repeat(100_000)) },
    );
    expect(fault?.reasonPhrase).toHaveLength(1024);
    expect(fault?.headers).toEqual([['Content-Type', `text/${'x'.repeat(1019)}`]]);
  });

  it('shows no private variable, though a stored policy names one', async () => {
    const { name, policy } = raise('Deny', { payload: '{my.text}' });
    const stored = { name, policy: { ...policy, payload: '[{private.key}]' } as typeof policy };
    expect((await requestFault({ request: [stored] })).fault?.body).toBe('[]');
  });

  it.each([
    ['{request.verb} {request.header.x-a}!', 'GET a, b!'],
    ['[{unset.variable}]', '[]'],
    ['{my.text}', 'from the environment'],
    ['{"a":{},"verb":"{request.verb}","list":[{"b":1}]}', '{"a":{},"verb":"GET","list":[{"b":1}]}'],
    ['{ request.verb } {request.verb {1} {a,b} {}', '{ request.verb } {request.verb {1} {a,b} {}'],
    ['{{request.verb}}', '{GET}'],
  ])('fills %s as %s', async (payload, body) => {
    const headers = { 'X-A': ['a, b'] };
    const { fault } = await requestFault(
      { request: [raise('Deny', { payload: payload.replace('-a}', '-a.values.string}') })] },
      { headers },
    );
    expect(fault?.body).toBe(body);
  });

  it('keeps line breaks and other control characters of a variable out of the reason and the header', async () => {
    const contentType = 'text/{request.queryparam.t}';
    const { fault } = await requestFault(
      { request: [raise('Deny', { reasonPhrase: 'No {request.queryparam.r}', contentType })] },
      { queryString: 't=plain%0d%0aSet-Cookie:%20a=b&r=a%0d%0a%0d%0a%3Chtml%3E%00%7f%C3%BC' },
    );
    expect(fault?.reasonPhrase).toBe(`No a <html> ${Buffer.from('ü').toString('latin1')}`);
    expect(fault?.headers).toEqual([['Content-Type', 'text/plain Set-Cookie: a=b']]);
  });

  it('has the request’s body read when a template names it', () => {
    const reads = (payload: string) => routeOf(linked({ request: [raise('Deny', { payload })] })).readsRequestBody;
    expect([reads('{request.content}'), reads('{request.verb}')]).toEqual([true, false]);
  });
});

describe('policy-raise-fault in the ERROR pipeline', () => {
  const FIRST: Fault = { status: 401, headers: [], body: '', name: 'First', policy: 'X', reason: 'why' };
  const answerOf = async (error: ArtifactParts['error'] = []) => {
    const proxy = linked({ variables, error });
    const exchange = exchangeFor(proxy);
    return { answer: await routeOf(proxy).runError(exchange, FIRST, NOW_MS), exchange };
  };

  it('takes the place of the fault’s answer, and ends the pipeline', async () => {
    const { answer, exchange } = await answerOf([
      refuse('before', { continueOnError: true }),
      raise('Own', { statusCode: 418, payload: '{fault.name} {error.status.code}' }),
      raise('Later', { statusCode: 500 }),
      refuse('after'),
    ]);
    expect(answer).toMatchObject({ status: 418, policy: 'Own', body: 'First 401' });
    expect([exchange.variable('jwt.before.failed'), exchange.variable('jwt.after.failed')]).toEqual([true, undefined]);
  });

  it('leaves the fault where its condition is false', async () => {
    expect((await answerOf([raise('Own', { condition: 'fault.name = "Other"' })])).answer).toBe(FIRST);
  });
});
