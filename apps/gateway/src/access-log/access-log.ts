import type { AccessLogSettings } from '../config/observability-settings.ts';
import type { ExchangeSummary } from '../http-server/exchange-summary.ts';
import { createLogger, type Logger } from '#libs/program-shell';
import { accessFacts } from './access-facts.ts';
import type { AccessOutput } from './access-output.ts';
import { isSampled } from './sampling.ts';

const isError = ({ status, fault, isComplete }: ExchangeSummary): boolean =>
  fault !== undefined || !isComplete || status === undefined || status >= 500;

/** A line for each exchange that is chosen, in the form of the program's log: `msg` is `access`. */
export class AccessLog {
  private readonly lines: Logger;

  constructor(
    private readonly settings: AccessLogSettings,
    private readonly output: AccessOutput,
  ) {
    // Whatever the level of the program's log: who turns the access log on wants to read it.
    this.lines = createLogger('info', output);
  }

  note(exchange: ExchangeSummary): void {
    const { sampleRate, alwaysErrors } = this.settings;
    if (!isSampled(exchange.correlationId, sampleRate) && !(alwaysErrors && isError(exchange))) return;
    this.lines.info(accessFacts(exchange), 'access');
  }

  close(): void {
    this.output.close();
  }
}
