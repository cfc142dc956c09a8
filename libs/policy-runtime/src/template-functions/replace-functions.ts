import { compileLinearRegex, type LinearRegexSearch } from '../linear-regex/linear-regex.ts';
import type { NamedFunctions, TemplateFunction } from './template-function.ts';

/** Of an expression that comes from a variable, in characters; with a longer one nothing is replaced. */
const MAX_VARIABLE_REGEX_LENGTH = 256;

function searchOf(pattern: string): LinearRegexSearch | undefined {
  const regex = compileLinearRegex(pattern);
  return regex.ok ? regex.search : undefined;
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
      if (search === undefined) return text;
      const pieces: string[] = [];
      let kept = 0;
      for (const { start, end } of search(text, limit)) {
        pieces.push(text.slice(kept, start), replacement);
        kept = end;
      }
      return pieces.join('') + text.slice(kept);
    };
  },
});

export const REPLACE_FUNCTIONS: NamedFunctions = [
  ['replaceAll', replacing(Infinity)],
  ['replaceFirst', replacing(1)],
];
