import { rmSync } from 'node:fs';

/** Stops what the set-up started and removes its data. */
export default async function stopServers(): Promise<void> {
  const servers = globalThis.gatewardenTestServers;
  if (servers === undefined) return;
  globalThis.gatewardenTestServers = undefined;
  await Promise.all(servers.running.map((server) => server.stop()));
  rmSync(servers.directory, { recursive: true, force: true });
}
