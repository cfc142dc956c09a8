import { isDeepStrictEqual } from 'node:util';
import { parsePolicy, type PolicyContract } from '#libs/policy-contracts';
import { verifyJwtToXml } from '../../../apps/control-plane/src/api-proxies/policies/verify-jwt-xml/verify-jwt-to-xml.ts';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { mutateJson } from '../mutate-json.ts';
import { mutateText } from '../mutate-text.ts';
import { answerViolation, fieldsIn, groupOf, isPlaceIn } from './judge-answer.ts';
import { POLICY_NAME, PolicyCalls, type CallAnswer } from './policy-calls.ts';
import { AT_REQUEST, POLICY_BODIES, POLICY_PIECES, VERIFY_JWT_DOCUMENTS, XML_PIECES } from './policy-seeds.ts';

const JSON_TYPE = 'application/json';
const XML_TYPE = 'application/xml';
const BYTES = [
  ...'\u0000\u0080\u00c3\u00ff{}[]",:\\ 0e-',
  '\u00c3\u00a9',
  '\u00ed\u00a0\u0080',
  '\\ud800',
  '\\u0000',
  '""',
  'null',
];
const AT_REQUEST_QUERY = { targetScope: 'ALL', targetPipeline: 'REQUEST' };

/** The text is the bytes, one character each. */
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const asBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const jsonOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
/** As the database keeps it: without members that are undefined. */
const asStored = (policy: PolicyContract): unknown => JSON.parse(JSON.stringify(policy));

/** What was accepted is read again in every form that it can be shown in, and is the same then. */
class FormsOfPolicies {
  constructor(private readonly calls: PolicyCalls) {}

  async violation(policy: PolicyContract): Promise<string | undefined> {
    const stored = parsePolicy(policy, POLICY_NAME);
    if (!stored.ok || !isDeepStrictEqual(asStored(stored.value), policy))
      return 'is read as another policy when it is loaded';
    const body = { operationMetadata: AT_REQUEST, policy: { ...policy, name: POLICY_NAME } };
    const asJson = await this.calls.post(jsonOf(body), JSON_TYPE);
    if (!isDeepStrictEqual(asJson.policy, policy)) return `is another policy when it is sent again: ${asJson.text}`;
    if (policy.type !== 'policy-verify-jwt') return undefined;
    const xml = Buffer.from(verifyJwtToXml(POLICY_NAME, policy));
    const asXml = await this.calls.post(xml, XML_TYPE, AT_REQUEST_QUERY);
    return isDeepStrictEqual(asXml.policy, policy)
      ? undefined
      : `is another policy when its XML is sent: ${asXml.text}`;
  }
}

async function judge(answer: CallAnswer, forms: FormsOfPolicies): Promise<Judgement> {
  const { status, text, policy } = answer;
  const violation = answerViolation(status, text);
  if (policy === undefined) return { group: groupOf(status, text), violation };
  return { group: policy.type, violation: violation ?? (await forms.violation(policy)) };
}

/** Where a fault of an XML document is said to be depends on what the reader made of it. */
function fieldsViolation(text: string, answer: CallAnswer): string | undefined {
  if (answer.status === 200) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(bytesOf(text).toString('utf8'));
  } catch {
    return undefined;
  }
  const missing = fieldsIn(answer.text).find((field) => field !== 'body' && !isPlaceIn(body, field));
  return missing === undefined ? undefined : `names a field that is no place in the body: ${missing}`;
}

function jsonCase(random: SeededRandom): string {
  const body = random.pick(POLICY_BODIES);
  const structural = random.between(0, 9) === 0 ? JSON.stringify(body) : mutateJson(body, random, POLICY_PIECES);
  const text = asBytes(structural);
  return random.between(0, 4) === 0 ? mutateText(text, random, BYTES) : text;
}

/** Bodies of the policy call as JSON. The text is the bytes, one character each. */
export const POLICY_JSON: FuzzTarget = {
  name: 'policy-json',
  share: 5,
  groups: ['policy-auth-jwt', 'policy-verify-jwt', 'policy-raise-fault', '400 bad_request', '400 wrong_type'],
  prepare: () => {
    const calls = new PolicyCalls();
    const forms = new FormsOfPolicies(calls);
    return (random) => ({
      text: jsonCase(random),
      judge: async (text) => {
        const answer = await calls.post(bytesOf(text), JSON_TYPE);
        const judged = await judge(answer, forms);
        return { ...judged, violation: judged.violation ?? fieldsViolation(text, answer) };
      },
    });
  },
};

const DEEP = [4, 16, 17, 500, 20_000];
const MANY = [100, 5_000, 60_000];

function xmlCase(random: SeededRandom): string {
  const document = asBytes(random.pick(VERIFY_JWT_DOCUMENTS));
  const odd = random.between(0, 60);
  if (odd === 0) {
    const depth = random.pick(DEEP);
    return document.replace('</VerifyJWT>', `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}</VerifyJWT>`);
  }
  if (odd === 1) {
    const piece = random.pick(['<a/>', '&lt;', '<!---->', 'a="b" ', ' ', '<![CDATA[]]>', '<?a?>', '<', '>', '&']);
    return document.replace('</VerifyJWT>', `${piece.repeat(random.pick(MANY))}</VerifyJWT>`);
  }
  return random.between(0, 9) === 0 ? document : mutateText(document, random, XML_PIECES);
}

/** VerifyJWT documents as the body, their place in the query. The text is the bytes, one character each. */
export const POLICY_XML: FuzzTarget = {
  name: 'policy-xml',
  share: 5,
  groups: ['policy-verify-jwt', '400 invalid_xml', '400 unknown_field'],
  prepare: () => {
    const calls = new PolicyCalls();
    const forms = new FormsOfPolicies(calls);
    return (random) => ({
      text: xmlCase(random),
      judge: async (text) => judge(await calls.post(bytesOf(text), XML_TYPE, AT_REQUEST_QUERY), forms),
    });
  },
};
