import { parseRegex } from './parse-regex.ts';
import { RegexSyntaxError } from './pattern-reader.ts';
import { RegexMatcher } from './regex-matcher.ts';
import { compileProgram } from './regex-program.ts';
import { RegexSearch, type RegexMatch } from './regex-search.ts';
import type { StepMeter } from './step-meter.ts';

/** The first matches in a text, at most `limit` of them, none overlapping another. @throws RegexWorkExceeded */
export type LinearRegexSearch = (text: string, limit: number, meter?: StepMeter) => readonly RegexMatch[];

/**
 * An expression ready to be asked, or why it cannot be used. `position` counts characters of it from 0; `matches` throws
 * RegexWorkExceeded.
 */
export type CompiledRegex =
  | {
      readonly ok: true;
      readonly matches: (text: string, meter?: StepMeter) => boolean;
      readonly search: LinearRegexSearch;
    }
  | { readonly ok: false; readonly message: string; readonly position: number };

/**
 * Compiles an expression that a whole text must match, or that is looked for in one. It takes what can be matched in time
 * linear to the text: characters, `.`, classes, `\d \w \s`, groups, alternatives, repetitions, anchors and `\b`, with the flags `(?i)` and `(?s)` at the
 * beginning, all as Java means them. Back-references, lookaround and possessive repetitions are refused.
 */
export function compileLinearRegex(pattern: string): CompiledRegex {
  try {
    const program = compileProgram(parseRegex(pattern));
    const [matcher, search] = [new RegexMatcher(program), new RegexSearch(program)];
    return {
      ok: true,
      matches: (text, meter) => matcher.matches(text, meter),
      search: (text, limit, meter) => search.matchesIn(text, limit, meter),
    };
  } catch (reason) {
    if (!(reason instanceof RegexSyntaxError)) throw reason;
    return { ok: false, message: reason.message, position: reason.position };
  }
}
