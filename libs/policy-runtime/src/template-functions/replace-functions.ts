import { compileLinearRegex, type LinearRegexSearch } from '../linear-regex/linear-regex.ts';
import type { RegexMatch } from '../linear-regex/regex-search.ts';
import type { NamedFunctions, TemplateFunction } from './template-function.ts';

/** Of an expression that comes from a variable, in characters; with a longer one nothing is replaced. */
const MAX_VARIABLE_REGEX_LENGTH = 256;

/** Of a result, in characters; a longer one is given up: a caller's text in every place of another multiplies. */
const MAX_RESULT_LENGTH = 4 * 1024 * 1024;

function searchOf(pattern: string): LinearRegexSearch | undefined {
  const regex = compileLinearRegex(pattern);
  return regex.ok ? regex.search : undefined;
}

/** The text with the replacement in the place of each match; empty when that were too long. */
function replaced(text: string, matches: readonly RegexMatch[], replacement: string): string {
  const removed = matches.reduce((total, { start, end }) => total + end - start, 0);
  if (text.length - removed + matches.length * replacement.length > MAX_RESULT_LENGTH) return '';
  const pieces: string[] = [];
  let kept = 0;
  for (const { start, end } of matches) {
    pieces.push(text.slice(kept, start), replacement);
    kept = end;
  }
  return pieces.join('') + text.slice(kept);
}

/**
 * `text, expression, replacement`: the expression is of the kind that conditions take, the replacement stands as it is.
 * The text stays as it is where the expression cannot be read.
 */
const replacing = (limit: number): TemplateFunction => ({
  least: 3,
  most: 3,
  prepare: ([, written]) => {
    const prepared = written === undefined ? undefined : searchOf(written);
    return ([text = '', pattern = '', replacement = '']) => {
      if (written === undefined && pattern.length > MAX_VARIABLE_REGEX_LENGTH) return text;
      const search = written === undefined ? searchOf(pattern) : prepared;
      return search === undefined ? text : replaced(text, search(text, limit), replacement);
    };
  },
});

export const REPLACE_FUNCTIONS: NamedFunctions = [
  ['replaceAll', replacing(Infinity)],
  ['replaceFirst', replacing(1)],
];
