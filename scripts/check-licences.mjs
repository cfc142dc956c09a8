// Whether every dependency has a licence under which it may be delivered or, of what only builds and tests, used. Goes by the lock file, so that what other
// platforms install is looked at too. An argument names another folder than this project.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Ask for no more than to be named. A new one is a decision: read it first. */
const ALLOWED = new Set([
  ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'PostgreSQL'],
  ...['CC0-1.0', 'Unlicense', 'Python-2.0', 'Zlib'],
]);

/** Of what only builds and tests, and is passed on to nobody: what asks for more of whoever changes it, or names its author. */
const ALLOWED_IN_TOOLS = new Set([...ALLOWED, 'CC-BY-3.0', 'CC-BY-4.0', 'MPL-2.0', 'PSF-2.0']);

/** An SPDX expression: names, AND before OR, parentheses. Anything else (WITH, files, nothing at all) is not allowed. */
function isAllowed(expression, allowed) {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const one = () => {
    const token = tokens[at++];
    if (token !== '(') return allowed.has(token);
    const inner = either();
    return tokens[at++] === ')' && inner;
  };
  const both = () => {
    let result = one();
    while (tokens[at] === 'AND') {
      at += 1;
      // Not `&&` alone: the rest has to be read in any case.
      const next = one();
      result = result && next;
    }
    return result;
  };
  const either = () => {
    let result = both();
    while (tokens[at] === 'OR') {
      at += 1;
      const next = both();
      result = result || next;
    }
    return result;
  };
  const result = either();
  return result && at === tokens.length;
}

function licenceOf(folder, place, entry) {
  if (typeof entry.license === 'string') return entry.license;
  const manifest = path.join(folder, place, 'package.json');
  if (!existsSync(manifest)) return 'none named';
  const { license, licenses } = JSON.parse(readFileSync(manifest, 'utf8'));
  const named = license ?? licenses;
  // Forms of before 2014: { type } or a list of those, of which one may choose.
  return (
    [named]
      .flat()
      .map((licence) => licence?.type ?? licence)
      .filter(Boolean)
      .join(' OR ') || 'none named'
  );
}

const folder = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '..'));
const { packages } = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8'));
const dependencies = Object.entries(packages)
  .filter(([place, entry]) => place !== '' && entry.link !== true)
  .map(([place, entry]) => ({
    name: `${place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${entry.version}`,
    licence: licenceOf(folder, place, entry),
    isTool: entry.dev === true,
  }));

/** How many there are under each licence. */
function list(title, some) {
  const counts = new Map();
  for (const { licence } of some) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  console.log(`${title}: ${some.length}`);
  for (const [licence, count] of [...counts].sort((left, right) => right[1] - left[1]))
    console.log(`${count}\t${licence}`);
}

list(
  'delivered',
  dependencies.filter(({ isTool }) => !isTool),
);
list(
  'only for building and testing',
  dependencies.filter(({ isTool }) => isTool),
);
const refused = dependencies.filter(({ licence, isTool }) => !isAllowed(licence, isTool ? ALLOWED_IN_TOOLS : ALLOWED));
for (const { name, licence } of refused)
  console.error(`${name}: ${licence} is not on the list in scripts/check-licences.mjs`);
console.log(`licences: ${dependencies.length - refused.length} allowed, ${refused.length} not`);
process.exitCode = refused.length === 0 ? 0 : 1;
