import { Registry } from 'prom-client';
import { CapturedLog } from '#libs/program-shell/testing';
import { KeySetMetrics } from '../../metrics/key-set-metrics.ts';
import { failed } from '../fetched-document.ts';
import { GatewayKeySets } from '../gateway-key-sets.ts';
import { KeySetJournal } from '../key-set-journal.ts';
import { HandDrivenDocuments, served, verdict } from './hand-driven-documents.ts';

export const ADDRESS = 'https://idp.test/jwks?tenant=s3cret';
export const OTHER = 'https://other.test/jwks';
export const DOWN = failed('unreachable', 'ECONNREFUSED');
export const DAY = 86_400;
export const SECOND = 1_000;

/** What a deployment of a proxy names. */
export const user = (proxy: string, deployment: number, ...addresses: readonly string[]) => ({
  proxyId: proxy,
  deployment,
  addresses,
});

/** A gateway's key sets, by a clock and with fetches that the test drives. */
export function rig(staleLimitSeconds = DAY) {
  const clock = { ms: 1_000_000 };
  const nowMs = () => clock.ms;
  const documents = new HandDrivenDocuments(nowMs);
  const log = new CapturedLog();
  const registry = new Registry();
  const metrics = new KeySetMetrics(registry);
  const journal = new KeySetJournal(log.logger, metrics, nowMs);
  const told = { notes: 0 };
  const onNote = () => (told.notes += 1);
  const sets = new GatewayKeySets({ documents, journal, staleLimitSeconds, nowMs, onNote });
  metrics.observe(sets, nowMs);
  const name = (...addresses: readonly string[]): void => {
    sets.follow({ added: [user('p', 1, ...addresses)], dropped: [] });
  };
  return {
    ...{ documents, log, sets, clock, told, name },
    /** Lines of the metrics whose name begins like this. */
    metric: async (start: string): Promise<string[]> =>
      (await registry.metrics()).split('\n').filter((line) => line.startsWith(`gatewarden_key_set${start}`)),
    pass: (seconds: number) => (clock.ms += seconds * SECOND),
    now: (keyId: string, address = ADDRESS) => verdict(sets.current(address), keyId),
    /** With a set that was fetched just now. */
    holding: async (freshForSeconds: number, ...keyIds: readonly string[]) => {
      name(ADDRESS);
      await documents.answer(served(freshForSeconds, ...keyIds));
    },
  };
}
