import { listPhrase, valuePhrase, wordsOf } from './change-phrases.ts';

/** A step into a document: to a member, or to an item of a list by its name. */
export interface PathStep {
  readonly name: string;
  readonly isItem: boolean;
}

interface Values {
  readonly from: unknown;
  readonly to: unknown;
}

type Members = Readonly<Record<string, unknown>>;

/** What the fields of a proxy are called in a sentence; a `*` stands for the name of an item. */
const TITLES: Readonly<Record<string, string>> = {
  apiProxyDescription: 'description',
  clientRoute: 'route',
  'clientRoute.relativePathList': 'path',
  'clientRoute.methodList': 'method',
  'clientRoute.hostList': 'host',
  'clientRoute.headerList': 'header rules',
  'clientRoute.headerList[*]': 'header rule *',
  routingInfo: 'routing',
  'routingInfo.routingAddressList': 'addresses',
  'routingInfo.routingAddressList[*]': 'address *',
  'routingInfo.loadBalanceAlgorithm': 'load balancing',
  'routingInfo.connectTimeout': 'connect timeout',
  'routingInfo.readTimeout': 'read timeout',
  'routingInfo.retryCount': 'retries',
  cors: 'CORS',
  'cors.corsActive': 'CORS',
  'cors.allowOriginList': 'CORS origin',
  'cors.allowMethodList': 'CORS method',
  'cors.allowHeaderList': 'CORS header',
  'cors.exposeHeaderList': 'CORS exposed header',
  'cors.allowCredentials': 'CORS credentials',
  'cors.maxAge': 'CORS preflight lifetime',
  jsonErrorTemplate: 'error template',
  'jsonErrorTemplate.jsonErrorResponseTemplateActive': 'error template',
  'jsonErrorTemplate.jsonValue': 'text of the error template',
  xmlErrorTemplate: 'XML error template',
  'xmlErrorTemplate.xmlErrorResponseTemplateActive': 'XML error template',
  'xmlErrorTemplate.xmlValue': 'text of the XML error template',
  endpointList: 'endpoints',
  'keys.publicKey': 'public key',
  'keys.secretKey': 'secret key',
};
const UNITS: Readonly<Record<string, string>> = {
  'routingInfo.connectTimeout': ' s',
  'routingInfo.readTimeout': ' s',
  'cors.maxAge': ' s',
};

/** The same of a policy, its members and its place. */
const POLICY_TITLES: Readonly<Record<string, string>> = {
  'policy.additionalClaims.claims': 'claims',
  'policy.additionalClaims.claims[*]': 'claim *',
  'policy.additionalHeaders.claims': 'token headers',
  'policy.additionalHeaders.claims[*]': 'token header *',
  'policy.forwardVariables': 'headers to the upstream',
  'policy.forwardVariables[*]': 'header * to the upstream',
  'operationMetadata.targetScope': 'scope',
  'operationMetadata.targetEndpoint': 'endpoint',
  'operationMetadata.targetEndpointHTTPMethod': 'method',
  'operationMetadata.targetPipeline': 'pipeline',
};

/** Names of parts that say nothing in a sentence. */
const SILENT = /^(policy|operationMetadata)\.|(\.value)+$/g;

const textOf = (steps: readonly PathStep[]): string =>
  steps
    .map(({ name, isItem }) => (isItem ? `[${name}]` : `.${name}`))
    .join('')
    .replace(/^\./, '');

/** The longest part of a path that has a title, with the rest behind it: `address http://1: weight`. */
function titleOf(steps: readonly PathStep[], titles: Readonly<Record<string, string>>): string {
  for (let length = steps.length; length > 0; length -= 1) {
    const part = steps.slice(0, length);
    const item = part.find(({ isItem }) => isItem)?.name ?? '';
    const title = titles[textOf(part.map((step) => (step.isItem ? { name: '*', isItem: true } : step)))];
    if (title === undefined) continue;
    const rest = textOf(steps.slice(length)).replaceAll(SILENT, '');
    const named = title.replace('*', () => item);
    return rest === '' || rest === 'value' ? named : `${named}: ${rest}`;
  }
  return textOf(steps).replaceAll(SILENT, '');
}

function memberMeaning(label: string, member: string, { from, to }: Values): string {
  const inner = member.replace(/^policy\./, '');
  const [before, after] = [wordsOf(from, inner), wordsOf(to, inner)];
  if (before !== undefined && after !== undefined) return listPhrase(label, before, after);
  return valuePhrase(label, from, to, UNITS[member]);
}

/** `REQUEST, order 2` or `GET /users REQUEST, order 1` */
function placeOf(policy: unknown): string {
  const at = (policy as { readonly operationMetadata?: Members }).operationMetadata ?? {};
  const endpoint =
    at['targetScope'] === 'ENDPOINT'
      ? `${String(at['targetEndpointHTTPMethod'])} ${String(at['targetEndpoint'])} `
      : '';
  return `${endpoint}${String(at['targetPipeline'])}, order ${String(at['order'])}`;
}

function policyMeaning(name: string, steps: readonly PathStep[], { from, to }: Values): string {
  const subject = `policy ${name}`;
  const member = textOf(steps);
  if (member === '') {
    if (from === null) return `${subject} added at ${placeOf(to)}`;
    return `${subject} removed, was at ${placeOf(from)}`;
  }
  if (member === 'operationMetadata.order') return `${subject} moved from order ${String(from)} to ${String(to)}`;
  if (member === 'policy.active') return `${subject} switched ${to === true ? 'on' : 'off'}`;
  const isMoved = member.startsWith('operationMetadata.');
  return memberMeaning(`${subject}${isMoved ? ' moved' : ''}: ${titleOf(steps, POLICY_TITLES)}`, member, { from, to });
}

/** A change in words: ``policy check: audience `b` removed``. */
export function meaningOf(steps: readonly PathStep[], from: unknown, to: unknown): string {
  const [list, item, ...rest] = steps;
  if (item?.isItem === true && list?.name === 'policyList') return policyMeaning(item.name, rest, { from, to });
  if (item?.isItem === true && list?.name === 'endpointList') {
    const subject = `endpoint ${item.name}`;
    if (rest.length === 0) return `${subject} ${from === null ? 'added' : 'removed'}`;
    return memberMeaning(`${subject}: ${textOf(rest)}`, textOf(rest), { from, to });
  }
  return memberMeaning(titleOf(steps, TITLES), textOf(steps), { from, to });
}
