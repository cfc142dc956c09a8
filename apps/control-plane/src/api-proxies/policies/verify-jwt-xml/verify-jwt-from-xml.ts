import { canonicalJson } from '#libs/canonical-json';
import { pathStep, type ContractWarning, type ValidationFault } from '#libs/policy-contracts';
import { shapeFindings } from './check-shape.ts';
import { readProperties } from './gatewarden-properties.ts';
import { readXml, type XmlElement } from './read-xml.ts';
import { flagOf, MEMBER_READERS, type Members } from './verify-jwt-members.ts';
import { placeOf, VERIFY_JWT_SHAPE } from './verify-jwt-shape.ts';

/** A policy given as XML, on its way to the JSON form that the contract reads. */
export interface PolicyFromXml {
  /** Undefined: the text is no VerifyJWT document at all. */
  readonly members: Members | undefined;
  readonly faults: readonly ValidationFault[];
  readonly warnings: readonly ContractWarning[];
}

const TYPE = 'policy-verify-jwt';
/** Members of the JSON form that may stand beside `xml`. */
const BESIDE_XML = ['type', 'description', 'active', 'condition', 'forwardVariables'];

const refused = (code: string, message: string): PolicyFromXml => ({
  members: undefined,
  faults: [{ field: 'policy.xml', code, message: `policy.xml ${message}` }],
  warnings: [],
});

/** A template of a build tool is hardly ever well-formed (`verify-jwt.md` 11.1). */
const templateHint = (xml: string): string =>
  /<%|\$\{|##\w/.test(xml) ? '; it holds a template (${…}, ##…## or <% … %>) that was to be replaced first' : '';

function rootMembers({ attributes }: XmlElement): Members {
  return {
    active: flagOf(attributes.get('enabled')),
    continueOnError: flagOf(attributes.get('continueOnError')),
    ...(attributes.has('async') ? { async: true } : {}),
  };
}

function membersOf(element: XmlElement): Members {
  const known = VERIFY_JWT_SHAPE.children ?? {};
  const shape = Object.hasOwn(known, element.name) ? known[element.name] : undefined;
  if (shape?.ignored === true && shape.member !== undefined) return { [shape.member]: true };
  const reader = Object.hasOwn(MEMBER_READERS, element.name) ? MEMBER_READERS[element.name] : undefined;
  return reader?.(element) ?? {};
}

function elementMembers({ children }: XmlElement): Members {
  const members: Members = {};
  // Of a repeated element the first counts.
  for (const element of children.toReversed()) Object.assign(members, membersOf(element));
  return members;
}

function nameFaults({ attributes }: XmlElement, policyName: string): ValidationFault[] {
  const name = attributes.get('name');
  if (name === undefined || name === policyName) return [];
  const message = `attribute name of the XML differs from the policy's name in the path (${policyName})`;
  return [{ field: 'policy.name', code: 'name_mismatch', message }];
}

/** What the body says beside the XML; it may repeat the document, not contradict it. */
function besideXml(body: Members, inXml: Members): { members: Members; faults: ValidationFault[] } {
  const members: Members = {};
  const faults: ValidationFault[] = [];
  for (const [member, value] of Object.entries(body)) {
    const field = `policy.${pathStep(member)}`;
    if (member === 'xml' || value === null || value === undefined) continue;
    if (!BESIDE_XML.includes(member)) {
      const message = `${field} is not known beside policy.xml; known: ${BESIDE_XML.join(', ')}`;
      faults.push({ field, code: 'unknown_field', message });
    } else if (inXml[member] !== undefined && canonicalJson(inXml[member]) !== canonicalJson(value)) {
      const place = placeOf(field) ?? 'the document';
      faults.push({ field, code: 'conflicting_values', message: `${field} is not what the XML says (${place})` });
    } else members[member] = value;
  }
  return { members, faults };
}

/**
 * Reads `{type, xml, …}`: elements become the members of the JSON form, which the contract then reads as it reads JSON, so
 * both ways have the same rules. Every fault of the document at once.
 */
export function policyFromXml(body: Members, policyName: string): PolicyFromXml {
  const { xml } = body;
  if (typeof xml !== 'string') return refused('wrong_type', 'must be a string');
  const read = readXml(xml);
  if (!read.ok) return refused('invalid_xml', `${read.message}${templateHint(xml)}`);
  const { root } = read;
  if (root.name !== 'VerifyJWT') return refused('invalid_xml', 'must have the outermost element VerifyJWT');
  const properties = readProperties(root);
  const inXml = { ...rootMembers(root), ...elementMembers(root), ...properties.members };
  const beside = besideXml(body, inXml);
  const shape = shapeFindings(root);
  return {
    members: { ...inXml, ...beside.members, type: TYPE },
    faults: [...nameFaults(root, policyName), ...shape.faults, ...properties.faults, ...beside.faults],
    warnings: [...shape.warnings, ...properties.warnings],
  };
}

/** Texts of Apigee stay as they are: they name the culprit already. */
const NAMES_CULPRIT = /\b(?:policy|element|claim|header)\(/;

/** The contract's faults speak of JSON paths; this says where in the document it is. */
export function withPlaceInXml({ field, code, message }: ValidationFault): ValidationFault {
  const place = placeOf(field);
  if (place === undefined || NAMES_CULPRIT.test(message)) return { field, code, message };
  return { field, code, message: `${message} (${place})` };
}
