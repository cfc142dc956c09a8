import { readFileSync } from 'node:fs';
import { parseVerifyJwt } from '#libs/policy-contracts';
import type { Fault } from './exchange/fault.ts';
import type { LinkOptions } from './linking/link-context.ts';
import { exchangeFor, linked, NOW_MS, placed, routeOf, type RequestParts } from './testing/artifacts.ts';
import { KEY_SET_ADDRESS } from './testing/key-set-scenarios.ts';
import { expectationOf, scenarioRows, type ScenarioRow } from './testing/scenario-table.ts';
import type { KeySetLife, KeySetMoment, Scenario } from './testing/scenario.ts';
import { ServedKeySets } from './testing/served-key-sets.ts';
import { REQUEST_SCENARIOS, SAVE_SCENARIOS } from './testing/verify-jwt-scenarios.ts';

type FaultCodes = LinkOptions['faultCodes'];

const table = new URL('../../../test/fixtures/verify-jwt-scenarios.tsv', import.meta.url);
const rows = scenarioRows(readFileSync(table, 'utf8'));
const idsOf = (scenarios: Readonly<Record<string, Scenario>>, isByTime: boolean): string[] =>
  Object.keys(scenarios).filter((id) => (scenarios[id]?.keySetLives !== undefined) === isByTime);
const titled = (ids: readonly string[]) =>
  rows.filter(({ id }) => ids.includes(id)).map((row) => [row.id, row.given, row] as const);

const bearer = (token = ''): RequestParts => ({ headers: { Authorization: `Bearer ${token}` } });

function link({ policy, policyName = 'P', environment = {} }: Scenario, options: Partial<LinkOptions>) {
  const request = [placed(policyName, { type: 'policy-verify-jwt', ...policy })];
  const proxy = linked({ request, variables: environment }, options);
  return { proxy, route: routeOf(proxy) };
}

async function run(scenario: Scenario, faultCodes: FaultCodes) {
  const { proxy, route } = link(scenario, { faultCodes });
  const exchange = exchangeFor(proxy, scenario.request ?? bearer(scenario.token));
  for (const [name, value] of Object.entries(scenario.variables ?? {})) exchange.setVariable(name, value);
  return { exchange, route, fault: await route.runRequest(exchange, NOW_MS) };
}

/** A row's words as an expectation: `pass`, or a code with the parts of the text it names. */
function expectOutcome(words: string, fault: Fault | undefined, policyName: string): void {
  const { code, text, parts } = expectationOf(words);
  if (code === undefined) {
    expect(fault).toBeUndefined();
    return;
  }
  expect(fault).toMatchObject({ status: 401, name: code, policy: policyName });
  const body = JSON.parse(fault?.body ?? '') as { fault: { faultstring: string; detail: { errorcode: string } } };
  expect(body.fault.detail.errorcode).toBe(`steps.jwt.${code}`);
  expect(body.fault.faultstring).toContain(`policy(${policyName})`);
  for (const part of parts) expect(body.fault.faultstring).toContain(part);
  if (text !== undefined) expect(body.fault.faultstring).toBe(text);
}

/** Runs the requests of a key set's life one after the other. */
async function live(scenario: Scenario, { served, moments }: KeySetLife, faultCodes: FaultCodes) {
  const keySets = new ServedKeySets(KEY_SET_ADDRESS, served);
  const { proxy, route } = link(scenario, { faultCodes, keySets });
  keySets.follow(proxy.keySetAddresses);
  const outcomes = [];
  for (const { atSecond, token, fetches } of moments) {
    keySets.nowSeconds = atSecond;
    const fault = await route.runRequest(exchangeFor(proxy, bearer(token)), NOW_MS + atSecond * 1000);
    const counted = fetches === 'not counted' ? fetches : keySets.fetches;
    outcomes.push({ atSecond, outcome: fault?.name ?? 'pass', fetches: counted });
  }
  return outcomes;
}

const expectedOf = ({ atSecond, fetches, ...outcomes }: KeySetMoment, faultCodes: FaultCodes) => ({
  atSecond,
  outcome: outcomes[faultCodes],
  fetches: fetches === 'not counted' ? fetches : fetches[faultCodes],
});

describe('verify-jwt-scenarios.tsv', () => {
  it('is covered row by row, all 123 of them', () => {
    const covered = [...Object.keys(REQUEST_SCENARIOS), ...Object.keys(SAVE_SCENARIOS)];

    expect(rows).toHaveLength(123);
    expect(covered.sort()).toEqual(rows.map(({ id }) => id).sort());
  });

  describe.each(['documented', 'observed'] as const)('with the %s codes', (faultCodes) => {
    // What these rows say in prose, the scenario itself checks.
    const inProse = ['F03', 'F04'];

    it.each(titled(idsOf(REQUEST_SCENARIOS, false)))('%s: %s', async (id, _given, row) => {
      const scenario = REQUEST_SCENARIOS[id];
      if (scenario === undefined) throw new RangeError(id);
      const { exchange, fault, route } = await run(scenario, faultCodes);
      if (!inProse.includes(id)) expectOutcome(row[faultCodes], fault, scenario.policyName ?? 'P');
      scenario.also?.(exchange, fault, route);
    });

    it.each(titled(idsOf(REQUEST_SCENARIOS, true)))('%s: %s', async (id) => {
      const scenario = REQUEST_SCENARIOS[id];
      if (scenario === undefined) throw new RangeError(id);
      const lives = scenario.keySetLives ?? [];
      expect(lives.length).toBeGreaterThan(0);
      for (const life of lives) {
        const expected = life.moments.map((moment) => expectedOf(moment, faultCodes));
        expect([life.name, await live(scenario, life, faultCodes)]).toEqual([life.name, expected]);
      }
    });
  });

  describe('when the policy is saved', () => {
    it.each(titled(Object.keys(SAVE_SCENARIOS)))('%s: %s', (id: string, _given, row: ScenarioRow) => {
      const parsed = parseVerifyJwt({ type: 'policy-verify-jwt', ...SAVE_SCENARIOS[id] }, 'P');
      if (id === 'D15') {
        expect(parsed).toMatchObject({ ok: true, warnings: [{ field: 'policy.expiresIn' }] });
        return;
      }
      const { code, text } = expectationOf(row.documented);
      expect(code).toBeDefined();
      expect(parsed).toMatchObject({ ok: false, faults: [{ code, ...(text === undefined ? {} : { message: text }) }] });
    });
  });
});
