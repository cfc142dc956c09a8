import type { LeaseState } from '#libs/config-distribution';
import { keySetWarningsOf } from './key-set-warnings.ts';
import { outcomeOf, type GatewayAnswer, type Question } from './gateway-answer.ts';

/** What the live gateways of an environment say about one deployment. */
export interface AnswerCount {
  readonly live: number;
  readonly applied: number;
  readonly rejected: number;
  readonly pending: number;
  /** Gateways that lived while they were asked, and live no more. */
  readonly gone: number;
  /** By gateway id. */
  readonly details: readonly GatewayAnswer[];
}

/** Counts the answers to one question; what one gateway says costs the same however many there are. */
export class AnswerTally {
  private readonly answers = new Map<string, GatewayAnswer>();
  private readonly left = new Set<string>();
  private readonly firstAnsweredMs = new Map<string, number>();
  private pendingCount = 0;

  constructor(private readonly question: Question) {}

  get pending(): number {
    return this.pendingCount;
  }

  /**
   * @param lease undefined: the gateway does not live (any more).
   * @param sinceMs since the question was asked.
   */
  hear(gatewayId: string, lease: LeaseState | undefined, sinceMs: number): void {
    const before = this.answers.get(gatewayId);
    if (before?.outcome === 'pending') this.pendingCount -= 1;
    if (lease === undefined) {
      if (this.answers.delete(gatewayId)) this.left.add(gatewayId);
      return;
    }
    this.left.delete(gatewayId);
    const answer = this.answerOf(gatewayId, lease, sinceMs);
    if (answer.outcome === 'pending') this.pendingCount += 1;
    this.answers.set(gatewayId, answer);
  }

  count(): AnswerCount {
    const details = [...this.answers.values()].sort((one, other) => (one.gatewayId < other.gatewayId ? -1 : 1));
    const having = (outcome: GatewayAnswer['outcome']) => details.filter((one) => one.outcome === outcome).length;
    return {
      ...{ live: details.length, applied: having('applied'), rejected: having('rejected'), pending: this.pending },
      ...{ gone: this.left.size, details },
    };
  }

  private answerOf(gatewayId: string, lease: LeaseState, sinceMs: number): GatewayAnswer {
    const answer = outcomeOf(lease, this.question);
    if (answer.outcome === 'pending') return { gatewayId, responseTimeMs: undefined, ...answer, warnings: [] };
    const answeredMs = this.firstAnsweredMs.get(gatewayId) ?? sinceMs;
    this.firstAnsweredMs.set(gatewayId, answeredMs);
    const warnings = (answer.outcome === 'applied' ? keySetWarningsOf(lease, this.question) : undefined) ?? [];
    return { gatewayId, responseTimeMs: Math.round(answeredMs), ...answer, warnings };
  }
}
