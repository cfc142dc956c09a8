import path from 'node:path';
import { pathToFileURL } from 'node:url';

export { load } from '../support/typescript-hooks.mjs';

const root = path.resolve(import.meta.dirname, '..', '..');

/** What helps tests is not built: it comes from source, beside libs from dist. */
export async function resolve(specifier, context, nextResolve) {
  const lib = /^#libs\/([^/]+)\/testing$/.exec(specifier);
  if (lib === null) return nextResolve(specifier, context);
  return { url: pathToFileURL(path.join(root, 'libs', lib[1], 'src', 'testing', 'index.ts')).href, shortCircuit: true };
}
