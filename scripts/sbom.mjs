// The bill of materials (CycloneDX, JSON) of what is delivered, for every platform, on stdout; from the lock file.
// Not `npm sbom --omit dev`: it leaves out what is delivered, too, wherever a tool of the build depends on the same package.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const DEVELOPMENT = 'cdx:npm:package:development';

const { status, stdout, stderr } = spawnSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
  cwd: path.join(import.meta.dirname, '..'),
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
if (status !== 0) {
  console.error(`npm sbom failed: ${stderr}`);
  process.exit(1);
}

const bill = JSON.parse(stdout);
const components = bill.components.filter(
  ({ properties = [] }) => !properties.some(({ name, value }) => name === DEVELOPMENT && value === 'true'),
);
const kept = new Set([bill.metadata.component['bom-ref'], ...components.map((component) => component['bom-ref'])]);
const dependencies = bill.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }));
process.stdout.write(`${JSON.stringify({ ...bill, components, dependencies }, null, 2)}\n`);
