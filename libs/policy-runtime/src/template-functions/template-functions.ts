import { ESCAPE_FUNCTIONS } from './escape-functions.ts';
import { HASH_FUNCTIONS } from './hash-functions.ts';
import { JSON_FUNCTIONS } from './json-functions.ts';
import { RANDOM_FUNCTIONS } from './random-functions.ts';
import { REPLACE_FUNCTIONS } from './replace-functions.ts';
import type { TemplateFunction } from './template-function.ts';
import { TEXT_FUNCTIONS } from './text-functions.ts';
import { TIME_FUNCTIONS } from './time-functions.ts';

/**
 * By name, in the spelling of Apigee's reference. `xPath` and `xeger` are not among them: a call of a function that is
 * not here is text.
 */
export const TEMPLATE_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map([
  ...HASH_FUNCTIONS,
  ...TEXT_FUNCTIONS,
  ...ESCAPE_FUNCTIONS,
  ...REPLACE_FUNCTIONS,
  ...TIME_FUNCTIONS,
  ...RANDOM_FUNCTIONS,
  ...JSON_FUNCTIONS,
]);
