import type { KeySetEntry } from '#libs/config-distribution';
import type { Logger } from '#libs/program-shell';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import type { KeySetSharingMetrics, SharingOutcome } from '../metrics/key-set-sharing-metrics.ts';
import type { AlteredText } from './shelved-set.ts';

/** Told once each; beyond this many the memory starts again. */
const REMEMBERED = 10_000;

const TEXTS: Readonly<Record<AlteredText, string>> = {
  'altered-key-set': 'a shared key set was not sealed by a gateway of the environment: treated as absent',
  'altered-key-set-attempt':
    'what is told of fetching a key set was not sealed by a gateway of the environment: ignored',
};

/** Says how sharing key sets goes: counts each wish, and writes a line once for each set that somebody else wrote to. */
export class SharingJournal {
  readonly #told = new Set<string>();

  constructor(
    private readonly logger: Logger,
    private readonly reports: Pick<GatewayMetrics, 'countReport'>,
    private readonly metrics: KeySetSharingMetrics,
  ) {}

  answered(how: SharingOutcome): void {
    this.metrics.count(how);
  }

  altered(problem: AlteredText, { origin, name }: KeySetEntry, address: string): void {
    const key = `${problem} ${origin} ${name}`;
    if (this.#told.has(key)) return;
    if (this.#told.size >= REMEMBERED) this.#told.clear();
    this.#told.add(key);
    this.reports.countReport(problem);
    const host = URL.canParse(address) ? new URL(address).host : '';
    this.logger.warn({ problem, host, entry: name }, TEXTS[problem]);
  }
}
