import { Gauge } from 'prom-client';
import type { Logger } from '#libs/program-shell';
import type { GatewayMetrics } from './gateway-metrics.ts';

const MS_PER_SECOND = 1_000;
/** A scan of the port must not fill the log. */
const REFUSALS_SAID_EVERY_MS = 60_000;

/** Says what happens to connections before there is a request: as log lines and metrics. */
export class ListenerJournal {
  #refusalSaidAtMs: number | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly metrics: GatewayMetrics,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  readonly certificateReplaced = ({ expiresAtMs }: { readonly expiresAtMs: number }): void => {
    this.logger.info({ expiresAt: new Date(expiresAtMs).toISOString() }, 'certificate replaced');
  };

  readonly certificateRefused = (fault: string): void => {
    this.metrics.countReport('tls-certificate');
    this.logger.error(
      { problem: 'tls-certificate', fault },
      'certificate files cannot be used: the one before is served',
    );
  };

  /** Counted each time, written once a minute. */
  readonly proxyRefused = (reason: string): void => {
    this.metrics.countReport('proxy-protocol');
    const nowMs = this.nowMs();
    if (this.#refusalSaidAtMs !== undefined && nowMs - this.#refusalSaidAtMs < REFUSALS_SAID_EVERY_MS) return;
    this.#refusalSaidAtMs = nowMs;
    this.logger.warn({ problem: 'proxy-protocol', reason }, 'a connection was ended for its PROXY header');
  };

  /** Adds when the certificate ends. Once. */
  observe(expiresAtMs: () => number): void {
    new Gauge({
      name: 'gatewarden_tls_certificate_expiry_timestamp_seconds',
      help: 'When the certificate that is served expires, in seconds since the epoch',
      registers: [this.metrics.registry],
      aggregator: 'min',
      collect: function () {
        this.set(expiresAtMs() / MS_PER_SECOND);
      },
    });
  }
}
