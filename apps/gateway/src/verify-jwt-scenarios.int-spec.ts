import { readFileSync } from 'node:fs';
import http from 'node:http';
import {
  expectationOf,
  NOW_MS,
  REQUEST_SCENARIOS,
  scenarioRows,
  type KeySetLife,
  type KeySetMoment,
  type Scenario,
  type ScenarioRow,
} from '#libs/policy-runtime/testing';
import { ask, Rig } from './http-server/testing/rig.ts';
import { ConfiguredGateways, FAULT_CODES } from './testing/configured-gateways.ts';
import { atAddress, IdentityProvider } from './testing/identity-provider.ts';
import { expectedCode, ScenarioJudge, scenarioProxy, type JudgedRequest } from './testing/scenario-judge.ts';
import { questionOf } from './testing/scenario-request.ts';

// eslint-disable-next-line no-restricted-syntax -- set by the test run's global setup; this file is in no build
const redisUrl = process.env['TEST_REDIS_URL'];
if (redisUrl === undefined) throw new Error('TEST_REDIS_URL is not set: run the integration project of the tests');

const MS_PER_SECOND = 1_000;
const CONNECTIONS = 20;
const ROUNDS = 5;
/** Shorter texts (`abc`, `foobar`) may stand in a log by chance. */
const TELLING_LENGTH = 16;

function scenarioOf(id: string): Scenario {
  const scenario = REQUEST_SCENARIOS[id];
  if (scenario === undefined) throw new RangeError(`row ${id} has no scenario`);
  return scenario;
}

/** The scenario's token and the values of its private variables. */
function secretsOf({ token = '', environment = {} }: Scenario): string[] {
  const keys = Object.entries(environment).flatMap(([name, value]) => (name.startsWith('private.') ? [value] : []));
  return [token, ...keys]
    .filter((secret) => secret.length >= TELLING_LENGTH)
    .map((secret) => JSON.stringify(secret).slice(1, -1));
}

const livesOf = ({ id }: ScenarioRow): readonly KeySetLife[] => REQUEST_SCENARIOS[id]?.keySetLives ?? [];
const table = new URL('../../../test/fixtures/verify-jwt-scenarios.tsv', import.meta.url);
const rows = scenarioRows(readFileSync(table, 'utf8')).filter(({ id }) => !id.startsWith('D'));
const ofKeySets = rows.filter((row) => livesOf(row).length > 0);
const ordinary = rows.filter((row) => livesOf(row).length === 0);

const titled = <Row extends ScenarioRow>(some: readonly Row[]) => some.map((row) => [row.id, row.given, row] as const);

describe('verify-jwt-scenarios.tsv, through a running gateway', () => {
  const rig = new Rig();
  let gateways: ConfiguredGateways;
  let judge: ScenarioJudge;
  let upstreamUrl: string;

  beforeAll(async () => {
    const upstream = await rig.upstream((_request, response) => response.end('made upstream'));
    upstreamUrl = upstream.url;
    gateways = await ConfiguredGateways.start(redisUrl, NOW_MS);
    judge = new ScenarioJudge(gateways, upstream);
    await gateways.publish(ordinary.map(({ id }) => scenarioProxy(id, scenarioOf(id), upstream.url)));
  });
  afterAll(async () => {
    await gateways.stop();
    await rig.stop();
  });

  it('has a scenario for each of the 108 rows of a request', () => {
    expect(rows).toHaveLength(108);
    expect(Object.keys(REQUEST_SCENARIOS).sort()).toEqual(rows.map(({ id }) => id).sort());
    expect(ofKeySets.map(({ id }) => id)).toEqual(['K20', 'K21', 'K22', 'K23']);
  });

  describe.each(FAULT_CODES)('with the %s codes', (faultCodes) => {
    it.each(titled(ordinary))('%s: %s', (id, _given, row) =>
      judge.expectRow(row, { scenario: scenarioOf(id), proxy: id, faultCodes }),
    );

    it('answers the same when all of them come at once, again and again, over few connections', async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
      const codeOf = async ({ id }: ScenarioRow): Promise<string> => {
        const answer = await ask({ ...questionOf(scenarioOf(id), gateways.port(faultCodes), id), agent });
        return `${id} ${answer.status} ${/"steps\.jwt\.(\w+)"/.exec(answer.body)?.[1] ?? ''}`;
      };
      const many = Array.from({ length: ROUNDS }, () => ordinary).flat();
      const expected = many.map((row) => {
        const code = expectedCode(row, faultCodes);
        return code === undefined ? `${row.id} 200 ` : `${row.id} 401 ${code}`;
      });
      expect(await Promise.all(many.map(codeOf))).toEqual(expected);
      agent.destroy();
    });

    it('counts refusals by policy and fault', async () => {
      const metrics = (await ask({ port: gateways.adminPort(faultCodes), path: '/metrics' })).body;
      expect(metrics).toContain('{proxy="shop/K26",status="401",policy="P",fault="InvalidToken"}');
      expect(metrics).toContain('{proxy="shop/S02",status="200",policy="",fault=""}');
    });
  });

  it('tells of a check that demanded nothing, once for many requests', async () => {
    const { policy, ...rest } = scenarioOf('S02');
    const lenient = { ...policy, requiredClaims: { ref: 'flow.names' }, ignoreUnresolvedVariables: true };
    await gateways.publish([scenarioProxy('lenient', { ...rest, policy: lenient }, upstreamUrl)]);
    for (let n = 0; n < ROUNDS; n += 1) {
      expect((await ask(questionOf(scenarioOf('S02'), gateways.port('documented'), 'lenient'))).status).toBe(200);
    }
    const metrics = (await ask({ port: gateways.adminPort('documented'), path: '/metrics' })).body;
    expect(metrics).toContain(`gatewarden_ignored_references_total ${ROUNDS}`);
    const told = gateways.log.lines.filter((line) => line['reference'] === 'flow.names');
    expect(told).toMatchObject([{ level: 'warn', policy: 'P' }]);
  });

  it('writes no token and no secret to its log, however much it is told to log', () => {
    const { lines, text } = gateways.log;
    expect(lines.length).toBeGreaterThan(2 * ordinary.length);
    const told = ordinary.filter(({ id }) => secretsOf(scenarioOf(id)).some((secret) => text.includes(secret)));
    expect(told.map(({ id }) => id)).toEqual([]);
  });
});

// Each gateway in an environment of its own: those of one environment share what they fetch, and the rows count for one.
describe.each(FAULT_CODES)('verify-jwt-scenarios.tsv, key sets over time, with the %s codes', (faultCodes) => {
  const rig = new Rig();
  let gateways: ConfiguredGateways;
  let provider: IdentityProvider;
  let judge: ScenarioJudge;
  let upstreamUrl: string;

  beforeAll(async () => {
    const upstream = await rig.upstream((_request, response) => response.end('made upstream'));
    upstreamUrl = upstream.url;
    gateways = await ConfiguredGateways.start(redisUrl, NOW_MS, [{ id: faultCodes, settings: { faultCodes } }]);
    provider = await IdentityProvider.start(rig, () => gateways.nowMs);
    judge = new ScenarioJudge(gateways, upstream);
  });
  afterAll(async () => {
    await gateways.stop();
    await rig.stop();
  });

  const expectMoment = (request: JudgedRequest, moment: KeySetMoment): Promise<void> => {
    const outcome = moment[request.faultCodes];
    if (outcome === 'pass') return judge.expectPassed(request);
    return judge.expectRefused(request, { code: outcome, text: undefined, parts: [] });
  };

  /** Publishes the policy, which is second 0, and goes from moment to moment. */
  async function live(id: string, life: KeySetLife): Promise<void> {
    const proxy = `${id}-${life.name.replaceAll(' ', '-')}`;
    const path = `/${proxy}`;
    const startedAtMs = gateways.nowMs;
    const scenario = atAddress(scenarioOf(id), await provider.serve(path, life.served));
    await gateways.publish([scenarioProxy(proxy, scenario, upstreamUrl)]);
    if (life.served.every(({ status }) => status !== 'unreachable')) await provider.fetched(path, 1);
    for (const moment of life.moments) {
      gateways.nowMs = startedAtMs + moment.atSecond * MS_PER_SECOND;
      const request = { scenario: { ...scenario, token: moment.token }, proxy };
      await expectMoment({ ...request, faultCodes }, moment);
      if (moment.fetches === 'not counted') continue;
      expect([moment.atSecond, provider.fetchesOf(path)]).toEqual([moment.atSecond, moment.fetches[faultCodes]]);
    }
  }

  it('lets no redirect choose the keys of an address that the caller names among allowed hosts', async () => {
    const { served = [], moments = [] } = REQUEST_SCENARIOS['K21']?.keySetLives?.[0] ?? {};
    const address = await provider.serve('/elsewhere', served);
    const open = await rig.upstream((_request, response) => response.writeHead(302, { location: address }).end());
    const jwks = { uriRef: 'request.header.keys' };
    const policy = { algorithm: 'RS256', publicKey: { jwks }, allowedJwksHosts: ['localhost'] };
    const scenario = { policy, token: moments[0]?.token ?? '' };
    await gateways.publish([scenarioProxy('caller', scenario, upstreamUrl)]);
    const statusWith = async (keys: string): Promise<number | undefined> => {
      const question = questionOf(scenario, gateways.port(faultCodes), 'caller');
      return (await ask({ ...question, headers: { ...question.headers, keys } })).status;
    };
    expect(await statusWith(address.replace('127.0.0.1', 'localhost'))).toBe(200);
    expect(await statusWith(`${open.url.replace('127.0.0.1', 'localhost')}/`)).toBe(401);
    expect(provider.fetchesOf('/elsewhere')).toBe(1);
  });

  it('fetches what a policy names before it is too old, though nobody asks for it', async () => {
    const { served = [] } = REQUEST_SCENARIOS['K21']?.keySetLives?.[0] ?? {};
    const scenario = atAddress(scenarioOf('K21'), await provider.serve('/idle', served));
    await gateways.publish([scenarioProxy('idle', scenario, upstreamUrl)]);
    await provider.fetched('/idle', 1);
    gateways.nowMs += 250 * MS_PER_SECOND;
    await provider.fetched('/idle', 2);
  });

  describe.each(titled(ofKeySets))('%s: %s', (id, _given, row) => {
    it('is told as the row says', () => {
      const outcomes = livesOf(row).flatMap(({ moments }) => moments.map((moment) => moment[faultCodes]));
      expect(outcomes).toContain(expectationOf(row[faultCodes]).code ?? 'pass');
    });

    it.each(livesOf(row).map((life) => [life.name, life] as const))('%s', (_name, life) => live(id, life));
  });
});
