// Lets Jest's global set-up, which plain Node loads, import the project's TypeScript: `#libs/<name>` from source, and
// every .ts file through swc. Inside the tests Jest does the same by itself.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform } from '@swc/core';

const root = path.resolve(import.meta.dirname, '..', '..');

export async function resolve(specifier, context, nextResolve) {
  const lib = /^#libs\/([^/]+)$/.exec(specifier);
  if (lib === null) return nextResolve(specifier, context);
  return { url: pathToFileURL(path.join(root, 'libs', lib[1], 'src', 'index.ts')).href, shortCircuit: true };
}

export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), {
    filename,
    swcrc: false,
    sourceMaps: 'inline',
    module: { type: 'es6' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      // As the build and the tests have it: classes of the control plane say by them what they are made with.
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      keepClassNames: true,
    },
  });
  return { format: 'module', source: code, shortCircuit: true };
}
