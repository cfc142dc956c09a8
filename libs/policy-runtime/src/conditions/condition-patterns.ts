import type { StepMeter } from '../linear-regex/step-meter.ts';

/** Whether a whole text fits a pattern; its steps are bounded by the text's length times the pattern's. */
export type TextTest = (text: string, meter?: StepMeter) => boolean;

/**
 * Of a path pattern that comes from a variable, in characters; none fits a longer one. The pattern may be a caller's as well
 * as the text, and the steps are bounded by the product of both.
 */
export const MAX_VARIABLE_PATH_PATTERN_LENGTH = 256;

/** The texts between the wildcards of a glob; `%` takes the next character as it is. */
function piecesOf(pattern: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern[index] ?? '';
    if (character === '*') {
      pieces.push(piece);
      piece = '';
    } else if (character === '%' && index + 1 < pattern.length) {
      index += 1;
      piece += pattern[index] ?? '';
    } else piece += character;
  }
  return [...pieces, piece];
}

/** Finds a text in time linear to where it looks (Knuth, Morris and Pratt); `indexOf` promises no such thing. */
class PieceSearch {
  private readonly piece: string;
  /** By length matched: what is still matched after the next character did not fit. */
  private readonly fallback: Uint32Array;

  constructor(piece: string) {
    this.piece = piece;
    this.fallback = new Uint32Array(piece.length + 1);
    for (let end = 1, matched = 0; end < piece.length; end += 1) {
      while (matched > 0 && piece[end] !== piece[matched]) matched = this.fallback[matched] ?? 0;
      if (piece[end] === piece[matched]) matched += 1;
      this.fallback[end + 1] = matched;
    }
  }

  /** Where the first occurrence between the two positions ends. */
  endOfFirst(text: string, from: number, to: number, meter: StepMeter): number | undefined {
    const { piece, fallback } = this;
    if (piece === '') return from;
    for (let position = from, matched = 0; position < to; position += 1) {
      meter.steps += 1;
      while (matched > 0 && text[position] !== piece[matched]) {
        meter.steps += 1;
        matched = fallback[matched] ?? 0;
      }
      if (text[position] === piece[matched]) matched += 1;
      if (matched === piece.length) return position + 1;
    }
    return undefined;
  }
}

/** `~`: `*` is any run of characters, `%` takes the next character as it is. Linear in text and pattern. */
export function compileGlob(pattern: string): TextTest {
  const pieces = piecesOf(pattern);
  const [first = ''] = pieces;
  if (pieces.length === 1) return (text) => text === first;
  const last = pieces.at(-1) ?? '';
  // The leftmost occurrence of each piece leaves the most room for the others: nothing is ever taken back.
  const between = pieces.slice(1, -1).map((piece) => new PieceSearch(piece));
  return (text, meter = { steps: 0 }) => {
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let from: number | undefined = first.length;
    for (const search of between) {
      from = search.endOfFirst(text, from, end, meter);
      if (from === undefined) return false;
    }
    return true;
  };
}

/** Fits segments to tests, going back only to the last `**`: each test sees each segment at most once for each `**`. */
function fitsSegments(parts: readonly (TextTest | 'anyRun')[], segments: readonly string[], meter: StepMeter): boolean {
  let part = 0;
  let resumePart = -1;
  let resumeSegment = 0;
  for (let next = 0; next < segments.length;) {
    meter.steps += 1;
    const current = parts[part];
    if (current === 'anyRun') {
      resumePart = part += 1;
      resumeSegment = next;
    } else if (current?.(segments[next] ?? '', meter) === true) {
      part += 1;
      next += 1;
    } else if (resumePart < 0) return false;
    else {
      part = resumePart;
      next = resumeSegment += 1;
    }
  }
  return parts.slice(part).every((rest) => rest === 'anyRun');
}

/** `~/`: `*` and `{x}` are one segment, `**` any number of them; a `*` inside a segment is any run within it. */
export function compilePathGlob(pattern: string): TextTest {
  const parts = pattern.split('/').map((segment): TextTest | 'anyRun' => {
    if (segment === '**') return 'anyRun';
    if (segment === '*' || /^\{[^{}]*\}$/.test(segment)) return (text) => text !== '';
    return compileGlob(segment);
  });
  return (text, meter = { steps: 0 }) => fitsSegments(parts, text.split('/'), meter);
}
