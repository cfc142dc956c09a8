import { performance } from 'node:perf_hooks';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchSite } from './bench-site.ts';
import type { PinnedProcess } from './pinned-process.ts';

const ENTRY = path.resolve(import.meta.dirname, '../../../dist/apps/gateway/src/main.js');
const READY_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 20;

export interface GatewayWishes {
  readonly id: string;
  /** Of its environment, and those in which it is not as it comes. */
  readonly settings: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
}

export interface TestedGateway {
  readonly process: PinnedProcess;
  readonly port: number;
  readonly adminPort: number;
  /** From its start until it said that it was ready. */
  readonly readyAfterMs: number;
}

/** The gateway as it is delivered, one process, with the settings that it has when nobody sets any. */
export async function startGatewarden(site: BenchSite, wishes: GatewayWishes): Promise<TestedGateway> {
  const [port, adminPort] = [await site.freePort(), await site.freePort()];
  const environment = {
    ...{ NODE_ENV: 'production', PORT: String(port), ADMIN_PORT: String(adminPort), GATEWAY_ID: wishes.id },
    SNAPSHOT_DIR: path.join(site.directory, 'snapshots', wishes.id),
    ...wishes.settings,
  };
  const startedMs = performance.now();
  const args = [...(wishes.nodeOptions ?? []), '--enable-source-maps', ENTRY];
  const started = site.startTested(process.execPath, args, { environment, directory: site.directory });
  await becomesReady(started, adminPort, startedMs);
  return { process: started, port, adminPort, readyAfterMs: performance.now() - startedMs };
}

async function becomesReady(started: PinnedProcess, adminPort: number, startedMs: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
    if (!started.isRunning || performance.now() - startedMs > READY_WITHIN_MS) {
      throw new Error(`the gateway does not become ready: ${started.output}`);
    }
    await pause(LOOK_EVERY_MS);
  }
}
