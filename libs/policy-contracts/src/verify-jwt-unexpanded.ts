import { pathStep, type ValidationFault } from './validation-fault.ts';

/** What build tools replace before a policy is deployed: `${…}`, `##NAME##`, `<% … %>` (`verify-jwt.md` 11.1). */
export const UNEXPANDED_TEMPLATE = /\$\{[^{}]*\}|##[\w.-]+##|<%[^%>]{0,200}%>/;

/** Free text, or in a language of its own. */
const OTHER_TEXT = new Set(['description', 'condition', 'forwardVariables', 'xml']);

type Members = Readonly<Record<string, unknown>>;

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** In a map `${amount}` may well be a dollar and a variable; there a warning has to do. */
const isMapText = (parent: Members, name: string): boolean => name === 'value' && parent['type'] === 'map';

function faultsIn(value: unknown, field: string): ValidationFault[] {
  if (typeof value === 'string') {
    if (!UNEXPANDED_TEMPLATE.test(value)) return [];
    const message = `${field} holds a template of another tool (\${…}, ##…## or <% … %>) that was to be replaced first`;
    return [{ field, code: 'unexpanded_template', message }];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => faultsIn(item, `${field}[${index}]`));
  if (!isMembers(value)) return [];
  const texts = Object.entries(value).filter(([name]) => !isMapText(value, name));
  return texts.flatMap(([name, member]) => faultsIn(member, `${field}.${pathStep(name)}`));
}

/** Every text of a sent `policy-verify-jwt` that is still a template of the tool that should have written it. */
export function unexpandedTemplateFaults(policy: unknown): ValidationFault[] {
  if (!isMembers(policy) || policy['type'] !== 'policy-verify-jwt') return [];
  return Object.entries(policy)
    .filter(([name]) => !OTHER_TEXT.has(name))
    .flatMap(([name, member]) => faultsIn(member, `policy.${pathStep(name)}`));
}
