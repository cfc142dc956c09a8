import { readFileSync } from 'node:fs';
import { parseVerifyJwt } from '#libs/policy-contracts';
import type { Fault } from './exchange/fault.ts';
import { exchangeFor, linked, NOW_MS, placed, routeOf } from './testing/artifacts.ts';
import { PENDING_SCENARIOS } from './testing/pending-scenarios.ts';
import { REQUEST_SCENARIOS, SAVE_SCENARIOS, type Scenario } from './testing/verify-jwt-scenarios.ts';

interface Row {
  readonly id: string;
  readonly given: string;
  readonly observed: string;
  readonly documented: string;
}

const table = readFileSync(new URL('../../../test/fixtures/verify-jwt-scenarios.tsv', import.meta.url), 'utf8');
const rows: readonly Row[] = table
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [id = '', given = '', observed = '', documented = ''] = line.split('\t');
    return { id, given, observed, documented };
  });

const titled = (scenarios: Readonly<Record<string, unknown>>) =>
  rows.filter(({ id }) => Object.hasOwn(scenarios, id)).map((row) => [row.id, row.given, row] as const);

async function run(scenario: Scenario, faultCodes: 'documented' | 'observed') {
  const { policy, policyName = 'P', environment = {}, variables = {}, token } = scenario;
  const request = [placed(policyName, { type: 'policy-verify-jwt', ...policy })];
  const proxy = linked({ request, variables: environment }, { faultCodes });
  const exchange = exchangeFor(proxy, scenario.request ?? { headers: { Authorization: `Bearer ${token ?? ''}` } });
  for (const [name, value] of Object.entries(variables)) exchange.setVariable(name, value);
  const route = routeOf(proxy);
  return { exchange, route, fault: await route.runRequest(exchange, NOW_MS) };
}

/** A row's words as an expectation: `pass`, or a code with the parts of the text it names. */
function expectOutcome(expected: string, fault: Fault | undefined, policyName: string): void {
  const code = /^[A-Z][A-Za-z]+/.exec(expected)?.[0];
  if (code === undefined) {
    expect(fault).toBeUndefined();
    return;
  }
  expect(fault).toMatchObject({ status: 401, name: code, policy: policyName });
  const body = JSON.parse(fault?.body ?? '') as { fault: { faultstring: string; detail: { errorcode: string } } };
  expect(body.fault.detail.errorcode).toBe(`steps.jwt.${code}`);
  expect(body.fault.faultstring).toContain(`policy(${policyName})`);
  for (const [part] of expected.matchAll(/\b(?:claim|variable|algorithm)\([^)|]+\)/g)) {
    expect(body.fault.faultstring).toContain(part);
  }
  const text = /faultstring (.*)$/.exec(expected)?.[1];
  if (text !== undefined) expect(body.fault.faultstring).toBe(text);
}

describe('verify-jwt-scenarios.tsv', () => {
  it('is covered or pending, row by row, all 123 of them', () => {
    const pending = PENDING_SCENARIOS.map(({ id }) => id);
    const covered = [...Object.keys(REQUEST_SCENARIOS), ...Object.keys(SAVE_SCENARIOS)];
    process.stdout.write(`pending scenarios (${pending.length}): ${pending.join(' ')}\n`);

    expect(rows).toHaveLength(123);
    expect([...covered, ...pending].sort()).toEqual(rows.map(({ id }) => id).sort());
  });

  describe.each(['documented', 'observed'] as const)('with the %s codes', (faultCodes) => {
    // What a row says in prose beside a code is checked by the scenario itself.
    const inProse = ['M22', 'F01', 'F02', 'F03', 'F04', 'F05'];

    it.each(titled(REQUEST_SCENARIOS))('%s: %s', async (id, _given, row) => {
      const scenario = REQUEST_SCENARIOS[id];
      if (scenario === undefined) throw new RangeError(id);
      const { exchange, fault, route } = await run(scenario, faultCodes);
      if (!inProse.includes(id)) expectOutcome(row[faultCodes], fault, scenario.policyName ?? 'P');
      if (id === 'M22') expect(fault).toBeUndefined();
      scenario.also?.(exchange, fault, route);
    });
  });

  describe('when the policy is saved', () => {
    it.each(titled(SAVE_SCENARIOS))('%s: %s', (id, _given, row) => {
      const parsed = parseVerifyJwt({ type: 'policy-verify-jwt', ...SAVE_SCENARIOS[id] }, 'P');
      if (id === 'D15') {
        expect(parsed).toMatchObject({ ok: true, warnings: [{ field: 'policy.expiresIn' }] });
        return;
      }
      const [code = '', text] = row.documented.split(/ (.*)/s);
      expect(parsed).toMatchObject({ ok: false, faults: [{ code }] });
      if (text !== undefined && text.startsWith('Invalid'))
        expect(parsed).toMatchObject({ faults: [{ message: text }] });
    });
  });
});
