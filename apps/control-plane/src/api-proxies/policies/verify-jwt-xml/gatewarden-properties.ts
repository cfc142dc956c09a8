import { pathStep, type ContractWarning, type ValidationFault } from '#libs/policy-contracts';
import type { XmlElement } from './read-xml.ts';
import { childOf, flagOf, type Members } from './verify-jwt-members.ts';

/** Members of ours that Apigee's elements have no place for travel as properties of this prefix (contract 4.1). */
const PREFIX = 'gatewarden.';

type Reader = (text: string) => unknown;

/** Undefined: the text cannot be read. */
function parsedList(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** How the text of each property becomes a member; the texts of a policy are theirs to the last blank. */
const READERS: Readonly<Record<string, Reader>> = {
  description: (text) => text,
  condition: (text) => text,
  forwardVariables: parsedList,
  allowedJwksHosts: parsedList,
  cacheVerifiedTokens: flagOf,
};
export const PROPERTY_MEMBERS = Object.keys(READERS);
export const propertyName = (member: string): string => `${PREFIX}${member}`;

export interface ReadProperties {
  readonly members: Members;
  readonly faults: readonly ValidationFault[];
  readonly warnings: readonly ContractWarning[];
}

interface Reading {
  readonly members: Members;
  readonly faults: ValidationFault[];
  readonly warnings: ContractWarning[];
}

function readProperty(member: string, text: string, into: Reading): void {
  const field = `policy.${pathStep(member)}`;
  const name = propertyName(member);
  const reader = Object.hasOwn(READERS, member) ? READERS[member] : undefined;
  if (reader === undefined) {
    const message = `Property ${name} is not known; known: ${PROPERTY_MEMBERS.map(propertyName).join(', ')}`;
    into.faults.push({ field, code: 'unknown_field', message });
    return;
  }
  if (Object.hasOwn(into.members, member)) {
    into.faults.push({ field, code: 'duplicate_element', message: `Property ${name} may stand there once` });
    return;
  }
  into.members[member] = reader(text);
  if (into.members[member] !== undefined) return;
  into.faults.push({ field, code: 'invalid', message: `Property ${name} must hold a JSON array` });
}

/** Reads `<Properties>`; what is not ours Apigee's policy ignores, and a warning says so. */
export function readProperties(root: XmlElement): ReadProperties {
  const reading: Reading = { members: {}, faults: [], warnings: [] };
  for (const { attributes, text } of childOf(root, 'Properties')?.children ?? []) {
    const name = attributes.get('name') ?? '';
    if (name.startsWith(PREFIX)) readProperty(name.slice(PREFIX.length), text, reading);
    else {
      const message = `Property ${name} has no effect in this policy and is not stored`;
      reading.warnings.push({ field: 'policy.properties', message });
    }
  }
  return reading;
}
