/** A step into a document: to a member, or to an item of a list by its name. */
export interface PathStep {
  readonly name: string;
  readonly isItem: boolean;
}

const LONGEST_SHOWN = 80;

/** A value short enough for a sentence. */
function shown(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
  const text = String(value);
  return text.length > LONGEST_SHOWN || text.includes('\n') ? undefined : text;
}

/** Elements that are comma lists in one text (`verify-jwt.md` 3.3). */
const COMMA_LISTS = new Set(['audience.value', 'audience']);

function wordsOf(value: unknown, member: string): string[] | undefined {
  if (COMMA_LISTS.has(member) && typeof value === 'string') return value.split(',').map((word) => word.trim());
  if (!Array.isArray(value)) return undefined;
  const words = value.map(shown);
  return words.every((word) => word !== undefined) ? words : undefined;
}

/** What came and what went between two lists of words. */
function listPhrase(label: string, from: readonly string[], to: readonly string[]): string {
  const added = to.filter((word) => !from.includes(word));
  const removed = from.filter((word) => !to.includes(word));
  if (added.length === 0 && removed.length === 0) return `${label}: other order`;
  if (added.length === 1 && removed.length === 1) return `${label} ${removed[0]} → ${added[0]}`;
  const phrases = [...removed.map((word) => `\`${word}\` removed`), ...added.map((word) => `\`${word}\` added`)];
  return `${label} ${phrases.join(', ')}`;
}

function valuePhrase(label: string, from: unknown, to: unknown): string | undefined {
  const [before, after] = [shown(from), shown(to)];
  if (before !== undefined && after !== undefined) return `${label} ${before} → ${after}`;
  if (to === null) return before === undefined ? `${label} removed` : `${label} removed, was ${before}`;
  if (from === null) return after === undefined ? `${label} added` : `${label} set to ${after}`;
  return `${label} changed`;
}

interface Members {
  readonly policy?: { readonly type?: unknown };
  readonly operationMetadata?: Readonly<Record<string, unknown>>;
}

/** `REQUEST, order 2` or `GET /users REQUEST, order 1` */
function placeOf(policy: unknown): string {
  const at = (policy as Members).operationMetadata ?? {};
  const endpoint =
    at['targetScope'] === 'ENDPOINT'
      ? `${String(at['targetEndpointHTTPMethod'])} ${String(at['targetEndpoint'])} `
      : '';
  return `${endpoint}${String(at['targetPipeline'])}, order ${String(at['order'])}`;
}

function policyMeaning(name: string, member: string, { from, to }: { from: unknown; to: unknown }): string | undefined {
  const subject = `policy ${name}`;
  if (member === '') {
    if (from === null) return `${subject} added at ${placeOf(to)}`;
    return `${subject} removed, was at ${placeOf(from)}`;
  }
  if (member === 'operationMetadata.order') return `${subject} moved from order ${String(from)} to ${String(to)}`;
  if (member === 'policy.active') return `${subject} switched ${to === true ? 'on' : 'off'}`;
  if (member.startsWith('operationMetadata.')) return memberMeaning(`${subject} moved:`, member, { from, to });
  return memberMeaning(`${subject}:`, member, { from, to });
}

/** Names of parts that say nothing in a sentence. */
const SILENT = /^(policy|operationMetadata)\.|\.value$/g;

function memberMeaning(
  subject: string,
  member: string,
  { from, to }: { from: unknown; to: unknown },
): string | undefined {
  const label = `${subject} ${member.replaceAll(SILENT, '')}`.trim();
  const inner = member.replace(/^policy\./, '');
  const [before, after] = [wordsOf(from, inner), wordsOf(to, inner)];
  if (before !== undefined && after !== undefined) return listPhrase(label, before, after);
  return valuePhrase(label, from, to);
}

const textOf = (steps: readonly PathStep[]): string =>
  steps
    .map(({ name, isItem }) => (isItem ? `[${name}]` : `.${name}`))
    .join('')
    .replace(/^\./, '');

/** A change in words: `policy check: audience b removed`; undefined where there is nothing to say in a line. */
export function meaningOf(steps: readonly PathStep[], from: unknown, to: unknown): string | undefined {
  const [list, item, ...rest] = steps;
  const member = textOf(rest);
  if (item?.isItem === true && list?.name === 'policyList') return policyMeaning(item.name, member, { from, to });
  if (item?.isItem === true && list?.name === 'endpointList') {
    const subject = `endpoint ${item.name}`;
    if (member === '') return `${subject} ${from === null ? 'added' : 'removed'}`;
    return memberMeaning(`${subject}:`, member, { from, to });
  }
  return memberMeaning('', textOf(steps), { from, to });
}
