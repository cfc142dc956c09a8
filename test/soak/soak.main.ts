import startServers from '../support/servers-setup.ts';
import stopServers from '../support/servers-teardown.ts';
import { textOf } from './soak-report.ts';
import { runSoak } from './soak-run.ts';

/** `soak.main.ts <minutes>`, as `npm run soak` calls it. */
const minutes = Number(process.argv[2]);

const ending = new AbortController();
// However often: everything that was started is to be stopped again, Redis and PostgreSQL too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());

await startServers({ maxWorkers: 1 });
await import('../support/own-servers.ts');
try {
  const say = (line: string): void => console.log(line);
  const report = await runSoak({ durationMs: minutes * 60_000, say, signal: ending.signal });
  console.log(`\n${textOf(report)}`);
  if (report.violations.length > 0) process.exitCode = 1;
} finally {
  await stopServers();
}
