import type { ValidationFault } from '#libs/policy-contracts';
import type { XmlElement } from './read-xml.ts';
import { VERIFY_JWT_SHAPE, type ElementShape } from './verify-jwt-shape.ts';

/** Where an element stands, in XML and in the JSON form. */
interface Place {
  readonly path: string;
  readonly field: string;
}

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

function attributeFaults({ attributes }: XmlElement, shape: ElementShape, { path, field }: Place): ValidationFault[] {
  const known = shape.attributes ?? [];
  return [...attributes.keys()]
    .filter((name) => !known.includes(name))
    .map((name) => ({
      field: `${field}.${name}`,
      code: 'unknown_field',
      message: `element ${path} has no attribute ${name}; known: ${listed(known)}`,
    }));
}

function textFaults({ text, children }: XmlElement, shape: ElementShape, { path, field }: Place): ValidationFault[] {
  if (text.trim() === '' || (shape.text === true && children.length === 0)) return [];
  const expected = shape.text === true ? 'text alone, without elements' : 'elements, not text';
  return [{ field, code: 'invalid', message: `element ${path} holds ${expected}` }];
}

function placeIn(parent: Place, name: string, shape: ElementShape | undefined): Place {
  const step = shape === undefined ? name : shape.member;
  return { path: `${parent.path}/${name}`, field: step === undefined ? parent.field : `${parent.field}.${step}` };
}

/** Apigee has a name for one of them (`verify-jwt.md` part 5); first-wins would make a second one a trap. */
const repeated = (name: string, { path, field }: Place): ValidationFault => ({
  field,
  code: name === 'MaxLifespan' ? 'InvalidValueForElement' : 'duplicate_element',
  message: `element ${path} may stand there once`,
});

function childFaults({ children }: XmlElement, shape: ElementShape, place: Place): ValidationFault[] {
  const known = shape.children ?? {};
  const counts = new Map<string, number>();
  return children.flatMap((child) => {
    const { name } = child;
    const childShape = Object.hasOwn(known, name) ? known[name] : undefined;
    const at = placeIn(place, name, childShape);
    if (childShape === undefined) {
      const message = `element ${at.path} is not known; ${place.path} may hold: ${listed(Object.keys(known))}`;
      return [{ field: at.field, code: 'unknown_field', message }];
    }
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (count > 1 && childShape.repeats !== true) return count === 2 ? [repeated(name, at)] : [];
    const index = childShape.repeats === true && childShape.member !== undefined ? `[${count - 1}]` : '';
    return faultsOf(child, childShape, { ...at, field: at.field + index });
  });
}

function faultsOf(element: XmlElement, shape: ElementShape, place: Place): ValidationFault[] {
  if (shape.ignored === true) return [];
  return [
    ...attributeFaults(element, shape, place),
    ...textFaults(element, shape, place),
    ...childFaults(element, shape, place),
  ];
}

/** Everything in a VerifyJWT element that has no place there, every fault at once. */
export const shapeFaults = (root: XmlElement): ValidationFault[] =>
  faultsOf(root, VERIFY_JWT_SHAPE, { path: root.name, field: 'policy' });
