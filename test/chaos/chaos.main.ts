import startServers from '../support/servers-setup.ts';
import stopServers from '../support/servers-teardown.ts';
import { textOf } from './chaos-report.ts';
import { runChaos } from './chaos-run.ts';

/** `chaos.main.ts <minutes> <seed>`, as `npm run chaos` calls it. */
const [minutes, seed] = process.argv.slice(2).map(Number) as [number, number];

const ending = new AbortController();
// However often: everything that was started is to be stopped again, Redis and PostgreSQL too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());

await startServers({ maxWorkers: 1 });
await import('../support/own-servers.ts');
try {
  const say = (line: string): void => console.log(line);
  const size = { durationMs: minutes * 60_000, proxies: 4, gatewaysEach: 2 };
  const report = await runChaos({ ...size, seed, say, signal: ending.signal });
  console.log(`\n${textOf(report)}`);
  if (report.violations.length > 0) process.exitCode = 1;
} finally {
  await stopServers();
}
