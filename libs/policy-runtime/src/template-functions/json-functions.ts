import { compactText, exactItems, stringText, type ExactJson } from '../exact-json/exact-json.ts';
import { readUntrusted } from '../exact-json/read-untrusted.ts';
import { compileJsonPath, type JsonPath } from './json-path.ts';
import type { NamedFunctions, TemplateFunction } from './template-function.ts';

/** Of a path that comes from a variable, in characters; a longer one leads nowhere. */
const MAX_VARIABLE_PATH_LENGTH = 256;

/** A template wants one text, so of a list the first item stands for it, unless the whole is wanted. */
function textOf(value: ExactJson, wantsList: boolean): string {
  const items = exactItems(value);
  if (items !== undefined && wantsList) return compactText(value);
  const first = items === undefined ? value : items[0];
  return first === undefined ? '' : (stringText(first) ?? compactText(first));
}

function valueAt(document: string, path: JsonPath): ExactJson | undefined {
  const root = readUntrusted(document);
  const values = root === undefined ? [] : path.valuesIn(root);
  return path.isPlural && values.length > 0 ? values : values[0];
}

/** `path, document, whether a whole list is wanted (true)`; nothing when the path leads nowhere. */
const jsonPath: TemplateFunction = {
  least: 2,
  most: 3,
  prepare: ([written]) => {
    const prepared = written === undefined ? undefined : compileJsonPath(written);
    return ([path = '', document = '', wantsList]) => {
      if (written === undefined && path.length > MAX_VARIABLE_PATH_LENGTH) return '';
      const compiled = written === undefined ? compileJsonPath(path) : prepared;
      const value = compiled && valueAt(document, compiled);
      return value === undefined ? '' : textOf(value, wantsList === 'true');
    };
  },
};

export const JSON_FUNCTIONS: NamedFunctions = [['jsonPath', jsonPath]];
