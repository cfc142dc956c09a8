/** Fault of a field, as an answer has it. */
interface AnsweredFault {
  readonly field?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
}

interface AnsweredEnvelope {
  readonly success?: unknown;
  readonly error?: string;
  readonly error_description?: unknown;
  readonly validation_errors?: readonly AnsweredFault[];
  readonly warnings?: readonly AnsweredFault[];
}

/** An answer may be larger than what was asked, never by much. */
const MOST_BYTES = 256 * 1024;
const LONGEST_SENTENCE = 2_000;
/** What would break a line of a terminal, a log or a header, or turn its writing round. */
// eslint-disable-next-line no-control-regex -- naming them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

function sentenceViolation(what: string, text: unknown): string | undefined {
  if (typeof text !== 'string' || text === '') return `has no ${what}`;
  if (text.length > LONGEST_SENTENCE) return `has a ${what} of more than ${LONGEST_SENTENCE} characters`;
  return CONTROL.test(text) ? `has a control character in its ${what}` : undefined;
}

const faultViolation = ({ field, message }: AnsweredFault): string | undefined =>
  sentenceViolation('field', field) ?? sentenceViolation('message', message);

function parsed(text: string): AnsweredEnvelope | undefined {
  try {
    return JSON.parse(text) as AnsweredEnvelope;
  } catch {
    return undefined;
  }
}

/** What is wrong with an answer of the control plane, whatever was asked: its status, its envelope, its sentences. */
export function answerViolation(status: number, text: string): string | undefined {
  if (status !== 200 && (status < 400 || status > 499)) return `answered ${status}`;
  if (text.length > MOST_BYTES) return `answered more than ${MOST_BYTES} characters`;
  const envelope = parsed(text);
  if (envelope === undefined) return 'answered no JSON';
  if (envelope.success !== (status === 200)) return 'has a status and an envelope that say different things';
  const faults = [...(envelope.warnings ?? []), ...(envelope.validation_errors ?? [])];
  const ofFault = faults.map(faultViolation).find((found) => found !== undefined);
  if (status === 200) return ofFault;
  return (
    ofFault ?? sentenceViolation('error', envelope.error) ?? sentenceViolation('sentence', envelope.error_description)
  );
}

/** Fields that a refusal names. */
export const fieldsIn = (text: string): string[] =>
  (parsed(text)?.validation_errors ?? []).map(({ field }) => String(field));

/** In which group a refusal is counted. */
export function groupOf(status: number, text: string): string {
  const codes = (parsed(text)?.validation_errors ?? []).map(({ code }) => String(code));
  return `${status} ${codes[0] ?? parsed(text)?.error ?? ''}`.trim();
}

/** What may stand for the one member of its full form: a list alone, a text alone. */
const SHORT_FORM = /^\.?(?:claims|value)(?=[.[]|$)/;

const shownName = (name: string): string => (name === '' ? '""' : name);

function isPlaceInList(list: readonly unknown[], field: string): boolean {
  const rest = field.replace(SHORT_FORM, '');
  const [whole = '', index] = /^\[(\d+)\]/.exec(rest) ?? [];
  if (rest === '') return true;
  return index !== undefined && Number(index) < list.length && isPlaceIn(list[Number(index)], rest.slice(whole.length));
}

function isPlaceInObject(members: Readonly<Record<string, unknown>>, field: string): boolean {
  const rest = field.replace(/^\./, '');
  const after = (name: string): string => rest.slice(shownName(name).length);
  const names = Object.keys(members).filter(
    (name) => rest.startsWith(shownName(name)) && /^(?:$|[.[])/.test(after(name)),
  );
  // A member that could be there stands for all that could be in it.
  return names.length === 0 ? /^[A-Za-z]/.test(rest) : names.some((name) => isPlaceIn(members[name], after(name)));
}

/** Whether a field leads to something in a document, or to a member that an object there could have. */
export function isPlaceIn(document: unknown, field: string): boolean {
  // A name that is too long or odd is not shown as it is.
  if (field === '' || /[…\ufffd]/.test(field)) return true;
  if (Array.isArray(document)) return isPlaceInList(document, field);
  if (typeof document === 'object' && document !== null) return isPlaceInObject({ ...document }, field);
  return /^[.A-Za-z[]/.test(field);
}
