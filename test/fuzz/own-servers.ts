/**
 * A PostgreSQL and a Redis for this process, found by whoever looks for those of a test run; in one they are there already.
 *
 * @returns what stops them
 */
export async function startOwnServers(): Promise<() => Promise<void>> {
  if (process.env['TEST_REDIS_URL'] !== undefined) return () => Promise.resolve();
  const { default: start } = await import('../support/servers-setup.ts');
  await start({ maxWorkers: 1 });
  await import('../support/own-servers.ts');
  const { default: stop } = await import('../support/servers-teardown.ts');
  return stop;
}
