import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Version of the nearest package.json above a directory: the sources and the build lie at different depths. */
export function programVersion(directory: string): string {
  const file = path.join(directory, 'package.json');
  if (existsSync(file)) {
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
    if (typeof version === 'string') return version;
  }
  const parent = path.dirname(directory);
  return parent === directory ? 'unknown' : programVersion(parent);
}
