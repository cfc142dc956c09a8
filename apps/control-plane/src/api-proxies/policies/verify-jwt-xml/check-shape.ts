import type { ContractWarning, ValidationFault } from '#libs/policy-contracts';
import { nearName } from './near-names.ts';
import type { XmlElement } from './read-xml.ts';
import { PLACES_OF_ELEMENTS, VERIFY_JWT_SHAPE, type ElementShape } from './verify-jwt-shape.ts';

/** Where an element stands, in XML and in the JSON form. */
interface Place {
  readonly path: string;
  readonly field: string;
}

export interface ShapeFindings {
  readonly faults: readonly ValidationFault[];
  readonly warnings: readonly ContractWarning[];
}

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

interface Known {
  readonly shape: ElementShape;
  readonly parent: ElementShape;
  /** 1 for the first of its name. */
  readonly count: number;
}

const indexOf = ({ member }: ElementShape, count: number): string => (member === undefined ? '' : `[${count - 1}]`);

/** Decided: unknown elements are a warning, unless a check would be lost by a slip of the pen (`verify-jwt.md` 2.2). */
class ShapeCheck implements ShapeFindings {
  readonly faults: ValidationFault[] = [];
  readonly warnings: ContractWarning[] = [];

  check(element: XmlElement, shape: ElementShape, place: Place): void {
    this.checkAttributes(element, shape, place);
    this.checkText(element, shape, place);
    if (shape.text !== true) this.checkChildren(element, shape, place);
  }

  private checkAttributes({ attributes }: XmlElement, shape: ElementShape, { path, field }: Place): void {
    const known = shape.attributes ?? [];
    for (const name of [...attributes.keys()].filter((given) => !known.includes(given))) {
      const message = `element ${path} has no attribute ${name}; known: ${listed(known)}`;
      this.refuse(`${field}.${name}`, 'unknown_field', message);
    }
  }

  private checkText({ text, children }: XmlElement, shape: ElementShape, { path, field }: Place): void {
    const isBlank = text.trim() === '';
    if (isBlank && children.length === 0 && shape.isCheck === true) {
      this.warn(field, `element ${path} is empty: nothing is checked`);
    }
    if (shape.text === true ? children.length === 0 : isBlank) return;
    const expected = shape.text === true ? 'text alone, without elements' : 'elements, not text';
    this.refuse(field, 'invalid', `element ${path} holds ${expected}`);
  }

  private checkChildren({ children }: XmlElement, shape: ElementShape, place: Place): void {
    const known = shape.children ?? {};
    const counts = new Map<string, number>();
    for (const child of children) {
      const { name } = child;
      const childShape = Object.hasOwn(known, name) ? known[name] : undefined;
      const at = placeIn(place, name, childShape);
      if (childShape === undefined) this.unknown(name, shape, { ...at, parent: place.path });
      else {
        const count = (counts.get(name) ?? 0) + 1;
        counts.set(name, count);
        this.known(child, { shape: childShape, parent: shape, count }, at);
      }
    }
  }

  private known(child: XmlElement, { shape, parent, count }: Known, at: Place): void {
    if (shape.ignored === true) {
      // Those at the top become members, and the contract says that they have no effect.
      if (parent !== VERIFY_JWT_SHAPE) this.warn(at.field, `element ${at.path} has no effect and is not stored`);
    } else if (shape.repeats === true)
      this.check(child, shape, { ...at, field: `${at.field}${indexOf(shape, count)}` });
    else if (count === 1) this.check(child, shape, at);
    else if (count === 2) this.repeated(child.name, parent, at);
  }

  private unknown(name: string, shape: ElementShape, at: Place & { readonly parent: string }): void {
    const siblings = Object.keys(shape.children ?? {});
    const elsewhere = PLACES_OF_ELEMENTS.get(name);
    const meant = nearName(
      name,
      siblings.filter((sibling) => PLACES_OF_ELEMENTS.has(sibling)),
    );
    const isUnknown = `element ${at.path} is not known`;
    if (elsewhere !== undefined) {
      this.refuse(
        at.field,
        'misplaced_element',
        `element ${at.path} has no meaning there; it stands in ${listed(elsewhere)}`,
      );
    } else if (meant !== undefined) this.refuse(at.field, 'unknown_field', `${isUnknown}. Did you mean ${meant}?`);
    else if (shape.holdsChecks === true) {
      this.refuse(at.field, 'unknown_field', `${isUnknown}; ${at.parent} may hold: ${listed(siblings)}`);
    } else this.warn(at.field, `${isUnknown}: it has no effect and is not stored`);
  }

  /** Decided: of a repeated element at the top the first counts (`verify-jwt.md` part 5). */
  private repeated(name: string, parent: ElementShape, { path, field }: Place): void {
    if (parent === VERIFY_JWT_SHAPE && name !== 'MaxLifespan') {
      this.warn(field, `element ${path} stands there more than once; the first counts`);
      return;
    }
    this.refuse(field, parent.repeatedChild ?? 'duplicate_element', `element ${path} may stand there once`);
  }

  private warn(field: string, message: string): void {
    this.warnings.push({ field, message });
  }

  private refuse(field: string, code: string, message: string): void {
    this.faults.push({ field, code, message });
  }
}

function placeIn(parent: Place, name: string, shape: ElementShape | undefined): Place {
  const step = shape === undefined ? name : shape.member;
  return { path: `${parent.path}/${name}`, field: step === undefined ? parent.field : `${parent.field}.${step}` };
}

/** Everything in a VerifyJWT element that has no place there, every fault at once. */
export function shapeFindings(root: XmlElement): ShapeFindings {
  const findings = new ShapeCheck();
  findings.check(root, VERIFY_JWT_SHAPE, { path: root.name, field: 'policy' });
  return findings;
}
