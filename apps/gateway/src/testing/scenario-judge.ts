import { expectationOf, type Scenario, type ScenarioExpectation, type ScenarioRow } from '#libs/policy-runtime/testing';
import type { FaultCodes } from '../config/gateway.config.ts';
import { ask, type Question, type ReceivedAnswer, type RunningUpstream } from '../http-server/testing/rig.ts';
import type { ConfiguredGateways, PublishedProxy } from './configured-gateways.ts';
import { questionOf } from './scenario-request.ts';
import { SHOW_HEADER, showingPolicies, shownIn } from './shown-variables.ts';

type Texts = Readonly<Record<string, string>>;

/** What a row says in prose: the code that its failure has, and variables (those of the policy without their prefix). */
interface Prose {
  readonly code?: string;
  readonly shown: Texts;
}

const IN_PROSE: Readonly<Record<string, Prose>> = {
  S02: {
    shown: {
      ...{ 'claim.subject': 'alice', 'claim.sub': 'alice', 'decoded.claim.sub': 'alice' },
      ...{ 'payload-json': '{"sub":"alice"}', 'payload-claim-names': '[sub]', is_expired: 'false' },
      ...{ 'header.algorithm': 'RS256', 'header.type': 'JWT', 'decoded.header.alg': 'RS256' },
    },
  },
  T01: { shown: { is_expired: 'true', seconds_remaining: '-1' } },
  F01: {
    shown: {
      ...{ 'JWT.failed': 'true', 'fault.name': 'InvalidToken' },
      ...{ valid: 'false', failed: 'true', error: 'Invalid token: policy(P)' },
    },
  },
  F02: { shown: { 'JWT.failed': '', 'fault.name': '', valid: '', failed: '', error: '' } },
  F03: { code: 'InvalidToken', shown: { error: 'Invalid token: policy(VerifyJWT.Client)' } },
  F04: { code: 'TokenExpired', shown: { 'fault.name': 'TokenExpired', 'error.status.code': '401' } },
  F05: { shown: { 'decoded.claim.aud': '["x"]', 'claim.audience': '[x]', 'payload-json': '{"aud":"x"}' } },
};

const FLOW_VARIABLES = ['JWT.failed', 'fault.name', 'error.status.code'];
const TOKEN_VARIABLES = ['valid', 'failed', 'error', 'is_expired', 'seconds_remaining'];
const CLAIM_VARIABLES = [
  ...['claim.subject', 'claim.sub', 'decoded.claim.sub', 'claim.audience', 'decoded.claim.aud'],
  ...['payload-json', 'payload-claim-names', 'header.algorithm', 'header.type', 'decoded.header.alg'],
];
const WHEN_PASSED = { 'JWT.failed': 'false', 'fault.name': '', valid: 'true', failed: 'false', error: '' };

const policyNameOf = ({ policyName = 'P' }: Scenario): string => policyName;

/** Names that are not the flow's are the policy's. */
const fullNames = (scenario: Scenario, shown: Texts): Texts =>
  Object.fromEntries(
    Object.entries(shown).map(([name, value]) => [
      FLOW_VARIABLES.includes(name) ? name : `jwt.${policyNameOf(scenario)}.${name}`,
      value,
    ]),
  );

/** The fault that the row expects of this gateway; undefined: the request goes on. */
export const expectedCode = (row: ScenarioRow, faultCodes: FaultCodes): string | undefined =>
  IN_PROSE[row.id]?.code ?? expectationOf(row[faultCodes]).code;

/** A proxy with the scenario's policy, which forwards what it found, and with policies that show it. */
export function scenarioProxy(proxy: string, scenario: Scenario, upstreamUrl: string): PublishedProxy {
  const name = policyNameOf(scenario);
  const own = [...TOKEN_VARIABLES, ...CLAIM_VARIABLES].map((variable) => `jwt.${name}.${variable}`);
  const show = showingPolicies([...FLOW_VARIABLES, ...own]);
  const forwardVariables = [
    { variable: 'JWT.failed', header: 'x-jwt-failed' },
    { variable: `jwt.${name}.valid`, header: 'x-jwt-valid' },
  ];
  const policy = { type: 'policy-verify-jwt', forwardVariables, ...scenario.policy };
  return {
    ...{ proxy, addresses: [upstreamUrl], variables: { ...scenario.environment, ...scenario.variables } },
    pipelines: { request: [{ name, policy }, show.request], error: [show.error] },
  };
}

/** One request of a row: to which proxy, through which gateway. */
export interface JudgedRequest {
  readonly scenario: Scenario;
  readonly proxy: string;
  readonly faultCodes: FaultCodes;
}

/** Judges the rows of `verify-jwt-scenarios.tsv` by what a client and an upstream can see. */
export class ScenarioJudge {
  constructor(
    private readonly gateways: ConfiguredGateways,
    private readonly upstream: RunningUpstream,
  ) {}

  /** Expects what the row says in the column of this gateway. */
  async expectRow(row: ScenarioRow, request: JudgedRequest): Promise<void> {
    const code = expectedCode(row, request.faultCodes);
    const { shown } = IN_PROSE[row.id] ?? {};
    if (code === undefined) await this.expectPassed(request, shown);
    else await this.expectRefused(request, { ...expectationOf(row[request.faultCodes]), code }, shown);
  }

  /** The upstream saw it, with what the policy forwards; policies after it see what a success leaves. */
  async expectPassed(request: JudgedRequest, alsoShown: Texts = {}): Promise<void> {
    const before = this.upstream.seen.length;
    const answer = await ask(this.#question(request));
    expect([answer.status, answer.body]).toEqual([200, 'made upstream']);
    expect(this.upstream.seen).toHaveLength(before + 1);
    const variables = { ...WHEN_PASSED, ...alsoShown };
    const { headers = {} } = this.upstream.seen.at(-1) ?? {};
    const forwarded = [variables['JWT.failed'], variables.valid].map((text) => (text === '' ? undefined : text));
    expect([headers['x-jwt-failed'], headers['x-jwt-valid']]).toEqual(forwarded);
    await this.#expectShown(request, { isFault: false, variables });
  }

  /** The upstream saw nothing, the client Apigee's envelope; policies of the ERROR pipeline see the failure. */
  async expectRefused(
    request: JudgedRequest,
    expected: ScenarioExpectation & { readonly code: string },
    alsoShown: Texts = {},
  ): Promise<void> {
    const before = this.upstream.seen.length;
    const error = expectEnvelope(await ask(this.#question(request)), expected.code);
    expect(this.upstream.seen).toHaveLength(before);
    expect(error).toContain(`policy(${policyNameOf(request.scenario)})`);
    for (const part of expected.parts) expect(error).toContain(part);
    if (expected.text !== undefined) expect(error).toBe(expected.text);
    const failed = { 'JWT.failed': 'true', 'fault.name': expected.code, valid: 'false', failed: 'true', error };
    await this.#expectShown(request, { isFault: true, variables: { ...failed, ...alsoShown } });
  }

  /** Asks once more, and has the variables shown. */
  async #expectShown(
    request: JudgedRequest,
    { isFault, variables }: { readonly isFault: boolean; readonly variables: Texts },
  ): Promise<void> {
    const question = this.#question(request);
    const shown = shownIn(await ask({ ...question, headers: { ...question.headers, [SHOW_HEADER]: 'variables' } }));
    expect(shown.values).toMatchObject(fullNames(request.scenario, variables));
    expect(shown.isFault).toBe(isFault);
  }

  #question({ scenario, proxy, faultCodes }: JudgedRequest): Question {
    return questionOf(scenario, this.gateways.port(faultCodes), proxy);
  }
}

/** Expects HTTP 401 in Apigee's envelope and nothing else (`verify-jwt.md` 4.1); answers with the text. */
function expectEnvelope(answer: ReceivedAnswer, code: string): string {
  const { status, headers, body } = answer;
  const { faultstring } = (JSON.parse(body) as { fault: { faultstring: string } }).fault;
  expect(JSON.parse(body)).toEqual({ fault: { faultstring, detail: { errorcode: `steps.jwt.${code}` } } });
  expect([status, headers['content-type'], headers['www-authenticate']]).toEqual([401, 'application/json', undefined]);
  return faultstring;
}
