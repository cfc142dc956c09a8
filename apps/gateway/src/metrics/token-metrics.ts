import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PasswordCheckEnd } from '../token-endpoint/identity/credential-passwords.ts';
import type { LoginKind } from '../token-endpoint/identity/login-throttle/redis-login-throttle.ts';
import type { TokenAnswered } from '../token-endpoint/token-endpoint.ts';

/** What is asked for when the metrics are read; neither may wait for anything. */
export interface ObservedTokens {
  passwordChecks(): { readonly running: number; readonly waiting: number };
  /** Logins with a refresh token that can still be used; undefined: not known. */
  liveFamilies(): number | undefined;
}

const DURATION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const MS_PER_SECOND = 1_000;
export const LOGIN_BLOCKED = 'login-blocked';
/** What asks for a person's eyes: somebody else has a token, or guesses. */
const ALARMS: ReadonlySet<string> = new Set(['refresh-token-reused', LOGIN_BLOCKED]);
/** Whatever was asked for: somebody else writes in Redis, or a credential's settings were recorded that can give nothing. */
const FAULTS: ReadonlySet<string> = new Set(['refresh-token-altered', 'broken-token-settings']);

type Answer = Pick<TokenAnswered, 'endpoint' | 'reason'>;

/** Whether a person should look at an answer. Asking about a token that was ended by an alarm is none. */
export const isAlarm = ({ endpoint, reason }: Answer): boolean =>
  FAULTS.has(reason) || (ALARMS.has(reason) && (endpoint === 'jwt' || reason === LOGIN_BLOCKED));

type AnswerLabels = Readonly<Record<'service' | 'endpoint' | 'grant_type' | 'outcome' | 'reason', string>>;

interface AnswerSeries {
  readonly answers: Counter.Internal;
  readonly durations: Histogram.Internal<'service' | 'endpoint'>;
}

/** What the token services answer. No label holds text that a client chose. */
export class TokenMetrics {
  private readonly answers: Counter<'service' | 'endpoint' | 'grant_type' | 'outcome' | 'reason'>;
  private readonly durations: Histogram<'service' | 'endpoint'>;
  private readonly series = new Map<string, AnswerSeries>();
  private readonly alarms: Counter<'alarm'>;
  private readonly graceHits: Counter;
  private readonly passwordChecks: Counter<'outcome'>;
  private readonly blockedLogins: Counter<'kind'>;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.answers = new Counter({
      name: 'gatewarden_token_answers_total',
      help: 'Answers of the token services by service, endpoint, grant type, outcome and exact reason',
      labelNames: ['service', 'endpoint', 'grant_type', 'outcome', 'reason'],
      registers,
    });
    this.durations = new Histogram({
      name: 'gatewarden_token_request_duration_seconds',
      help: 'Time from a whole token request to its answer, with what failed logins are slowed by',
      labelNames: ['service', 'endpoint'],
      buckets: DURATION_BUCKETS_SECONDS,
      registers,
    });
    const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
      new Counter({ name: `gatewarden_${name}_total`, help, labelNames, registers });
    this.alarms = counter('token_alarms', 'Refused token requests that a person should look at', 'alarm');
    // Of a series that is born at 1 Prometheus sees no increase: the first alarm would alert nobody.
    for (const alarm of [...ALARMS, ...FAULTS]) this.alarms.inc({ alarm }, 0);
    this.graceHits = counter('refresh_grace_hits', 'Refresh tokens sent again in time: the same successor was given');
    this.passwordChecks = counter('password_checks', 'Checks of passwords by how they ended', 'outcome');
    this.blockedLogins = counter('logins_blocked', 'Logins refused because too many had failed', 'kind');
  }

  /** Adds what needs to be asked for. Once. */
  observe(observed: ObservedTokens): void {
    const registers = [this.registry];
    new Gauge({
      ...{ name: 'gatewarden_password_checks', help: 'Checks of passwords by whether they run or wait', registers },
      labelNames: ['state'],
      collect: function () {
        for (const [state, count] of Object.entries(observed.passwordChecks())) this.set({ state }, count);
      },
    });
    new Gauge({
      ...{ name: 'gatewarden_refresh_families', help: 'Logins whose refresh token can still be used', registers },
      aggregator: 'max',
      collect: function () {
        const count = observed.liveFamilies();
        if (count === undefined) this.remove();
        else this.set(count);
      },
    });
  }

  countAnswer(what: TokenAnswered): void {
    const { service, endpoint, grantType, outcome, reason, durationMs } = what;
    const { answers, durations } = this.seriesOf({ service, endpoint, grant_type: grantType, outcome, reason });
    answers.inc();
    durations.observe(durationMs / MS_PER_SECOND);
    if (isAlarm(what)) this.alarms.inc({ alarm: reason });
    if (outcome === 'refreshed' && reason === 'repeated') this.graceHits.inc();
  }

  /** Finding a series by its labels costs some 4 µs of a token's 50; there are as many as there are kinds of answers. */
  private seriesOf(labels: AnswerLabels): AnswerSeries {
    const key = `${labels.service} ${labels.endpoint} ${labels.grant_type} ${labels.outcome} ${labels.reason}`;
    const known = this.series.get(key);
    if (known !== undefined) return known;
    const { service, endpoint } = labels;
    const found = { answers: this.answers.labels(labels), durations: this.durations.labels({ service, endpoint }) };
    this.series.set(key, found);
    return found;
  }

  countPasswordCheck(outcome: PasswordCheckEnd): void {
    this.passwordChecks.inc({ outcome });
    if (outcome === 'blocked') this.countBlockedLogin('password');
  }

  countBlockedLogin(kind: LoginKind): void {
    this.blockedLogins.inc({ kind });
  }
}
