import type { PlacedPolicy, ProxyArtifact } from '#libs/policy-contracts';
import { artifactOf, exchangeFor, NOW_MS, placed, routeOf, type RequestParts } from '../testing/artifacts.ts';
import { RS256_POLICY, tokenWith } from '../testing/judge-token.ts';
import type { Scenario } from '../testing/scenario.ts';
import { REQUEST_SCENARIOS } from '../testing/verify-jwt-scenarios.ts';
import { linkProxy } from './link-proxy.ts';
import { environmentVariablesOf } from './referenced-variables.ts';

type Variables = ProxyArtifact['variables'];
type Values = Readonly<Record<string, string>>;

/** An environment that notes which of its variables were looked for. */
function watched(valueOf: (name: string) => string | undefined): { names: Set<string>; variables: Variables } {
  const names = new Set<string>();
  const look = (name: string | symbol) => {
    if (typeof name !== 'string') return undefined;
    names.add(name);
    const value = valueOf(name);
    return value === undefined ? undefined : { value, secret: false };
  };
  const variables = new Proxy<Variables>(
    {},
    {
      get: (_target, name) => look(name),
      has: (_target, name) => look(name) !== undefined,
      getOwnPropertyDescriptor: (_target, name) => {
        const value = look(name);
        return value && { value, configurable: true, enumerable: true };
      },
      ownKeys: () => {
        throw new RangeError('every variable of the environment was asked for');
      },
    },
  );
  return { names, variables };
}

interface Run {
  readonly policies: readonly PlacedPolicy[];
  readonly request: RequestParts;
  /** Flow variables that other policies set. */
  readonly set: Values;
}

/** What becomes of a request in every pipeline, as text. */
async function outcomeIn({ policies, request, set }: Run, variables: Variables): Promise<string> {
  const artifact = { ...artifactOf({ request: policies, response: policies, error: policies }), variables };
  const linked = linkProxy(artifact, { faultCodes: 'documented' });
  if (!linked.ok) return JSON.stringify(linked.faults);
  const exchange = exchangeFor(linked.proxy, request);
  for (const [name, value] of Object.entries(set)) exchange.setVariable(name, value);
  const route = routeOf(linked.proxy);
  const asked = await route.runRequest(exchange, NOW_MS);
  const answered = await route.runResponse(exchange, NOW_MS);
  const failed = asked && (await route.runError(exchange, asked, NOW_MS));
  return JSON.stringify([asked, answered, failed, [...exchange.upstreamHeaders]]);
}

const own = (values: Values) => (name: string) => (Object.hasOwn(values, name) ? values[name] : undefined);

/** Runs with what the environment holds, with nothing in it, and with everything that anybody could look for. */
async function expectOnlyTheNamed(run: Run, values: Values): Promise<Set<string>> {
  const named = environmentVariablesOf(run.policies.map(({ policy }) => policy));
  const read = new Set<string>();
  for (const valueOf of [own(values), () => undefined, (name: string) => own(values)(name) ?? 'x']) {
    const { names, variables } = watched(valueOf);
    const whole = await outcomeIn(run, variables);
    expect([...names].filter((name) => !named.has(name))).toEqual([]);
    const held = [...named].flatMap((name) => {
      const value = valueOf(name);
      return value === undefined ? [] : [[name, { value, secret: false }] as const];
    });
    expect(await outcomeIn(run, Object.fromEntries(held))).toBe(whole);
    for (const name of names) read.add(name);
  }
  return read;
}

const runOf = ({ policy, policyName = 'P', ...given }: Scenario): Run => ({
  policies: [placed(policyName, { type: 'policy-verify-jwt', ...policy })],
  request: given.request ?? { headers: { Authorization: `Bearer ${given.token ?? ''}` } },
  set: given.variables ?? {},
});

const FORWARDED = [{ variable: 'tenant', header: 'X-Tenant' }];
const TOKEN = tokenWith({ c: 'x', m: { a: 'x' } }, { h: ['x'] });
const type = 'policy-verify-jwt';
const EVERY_PLACE: readonly (readonly [string, object])[] = [
  ['a condition', { ...RS256_POLICY, condition: 'limit > 5 and request.verb = "GET" or \'odd=name\' ~~ ".*"' }],
  ['headers for the upstream', { ...RS256_POLICY, continueOnError: true, forwardVariables: FORWARDED }],
  ['a source', { ...RS256_POLICY, source: 'held.token' }],
  ['an address', { type, algorithm: 'RS256', publicKey: { jwks: { uriRef: 'held.address' } } }],
  ['a key set', { type, algorithm: 'RS256', publicKey: { jwks: { ref: 'held.set' } } }],
  ['a certificate', { type, algorithm: 'RS256', publicKey: { certificate: { ref: 'held.certificate' } } }],
  [
    'a private key',
    { type, algorithms: { key: 'RSA-OAEP-256' }, privateKey: { ref: 'private.a', passwordRef: 'private.b' } },
  ],
  ['a password', { type, algorithms: { key: 'PBES2-HS256+A128KW' }, passwordKey: { ref: 'private.c' } }],
  ['a direct key', { type, algorithms: { key: 'dir' }, directKey: { ref: 'private.d' } }],
  [
    'everything that is expected',
    {
      ...RS256_POLICY,
      ...{ subject: { ref: 'e1' }, issuer: { ref: 'e2' }, audience: { ref: 'e3' }, id: { ref: 'e4' } },
      ...{ requiredClaims: { ref: 'e5' }, knownHeaders: { ref: 'e6' }, timeAllowance: { ref: 'e7' } },
      ...{ maxLifespan: { ref: 'e8' }, ignoreUnresolvedVariables: true },
      additionalClaims: {
        ref: 'e9',
        claims: [{ name: 'c', ref: 'e10' }],
      },
      additionalHeaders: { ref: 'e12', claims: [{ name: 'h', ref: 'e13', array: true }] },
    },
  ],
  ['a map', { ...RS256_POLICY, additionalClaims: [{ name: 'm', type: 'map', value: '{"a":"{e11}"}', ref: 'e14' }] }],
  [
    'an answer with functions',
    {
      ...{ type: 'policy-raise-fault', statusCode: 403, reasonPhrase: '{f1}', contentType: 'text/{f2}' },
      payload: `{f3}{f4:d}{replaceAll(f5,'a',f6)}{jsonPath('$.a',f7:e)}{substring(f8,0,f9)}{nothing(f10)}{ f11 }`,
    },
  ],
];

describe('a proxy reads of its environment the variables that its policies are said to read, and no other', () => {
  const scenarios = Object.entries(REQUEST_SCENARIOS);

  it.each(scenarios)('in scenario %s', async (_id, scenario) => {
    const run = runOf(scenario);
    await expectOnlyTheNamed(run, scenario.environment ?? {});
    // What other policies set, as variables of the environment: these are looked for now.
    await expectOnlyTheNamed({ ...run, set: {} }, { ...scenario.variables, ...scenario.environment });
  });

  it.each(EVERY_PLACE)('in %s, and all of those are read', async (_place, policy) => {
    const run = {
      policies: [placed('P', policy)],
      request: { headers: { Authorization: `Bearer ${TOKEN}` } },
      set: {},
    };
    const read = await expectOnlyTheNamed(run, {});
    expect([...read].sort()).toEqual([...environmentVariablesOf([placed('P', policy).policy])].sort());
  });
});
