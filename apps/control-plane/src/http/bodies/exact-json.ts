import { pathStep, type ValidationFault } from '#libs/policy-contracts';
import { invalid } from '../../decider/domain-error.ts';
import { malformed } from '../refused-request.ts';

/** No body of ours comes near; whoever walks one by recursion cannot run out of stack. */
export const DEEPEST_NESTING = 64;
/** Enough to repair a body by; a hostile one could hold a hundred thousand. */
const FAULTS_AT_MOST = 100;
const LONGEST_NAME_SHOWN = 100;

/** Member names that become part of an object's machinery when somebody copies it carelessly. */
const NEVER_A_NAME = '__proto__';
const NUMBER = /-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?/y;
const UNSTORABLE = /[\0\p{Surrogate}]/u;
/** Whole numbers of so few digits are exact. */
const SHORT_WHOLE = /^-?\d{1,15}$/;

interface Frame {
  /** Names seen so far; undefined in a list. */
  readonly names: Set<string> | undefined;
  /** Of the member or item that is being read. */
  step: string;
  index: number;
  expectsName: boolean;
}

/** Looked for from the end: a pattern would begin anew at every zero, and take minutes over a hostile number. */
function endingZeros(digits: string): number {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return digits.length - end;
}

/**
 * Whether a number was kept as it was written. JavaScript has 53 bits: beyond them, and for 1e400, 1e-400 or
 * 1.00000000000000000001, another number would be stored than the client wrote.
 */
function isKeptExactly(literal: string): boolean {
  if (SHORT_WHOLE.test(literal)) return true;
  const value = Number(literal);
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  if (!Number.isInteger(value)) return true;
  NUMBER.lastIndex = 0;
  const [, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(literal) ?? [];
  const digits = `${whole}${fraction}`;
  const zeros = endingZeros(digits);
  return zeros === digits.length || Number(exponent) - fraction.length + zeros >= 0;
}

const shown = (name: string): string =>
  name.length > LONGEST_NAME_SHOWN ? `${name.slice(0, LONGEST_NAME_SHOWN)}…` : pathStep(name);

/** Walks a text that is known to be JSON and finds what `JSON.parse` swallows. Without recursion. */
class Inspection {
  readonly faults: ValidationFault[] = [];
  private readonly frames: Frame[] = [];
  private at = 0;

  constructor(private readonly text: string) {}

  /** @throws RefusedRequest for what no message about a field could help with */
  run(): void {
    while (this.at < this.text.length && this.faults.length < FAULTS_AT_MOST) this.step(this.text[this.at] ?? '');
  }

  private step(character: string): void {
    if (character === '"') return this.readText();
    if (character === '-' || (character >= '0' && character <= '9')) return this.readNumber();
    this.at += 1;
    const frame = this.frames.at(-1);
    if (character === '{' || character === '[') this.open(character === '{');
    else if (character === '}' || character === ']') this.frames.pop();
    else if (character === ',' && frame !== undefined) {
      frame.expectsName = frame.names !== undefined;
      frame.index += 1;
    }
  }

  private open(isObject: boolean): void {
    if (this.frames.length === DEEPEST_NESTING) {
      throw malformed(`the body nests deeper than ${DEEPEST_NESTING} objects and lists`);
    }
    this.frames.push({ names: isObject ? new Set() : undefined, step: '', index: 0, expectsName: isObject });
  }

  private readText(): void {
    const start = this.at;
    let end = start + 1;
    while (this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    this.at = end + 1;
    const raw = this.text.slice(start, this.at);
    const text = raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
    const frame = this.frames.at(-1);
    if (frame?.names !== undefined && frame.expectsName) this.noteName(frame, frame.names, text);
    if (UNSTORABLE.test(text)) this.fault('invalid', 'must not hold NUL or half a surrogate pair');
  }

  private noteName(frame: Frame, names: Set<string>, name: string): void {
    const isPrototype = name === 'prototype' && this.frames.at(-2)?.step === 'constructor';
    if (name === NEVER_A_NAME || isPrototype) throw malformed(`the body has a member ${name}`);
    frame.step = name;
    frame.expectsName = false;
    if (names.has(name)) this.fault('duplicate_member', 'is given more than once');
    names.add(name);
  }

  private readNumber(): void {
    NUMBER.lastIndex = this.at;
    const literal = NUMBER.exec(this.text)?.[0] ?? '-';
    this.at += literal.length;
    if (isKeptExactly(literal)) return;
    const largest = Number.MAX_SAFE_INTEGER;
    this.fault('inexact_number', `must be a number that can be kept exactly: at most ${largest}, no more digits`);
  }

  private fault(code: string, message: string): void {
    const path = this.frames.reduce((text, { names, step, index }) => {
      if (names === undefined) return `${text}[${index}]`;
      return text === '' ? shown(step) : `${text}.${shown(step)}`;
    }, '');
    const field = path === '' ? 'body' : path;
    this.faults.push({ field, code, message: `${field} ${message}` });
  }
}

/**
 * JSON without anything that a reader would understand in another way than its writer: no member twice, no number that
 * cannot be kept exactly, no text that cannot be stored, no nesting beyond `DEEPEST_NESTING`.
 *
 * @throws RefusedRequest 400 when it is no JSON, nests too deep or has a member `__proto__`
 * @throws DomainError VALIDATION_FAILED naming each field
 */
export function parseExactJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    // The error quotes the text, which may hold secrets.
    throw malformed('the body is not valid JSON');
  }
  const inspection = new Inspection(text);
  inspection.run();
  if (inspection.faults.length > 0) throw invalid(inspection.faults);
  return value;
}
