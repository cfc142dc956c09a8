import { once } from 'node:events';
import { openLease, type ConfigChannel, type LeaseState } from '#libs/config-distribution';
import type { PreparedEnvironment } from '#libs/config-distribution/testing';

const WITHIN_MS = 20_000;

/** Looks at an environment's leases as the control plane does, again at every hint, until something is found in them. */
export async function foundInLeases<Found>(
  channel: ConfigChannel,
  { keys }: PreparedEnvironment,
  find: (leases: readonly LeaseState[]) => Found | undefined,
): Promise<Found> {
  let onHint = (): void => undefined;
  const watch = await channel.watch('leases', () => onHint());
  const within = AbortSignal.timeout(WITHIN_MS);
  try {
    for (;;) {
      within.throwIfAborted();
      const hinted = new Promise<void>((resolve) => (onHint = resolve));
      const stored = await channel.leases();
      const found = find(stored.flatMap((one) => openLease(keys, one) ?? []));
      if (found !== undefined) return found;
      await Promise.race([hinted, once(within, 'abort')]);
    }
  } finally {
    await watch.close();
  }
}
