import type { ChannelKeys, ConfigChannel, LeaseState } from '#libs/config-distribution';
import { AnswerTally, type AnswerCount } from './answer-tally.ts';
import type { Question } from './gateway-answer.ts';
import { LeaseLooks } from './lease-looks.ts';
import type { LeaseReportHook } from './lease-reports.ts';
import { LeaseView } from './lease-view.ts';
import { ObedienceTally, type ObedienceCount } from './obedience-tally.ts';
import { OpenQuestion, type Tally } from './open-question.ts';

/** The answers of an environment's gateways: read once for all who wait for some, and evaluated from memory. */
export class GatewayAnswers {
  private readonly view: LeaseView;
  private readonly looks: LeaseLooks;
  private readonly open = new Set<{ end(): void }>();
  private hurried = false;

  /** @param environment its name. @param nowMs monotonic. */
  constructor(
    environment: string,
    channel: ConfigChannel,
    keys: ChannelKeys,
    onLeaseReport: LeaseReportHook,
    nowMs = () => performance.now(),
  ) {
    this.view = new LeaseView(channel, keys, onLeaseReport, nowMs);
    this.looks = new LeaseLooks(environment, channel, this.view);
  }

  /** Leases of the gateways that live now; what cannot be opened is reported and left out. @throws ChannelUnavailable */
  async live(): Promise<readonly LeaseState[]> {
    // What is known is kept for a while: who ends meanwhile is to be heard of.
    this.looks.watch();
    await this.looks.once();
    return this.view.states();
  }

  /** When the gateways that lived at the last look were heard of: milliseconds since the epoch, by id. */
  get lastSeenMs(): ReadonlyMap<string, number> {
    return this.view.lastSeenMs();
  }

  /** Whether the process ends: whoever asks again is told at once what is known. */
  get isHurried(): boolean {
    return this.hurried;
  }

  /**
   * Waits until every live gateway has answered, at most for a time; gateways that fall silent stop counting.
   *
   * @param signal ends the waiting at once with what is known by then, which may be nothing.
   * @throws ChannelUnavailable
   */
  collect(question: Question, timeoutMs: number, signal?: AbortSignal): Promise<AnswerCount> {
    return this.ask(new AnswerTally(question), timeoutMs, signal);
  }

  /**
   * Waits in the same way until every live gateway obeys standing orders of a version or a later one.
   *
   * @param subject what they are about.
   * @throws ChannelUnavailable
   */
  obedience(subject: string, version: number, timeoutMs: number): Promise<ObedienceCount> {
    return this.ask(new ObedienceTally(subject, version), timeoutMs);
  }

  private ask<Count>(tally: Tally<Count>, timeoutMs: number, signal?: AbortSignal): Promise<Count> {
    this.looks.watch();
    return new Promise((resolve, reject) => {
      const conclude = (): void => asked.conclude();
      const onEnd = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', conclude);
        this.open.delete(asked);
        this.looks.remove(asked);
      };
      const asked = new OpenQuestion(tally, this.view, { onEnd, resolve, reject });
      const timer = setTimeout(() => asked.end(), timeoutMs);
      this.open.add(asked);
      if (this.hurried) asked.end();
      this.looks.add(asked);
      if (signal?.aborted === true) conclude();
      else signal?.addEventListener('abort', conclude, { once: true });
    });
  }

  /** Nobody is waited for any longer: the process ends, and another one asks again. */
  hurry(): void {
    this.hurried = true;
    for (const asked of this.open) asked.end();
  }

  /** Whoever still waits is told that the channel cannot be reached. */
  close(): Promise<void> {
    return this.looks.close();
  }
}
