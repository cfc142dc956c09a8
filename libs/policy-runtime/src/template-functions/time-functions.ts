import { compileDatePattern } from './date-pattern.ts';
import type { NamedFunctions, TemplateFunction } from './template-function.ts';

/** Of a pattern that comes from a variable, in characters; a longer one gives nothing. */
const MAX_PATTERN_LENGTH = 256;
const TIME = /^-?\d{1,16}$/;

/** `pattern, time`: the time since 1970 in units of `unitMs` milliseconds, printed in UTC. */
const timeFormat = (unitMs: number): TemplateFunction => ({
  least: 2,
  most: 2,
  prepare: ([written]) => {
    const prepared = written === undefined ? undefined : compileDatePattern(written);
    return ([pattern = '', time = '']) => {
      if (!TIME.test(time) || pattern.length > MAX_PATTERN_LENGTH) return '';
      const date = new Date(Number(time) * unitMs);
      const print = written === undefined ? compileDatePattern(pattern) : prepared;
      return print === undefined || Number.isNaN(date.getTime()) ? '' : print(date);
    };
  },
});

const SECONDS = timeFormat(1000);
const MILLISECONDS = timeFormat(1);

/** All four print UTC, as the documentation has it since the local time zone was given up. */
export const TIME_FUNCTIONS: NamedFunctions = [
  ['timeFormat', SECONDS],
  ['timeFormatUTC', SECONDS],
  ['timeFormatMs', MILLISECONDS],
  ['timeFormatUTCMs', MILLISECONDS],
];
