// Whether the registry knows of a high or critical vulnerability in what is delivered, or in what builds and tests it.
// Exit status: 0 none is known, 1 there is one, 2 the registry did not say: then nothing was checked.
import { spawnSync } from 'node:child_process';

const SERIOUS = ['high', 'critical'];
const FOUND = 1;
const NOT_CHECKED = 2;

/** What `npm audit` reports; undefined: it was given no answer that can be understood. */
function ask(omitted) {
  const { stdout } = spawnSync('npm', ['audit', '--json', ...omitted], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  let report;
  try {
    report = JSON.parse(stdout);
  } catch {
    return { reason: 'npm audit gave no answer' };
  }
  if (typeof report?.vulnerabilities === 'object' && report.vulnerabilities !== null) return { report };
  return { reason: report?.message ?? report?.error?.summary ?? 'npm audit gave an answer without vulnerabilities' };
}

const seriousIn = ({ vulnerabilities }) =>
  Object.values(vulnerabilities).filter(({ severity }) => SERIOUS.includes(severity));

function show(title, found) {
  console.log(`${title}: ${found.length} dependencies with a high or critical vulnerability`);
  for (const { name, range, severity, via, fixAvailable } of found) {
    const advisories = via.flatMap((one) =>
      typeof one === 'string' ? [`through ${one}`] : [`${one.title} ${one.url}`],
    );
    console.log(`  ${name} ${range} (${severity}): ${advisories.join('; ')}${fixAvailable ? '' : '; no fix yet'}`);
  }
}

const [delivered, all] = [ask(['--omit=dev']), ask([])];
const reason = delivered.reason ?? all.reason;
if (reason !== undefined) {
  console.error(`NOT CHECKED: the registry gave no list of vulnerabilities (${reason})`);
  process.exitCode = NOT_CHECKED;
} else {
  const inDelivered = seriousIn(delivered.report);
  const names = new Set(inDelivered.map(({ name }) => name));
  const inOthers = seriousIn(all.report).filter(({ name }) => !names.has(name));
  show('delivered', inDelivered);
  show('build and tests alone', inOthers);
  if (inDelivered.length + inOthers.length > 0) process.exitCode = FOUND;
}
