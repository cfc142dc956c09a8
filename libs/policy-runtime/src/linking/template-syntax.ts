import type { TemplateFunction } from '../template-functions/template-function.ts';
import { TEMPLATE_FUNCTIONS } from '../template-functions/template-functions.ts';

/** What a function is called with: a variable, or a text that stands in the template. */
export type TemplateArgument =
  | { readonly kind: 'variable'; readonly name: string; readonly fallback: string | undefined }
  | { readonly kind: 'text'; readonly text: string };

export type TemplatePiece =
  | string
  | Extract<TemplateArgument, { kind: 'variable' }>
  | { readonly kind: 'call'; readonly called: TemplateFunction; readonly values: readonly TemplateArgument[] };

/** Blanks stand inside a name only, since policies may be called `Verify JWT`. */
const NAME = /[A-Za-z_][\w.$%-]*(?: [\w.$%-]+)*/y;
/** Goes on with a name that is an address: `jwt.P.claim.https://ns.example/x`, no default. */
const REST_OF_ADDRESS = /:\/\/[^\s{}"'(),:]+/y;
const FALLBACK = /:([^{}"\r\n]*)/y;
const CALL = /([A-Za-z][A-Za-z0-9]*)\(/y;
/** Literals stand in single quotes, numbers and booleans without; what else an argument can be is a variable. */
const LITERAL = /'([^']*)'|(-?\d+|true|false)(?=[,)])/y;
const FALLBACK_ARGUMENT = /:([^\s{}"'(),]*)/y;

class TemplateReader {
  private readonly template: string;
  private at = 0;

  constructor(template: string) {
    this.template = template;
  }

  /** The reference whose brace opens at a position, and where the text after it begins. */
  referenceAt(brace: number): { readonly piece: TemplatePiece; readonly end: number } | undefined {
    this.at = brace + 1;
    const piece = this.call() ?? this.variable(brace + 1, FALLBACK);
    return piece !== undefined && this.skips('}') ? { piece, end: this.at } : undefined;
  }

  private take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.template);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found;
  }

  private skips(character: string): boolean {
    if (this.template[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private variable(start: number, fallback: RegExp): Extract<TemplateArgument, { kind: 'variable' }> | undefined {
    this.at = start;
    const name = this.take(NAME)?.[0];
    if (name === undefined) return undefined;
    const address = name.startsWith('jwt.') ? (this.take(REST_OF_ADDRESS)?.[0] ?? '') : '';
    return { kind: 'variable', name: name + address, fallback: this.take(fallback)?.[1] };
  }

  private call(): TemplatePiece | undefined {
    const called = TEMPLATE_FUNCTIONS.get(this.take(CALL)?.[1] ?? '');
    if (called === undefined) return undefined;
    const values = this.skips(')') ? [] : this.values();
    return values !== undefined && values.length >= called.least && values.length <= called.most
      ? { kind: 'call', called, values }
      : undefined;
  }

  private argument(): TemplateArgument | undefined {
    const literal = this.take(LITERAL);
    if (literal === undefined) return this.variable(this.at, FALLBACK_ARGUMENT);
    return { kind: 'text', text: literal[1] ?? literal[2] ?? '' };
  }

  private values(): readonly TemplateArgument[] | undefined {
    const values: TemplateArgument[] = [];
    do {
      const value = this.argument();
      if (value === undefined) return undefined;
      values.push(value);
    } while (this.skips(','));
    return this.skips(')') ? values : undefined;
  }
}

/**
 * Takes a template apart. A brace that opens no reference is text, so that a JSON document may be written as it is; so is
 * the call of a function that is not known, or with more or fewer arguments than it takes.
 */
export function readTemplate(template: string): readonly TemplatePiece[] {
  const reader = new TemplateReader(template);
  const pieces: TemplatePiece[] = [];
  let text = 0;
  for (let brace = template.indexOf('{'); brace >= 0; brace = template.indexOf('{', Math.max(brace + 1, text))) {
    const reference = reader.referenceAt(brace);
    if (reference === undefined) continue;
    if (brace > text) pieces.push(template.slice(text, brace));
    pieces.push(reference.piece);
    text = reference.end;
  }
  return text < template.length ? [...pieces, template.slice(text)] : pieces;
}
