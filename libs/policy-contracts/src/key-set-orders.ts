import { z } from 'zod';
import { parseWith, type Parsed } from './validation-fault.ts';

/** Not strict: a control plane of a later version may order more, and what a gateway understands it obeys. */
const ORDERS = z.object({
  /**
   * Key sets that were emptied: by address, null of every one. Numbers rise with every flush of the environment; what was
   * fetched before a set's last flush is not used any more.
   */
  flushes: z.array(z.object({ uri: z.string().nullable(), number: z.int().min(1) })),
  /** Keys that no gateway takes any more, whatever the set at the address says. */
  denied: z.array(z.object({ uri: z.string(), kid: z.string() })),
});

/**
 * What an operator ordered about key sets by address (contract 4.3), for every gateway of an environment: sealed in its
 * Redis as identity record `orders`/`key-sets`, and in each gateway's copy on disk. Addresses are spelled as `URL.href`
 * without fragment, as gateways spell those of policies.
 */
export type KeySetOrders = z.infer<typeof ORDERS>;

export const NO_KEY_SET_ORDERS: KeySetOrders = { flushes: [], denied: [] };

/** Reads what a gateway found under its environment's key. */
export const parseKeySetOrders = (input: unknown): Parsed<KeySetOrders> => parseWith(ORDERS, input, 'orders');

/** Number of the last flush that a set is subject to; 0: none was. */
export function lastFlushOf({ flushes }: KeySetOrders, address: string): number {
  const numbers = flushes.flatMap(({ uri, number }) => (uri === null || uri === address ? [number] : []));
  return Math.max(0, ...numbers);
}

/**
 * How long anybody may keep the gateways' own key set (`/auth/.well-known/jwks.json`): its Cache-Control, and how long a new
 * signing key is published before it signs.
 */
export const PUBLISHED_KEYS_MAX_AGE_SECONDS = 300;
