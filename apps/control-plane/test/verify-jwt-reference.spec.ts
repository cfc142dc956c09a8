import { JWE_CONTENT_ALGORITHM_NAMES, JWE_KEY_ALGORITHM_NAMES, JWS_ALGORITHM_NAMES } from '#libs/jwt-engine';
import {
  FLOW_VARIABLE_NAMES,
  REQUEST_SCENARIOS,
  SAVE_SCENARIOS,
  TOKEN_VARIABLE_NAMES,
  VERIFY_JWT_FAULT_NAMES,
} from '#libs/policy-runtime/testing';
import { OF_SISTERS, OF_THE_PAGE } from '../src/api-proxies/policies/verify-jwt-xml/testing/deployment-error-names.ts';
import { VERIFY_JWT_SHAPE, type ElementShape } from '../src/api-proxies/policies/verify-jwt-xml/verify-jwt-shape.ts';
import { hasTest, ReferencePage, type ReferenceRow } from './testing/reference-page.ts';
import { ELEMENT_CASES } from './testing/verify-jwt-documents.ts';

const page = new ReferencePage('verify-jwt.md');
const suites = page.suites('Tests');
const scenarios = new Set([...Object.keys(REQUEST_SCENARIOS), ...Object.keys(SAVE_SCENARIOS)]);
const elementCases = new Set(ELEMENT_CASES.map(({ element }) => element));

/** Elements that say something, by their path, and the attributes of the outermost one. */
function elementNames(shape: ElementShape, parent: string): string[] {
  return Object.entries(shape.children ?? {}).flatMap(([name, child]) => {
    const path = `${parent}${name}`;
    const own = child.children === undefined || child.attributes !== undefined ? [path] : [];
    return [...own, ...elementNames(child, `${path}/`)];
  });
}

/** `claim.` and `claim.NAME` are one family. */
const asFamily = (name: string): string => name.replace(/(?:NAME|SET\.KEY)$/, '');

const TABLES: readonly (readonly [heading: string, names: readonly string[]])[] = [
  ['Elements', [...(VERIFY_JWT_SHAPE.attributes ?? []), ...elementNames(VERIFY_JWT_SHAPE, '')]],
  ['Algorithms', [...JWS_ALGORITHM_NAMES, ...JWE_KEY_ALGORITHM_NAMES, ...JWE_CONTENT_ALGORITHM_NAMES]],
  ['Faults', VERIFY_JWT_FAULT_NAMES],
  ['Deployment errors', [...OF_THE_PAGE, ...OF_SISTERS]],
  ['Variables that the policy sets', TOKEN_VARIABLE_NAMES],
  // Variables of the project have whatever name they are given.
  ['Variables that policies read', [...FLOW_VARIABLE_NAMES, 'private.', 'public.', 'propertyset.']],
];

function isThere(test: string): boolean {
  if (/^[A-Z]\d\d$/.test(test)) return scenarios.has(test);
  const [suite = '', name = ''] = test.split(/: (.*)/s);
  const source = suites.get(suite);
  return suite === 'saving' ? elementCases.has(name) : source !== undefined && hasTest(source, name);
}

const titled = (rows: readonly ReferenceRow[]) => rows.map((row) => [row.names.join(' '), row] as const);

describe.each(TABLES)('docs/reference/verify-jwt.md, %s', (heading, names) => {
  const rows = page.rows(heading);

  it('has a row for each name, and no other', () => {
    expect(rows.flatMap((row) => row.names.map(asFamily)).sort()).toEqual([...new Set(names)].sort());
  });

  it.each(titled(rows))('%s: the tests it names are there', (_names, { tests }) => {
    expect(tests.length).toBeGreaterThan(0);
    expect(tests.filter((test) => !isThere(test))).toEqual([]);
  });
});

it('tells a test that is there from one that is not', () => {
  const source =
    "it.each(CASES)('%s beside jose', () => {});\nit('reads it', () => {});\nconst CASES = { K28: 1 };\n  K29: [],";
  expect(['RS256 beside jose', 'reads it', 'K29'].map((name) => hasTest(source, name))).toEqual([true, true, true]);
  expect(['RS256 beside', 'reads', 'K30', ''].map((name) => hasTest(source, name))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
