// Compiles the whole tree with one tsc and copies what tsc does not: SQL migrations and Redis scripts.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
rmSync(path.join(root, 'dist'), { recursive: true, force: true });
const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
const isAsset = (source) => !path.extname(source) || /\.(sql|lua)$/.test(source);
for (const tree of ['apps', 'libs']) {
  cpSync(path.join(root, tree), path.join(root, 'dist', tree), { recursive: true, filter: isAsset });
}
