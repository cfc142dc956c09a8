import { errorFacts, type Logger } from '#libs/program-shell';
import type { TokenAnswered } from '../token-endpoint/token-endpoint.ts';
import { RecurringLoggers } from './recurring-loggers.ts';
import { RepeatedLines, type RepeatedLine } from './repeated-lines.ts';
import { isAlarm, LOGIN_BLOCKED, type TokenMetrics } from './token-metrics.ts';

/** How often it is looked for refusals whose number is to be written. */
const LOOKED_EVERY_MS = 10_000;

/** What a line says of a request, but for what only this request has. */
type Facts = Omit<TokenAnswered, 'correlationId' | 'durationMs'>;

const TEXTS: Readonly<Record<string, string>> = {
  issued: 'tokens issued',
  refreshed: 'tokens refreshed',
  revoked: 'token revoked',
  introspected: 'token introspected',
};
const tenths = (ms: number): number => Math.round(ms * 10) / 10;

const REFUSED = 'token request refused';
const AGAIN = 'token requests answered as one before';

const restOf = ({ service, endpoint, grantType, outcome, reason }: Facts): Facts => ({
  ...{ service, endpoint, grantType, outcome, reason },
  clientAddress: 'others',
});

/**
 * The audit trail of the token services: one line for each request, and its metrics. Refusals that say the same, of one
 * address, are written once a minute with their number, so that a flood of requests is none of lines. A line names only
 * clients and users that exist, and never holds a token, a password or a secret.
 */
export class TokenJournal {
  private readonly refusals = new RepeatedLines<Facts>(restOf);
  /** Apart, so that no flood of refusals can push an alarm aside, nor one of guesses, which anybody can make. */
  private readonly alarms = new RepeatedLines<Facts>(restOf);
  private readonly guesses = new RepeatedLines<Facts>(restOf);
  private readonly recurring: RecurringLoggers;
  private looking: NodeJS.Timeout | undefined;

  /** @param nowMs never set back */
  constructor(
    private readonly logger: Logger,
    private readonly metrics: TokenMetrics,
    private readonly nowMs: () => number,
  ) {
    this.recurring = new RecurringLoggers(logger);
  }

  /** As `TokenEndpointEvents.onAnswered`. */
  readonly answered = (what: TokenAnswered): void => {
    this.metrics.countAnswer(what);
    const text = TEXTS[what.outcome];
    if (text === undefined || isAlarm(what)) return this.refused(what, text ?? REFUSED);
    this.answeredLine(what, text);
  };

  private refused(what: TokenAnswered, text: string): void {
    const { correlationId: _ofThisOne, durationMs: _too, ...facts } = what;
    if (!this.linesOf(facts).isNews(facts, this.nowMs())) return this.lookLater();
    this.logger[levelOf(facts)]({ ...what, durationMs: tenths(what.durationMs) }, text);
  }

  private answeredLine(what: TokenAnswered, text: string): void {
    const { service, endpoint, grantType, outcome, reason, proxy } = what;
    const key = `${service} ${endpoint} ${grantType} ${outcome} ${reason} ${proxy}`;
    const logger = this.recurring.of(key, () => ({ service, endpoint, grantType, outcome, reason, proxy }));
    const { clientId, subject, familyId, clientAddress, correlationId, durationMs } = what;
    const facts = { clientId, subject, familyId, clientAddress, correlationId, durationMs: tenths(durationMs) };
    logger[outcome === 'introspected' ? 'debug' : 'info'](facts, text);
  }

  /** As `TokenEndpointEvents.onUnexpected`. */
  readonly unexpected = (error: unknown, correlationId: string): void =>
    this.logger.error({ correlationId, ...errorFacts(error) }, 'a token request failed');

  /** Writes how many refusals were not, of those whose minute is over. @param isLast of all */
  sumUp(isLast = false): void {
    const now = this.nowMs();
    for (const { facts, count } of this.takeDue(now, isLast)) {
      this.logger[levelOf(facts)]({ ...facts, count }, AGAIN);
    }
  }

  /** Writes what is left. */
  close(): void {
    clearInterval(this.looking);
    this.sumUp(true);
  }

  private linesOf(facts: Facts): RepeatedLines<Facts> {
    if (!isAlarm(facts)) return this.refusals;
    return facts.reason === LOGIN_BLOCKED ? this.guesses : this.alarms;
  }

  private takeDue(nowMs: number, isLast: boolean): readonly RepeatedLine<Facts>[] {
    return [this.alarms, this.guesses, this.refusals].flatMap((lines) => lines.takeDue(nowMs, isLast));
  }

  private lookLater(): void {
    this.looking ??= setInterval(() => this.sumUp(), LOOKED_EVERY_MS).unref();
  }
}

const levelOf = (facts: Facts): 'warn' | 'info' => (isAlarm(facts) ? 'warn' : 'info');
