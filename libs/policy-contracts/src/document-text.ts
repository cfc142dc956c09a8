import { pathStep, type ValidationFault } from './validation-fault.ts';

/** Characters that no XML 1.0 document can carry, not even as references (XML 1.0 section 2.2); half a surrogate pair is one. */
// eslint-disable-next-line no-control-regex -- naming them is the point
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

export const isDocumentText = (text: string): boolean => !UNWRITABLE.test(text);

/** Lists that are one text with commas in XML: a name that holds one would come back as two. */
const COMMA_LISTS = new Set(['requiredClaims', 'knownHeaders']);
/** Never written as XML. */
const ANY_TEXT = new Set(['payload']);

const fault = (field: string, message: string): ValidationFault => ({
  ...{ field, code: 'invalid', message: `${field} ${message}` },
});

function textFaults(text: string, path: readonly (string | number)[], field: string): ValidationFault[] {
  const [member = '', ...steps] = path;
  if (ANY_TEXT.has(String(member))) return [];
  if (!isDocumentText(text)) return [fault(field, 'must hold no control characters')];
  const isListItem = COMMA_LISTS.has(String(member)) && typeof steps.at(-1) === 'number';
  return isListItem && text.includes(',') ? [fault(field, 'must hold no comma')] : [];
}

function faultsIn(value: unknown, path: readonly (string | number)[], field: string): ValidationFault[] {
  if (typeof value === 'string') return textFaults(value, path, field);
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => faultsIn(item, [...path, index], `${field}[${index}]`));
  }
  return Object.entries(value).flatMap(([name, member]) =>
    faultsIn(member, [...path, name], `${field}.${pathStep(name)}`),
  );
}

/**
 * What keeps a policy from having one form in JSON and in XML. Asked of a policy that somebody sends, not of a stored one:
 * the first version of this program kept such texts, and what it kept goes on being served.
 */
export const documentFaults = (policy: unknown): ValidationFault[] => faultsIn(policy, [], 'policy');
