import type { RawListElement, RawTextElement } from './verify-jwt-schema.ts';
import type { VerifyJwtFindings } from './verify-jwt-findings.ts';

/**
 * An element with text, a variable, or both: then the variable wins and the text is its default when the variable is
 * unresolved or empty (`verify-jwt.md` 2.3). At least one of the two is there.
 */
export interface TextOrRef {
  readonly value?: string | undefined;
  readonly ref?: string | undefined;
}

/** A list given as names, as a variable that holds a comma list, or both. */
export interface ListOrRef {
  readonly value?: readonly string[] | undefined;
  readonly ref?: string | undefined;
}

const filled = (text: string | undefined): string | undefined => {
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
};

/** Trims; an element with neither text nor ref is absent. Undefined members are left out. */
export function textOrRef(raw: RawTextElement | undefined): TextOrRef | undefined {
  const value = filled(raw?.value);
  const ref = filled(raw?.ref);
  if (value === undefined && ref === undefined) return undefined;
  return { ...(value === undefined ? {} : { value }), ...(ref === undefined ? {} : { ref }) };
}

/** As `textOrRef`, with a warning when an element is there but demands nothing. */
export function constraint(
  name: 'subject' | 'issuer' | 'audience' | 'id',
  raw: RawTextElement | undefined,
  findings: VerifyJwtFindings,
): TextOrRef | undefined {
  const element = textOrRef(raw);
  if (raw !== undefined && element === undefined) {
    findings.warn(name, 'is empty: the claim is not checked');
  }
  return element;
}

export function listOrRef(raw: RawListElement | undefined): ListOrRef | undefined {
  const names = [...new Set((raw?.value ?? []).map((name) => name.trim()).filter((name) => name !== ''))];
  const ref = filled(raw?.ref);
  if (names.length === 0 && ref === undefined) return undefined;
  return { ...(names.length === 0 ? {} : { value: names }), ...(ref === undefined ? {} : { ref }) };
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 } as const;
const TIME_SPAN = /^(\d{1,15})([smhdw])$/;

/**
 * Seconds of `30s`, `5m`, `1h`, `2d` and, for lifespans, `3w`; undefined for anything else (`verify-jwt.md` 3.7: unit
 * required, lower case). More seconds than a number can hold exactly are refused too.
 */
export function timeSpanSeconds(text: string, kind: 'allowance' | 'lifespan'): number | undefined {
  const found = TIME_SPAN.exec(text);
  if (found === null) return undefined;
  const unit = found[2] as keyof typeof UNIT_SECONDS;
  if (unit === 'w' && kind === 'allowance') return undefined;
  const seconds = Number(found[1]) * UNIT_SECONDS[unit];
  return seconds <= Number.MAX_SAFE_INTEGER / 1000 ? seconds : undefined;
}

/** A time element; a literal that is no time span is a deployment error, behind a `ref` it shows at run time. */
export function timeElement(
  name: 'timeAllowance' | 'maxLifespan',
  raw: RawTextElement | undefined,
  findings: VerifyJwtFindings,
): TextOrRef | undefined {
  const element = textOrRef(raw);
  const kind = name === 'timeAllowance' ? 'allowance' : 'lifespan';
  if (element?.value !== undefined && timeSpanSeconds(element.value, kind) === undefined) {
    const elementName = name === 'timeAllowance' ? 'TimeAllowance' : 'MaxLifespan';
    findings.refuse('InvalidTimeFormat', name, { kind: 'element', name: elementName });
  }
  if (raw !== undefined && element === undefined) findings.warn(name, 'is empty: no limit comes from it');
  return element;
}
