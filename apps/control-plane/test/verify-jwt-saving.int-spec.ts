import { readFileSync } from 'node:fs';
import { expectationOf, SAVE_SCENARIOS, scenarioRows, type ScenarioRow } from '#libs/policy-runtime/testing';
import { METADATA, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
import { ELEMENT_CASES, savedElements, verifyJwtDocument, type ElementCase } from './testing/verify-jwt-documents.ts';

const XML = { 'content-type': 'application/xml' };
const QUERY = '?targetScope=ALL&targetPipeline=REQUEST&deploy=false';
const STORED = { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.stored' } };
/** Apigee's own text form; the name of the policy stands in it (`verify-jwt.md` part 5). */
const DEPLOYMENT_ERROR = /^[A-Z][a-z]+(?: [A-Za-z]+)* : policy\(P\)(?: (?:claim|header|element)\([A-Za-z]+\))?\.$/;

const table = new URL('../../../test/fixtures/verify-jwt-scenarios.tsv', import.meta.url);
const rows = scenarioRows(readFileSync(table, 'utf8')).filter(({ id }) => id.startsWith('D'));
const faulty = rows.filter(({ documented }) => expectationOf(documented).code !== undefined);

let plane: RunningControlPlane;
let proxies = 0;

beforeAll(async () => {
  plane = await RunningControlPlane.start();
  await plane.done('POST', '/projects/', { name: 'p' });
});
afterAll(() => plane.close());

/** Path of a new proxy's policies. */
async function newProxy(): Promise<string> {
  const name = `proxy-${(proxies += 1)}`;
  await plane.done('POST', '/projects/p/apiProxies/url/', proxyBody(name));
  return `/projects/p/apiProxies/${name}/policies`;
}

async function eventCount(): Promise<number> {
  return (await plane.events()).length;
}

const publicPem = (): string => {
  const { publicKey } = SAVE_SCENARIOS['D01'] as { publicKey: { value: string } };
  return publicKey.value;
};

type Method = 'POST' | 'PUT';

const FORMS = {
  JSON: (method: Method, path: string, id: string) =>
    plane.call(method, path, {
      operationMetadata: METADATA,
      policy: { type: 'policy-verify-jwt', ...SAVE_SCENARIOS[id] },
    }),
  XML: (method: Method, path: string, id: string) =>
    plane.call(method, path + QUERY, verifyJwtDocument('P', savedElements(publicPem())[id] ?? ''), XML),
} as const;
type Form = keyof typeof FORMS;

function expectDeploymentError(answer: Answer, row: ScenarioRow): void {
  const { code = '', text } = expectationOf(row.documented);
  expect(answer.status).toBe(400);
  const { validation_errors: faults = [] } = answer.body;
  expect(faults.map((fault) => fault.code)).toContain(code);
  const { message = '' } = faults.find((fault) => fault.code === code) ?? {};
  expect(message).toMatch(DEPLOYMENT_ERROR);
  if (text !== undefined) expect(message).toBe(text);
  for (const fault of faults) expect(fault.field).toMatch(/^policy\./);
}

describe('the rows of verify-jwt-scenarios.tsv that save a policy, through REST', () => {
  it('are fifteen, each with a body in JSON and in XML', () => {
    expect(rows).toHaveLength(15);
    const ids = rows.map(({ id }) => id).sort();
    expect(Object.keys(SAVE_SCENARIOS).sort()).toEqual(ids);
    expect(Object.keys(savedElements(publicPem())).sort()).toEqual(ids);
    expect(faulty).toHaveLength(14);
  });

  describe.each(Object.keys(FORMS) as Form[])('as %s', (form) => {
    it.each(faulty.map((row) => [row.id, row.given, row] as const))(
      '%s: %s, by POST and by PUT: refused, and nothing is stored',
      async (id, _given, row) => {
        const at = await newProxy();
        const before = await eventCount();
        expectDeploymentError(await FORMS[form]('POST', `${at}/P/`, id), row);
        expect((await plane.call('GET', `${at}/P/`)).status).toBe(404);
        expect(await eventCount()).toBe(before);

        await plane.done('POST', `${at}/P/`, { operationMetadata: METADATA, policy: STORED });
        const [stored, after] = [await plane.done('GET', `${at}/P/`), await eventCount()];
        expectDeploymentError(await FORMS[form]('PUT', `${at}/P/`, id), row);
        expect(await plane.done('GET', `${at}/P/`)).toEqual(stored);
        expect(await eventCount()).toBe(after);
      },
    );

    it('D15: an element that VerifyJWT does not know: stored without it, with a warning', async () => {
      const at = await newProxy();
      for (const method of ['POST', 'PUT'] as const) {
        const answer = await FORMS[form](method, `${at}/P/`, 'D15');
        expect([answer.status, answer.body.warnings?.map(({ field }) => field)]).toEqual([
          ...[200, ['policy.expiresIn']],
        ]);
        expect((await plane.call('GET', `${at}/P/`)).text).not.toContain('expiresIn');
      }
    });
  });

  it('answers and logs no literal secret that it refuses', async () => {
    const at = await newProxy();
    for (const form of Object.keys(FORMS) as Form[]) {
      expect((await FORMS[form]('POST', `${at}/P/`, 'D13')).text).not.toContain('open sesame');
    }
    expect(plane.logLines.join('')).not.toContain('open sesame');
  });
});

describe('a policy-verify-jwt in XML', () => {
  const policyAt = async (path: string): Promise<object> => {
    const [shown] = (await plane.done('GET', path)).resultList;
    return { ...(shown?.['policy'] as object), name: '' };
  };

  async function expectOneForm({ json, xml, attributes }: ElementCase): Promise<void> {
    const at = await newProxy();
    const policy = { type: 'policy-verify-jwt', ...json };
    await plane.done('POST', `${at}/as-json/`, { operationMetadata: METADATA, policy });
    await plane.done('POST', `${at}/as-xml/${QUERY}`, verifyJwtDocument('as-xml', xml, attributes), XML);
    expect(await policyAt(`${at}/as-xml/`)).toEqual(await policyAt(`${at}/as-json/`));
    const [first, second] = (await plane.events()).slice(-2).map(({ data }) => data['policy']);
    expect(second).toEqual(first);
    expect(first).toMatchObject({ type: 'policy-verify-jwt' });
  }

  it.each(ELEMENT_CASES.map((one) => [one.element, one] as const))('stores what JSON stores: %s', (_element, one) =>
    expectOneForm(one),
  );
});
