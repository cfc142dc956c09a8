import type { LeaseState } from '#libs/config-distribution';
import type { Tally } from './open-question.ts';

/** What a gateway that lives says of standing orders. */
export interface GatewayObedience {
  readonly gatewayId: string;
  /** The version that it obeys; null: it does not say, as gateways of earlier builds. */
  readonly obeys: number | null;
  readonly isObeying: boolean;
}

/** What the live gateways of an environment say of standing orders. */
export interface ObedienceCount {
  readonly live: number;
  readonly obeying: number;
  /** Those that do not obey (yet), and those that do not say. */
  readonly pending: number;
  /** By gateway id. */
  readonly details: readonly GatewayObedience[];
}

/** Of the orders that a gateway obeys; null: it does not say. */
export const obeyedVersion = ({ obeys }: Pick<LeaseState, 'obeys'>, subject: string): number | null =>
  obeys !== undefined && Object.hasOwn(obeys, subject) ? (obeys[subject] ?? null) : null;

/** Whether a gateway obeys orders of a version. */
export function obedienceOf(
  lease: Pick<LeaseState, 'gatewayId' | 'obeys'>,
  subject: string,
  version: number,
): GatewayObedience {
  const obeys = obeyedVersion(lease, subject);
  return { gatewayId: lease.gatewayId, obeys, isObeying: obeys !== null && obeys >= version };
}

export const byGatewayId = (one: { gatewayId: string }, other: { gatewayId: string }): number =>
  one.gatewayId < other.gatewayId ? -1 : 1;

/** Counts who obeys; gateways that live no more do not count. */
export class ObedienceTally implements Tally<ObedienceCount> {
  private readonly answers = new Map<string, GatewayObedience>();
  private readonly waitedFor = new Set<string>();

  /** @param subject what the orders are about. @param version the one to be obeyed, or a later one. */
  constructor(
    private readonly subject: string,
    private readonly version: number,
  ) {}

  get pending(): number {
    return this.waitedFor.size;
  }

  hear(gatewayId: string, lease: LeaseState | undefined): void {
    this.waitedFor.delete(gatewayId);
    this.answers.delete(gatewayId);
    if (lease === undefined) return;
    const answer = obedienceOf(lease, this.subject, this.version);
    this.answers.set(gatewayId, answer);
    // One that does not say what it obeys never will: gateways say it from the beginning, or are of an earlier build.
    if (!answer.isObeying && answer.obeys !== null) this.waitedFor.add(gatewayId);
  }

  count(): ObedienceCount {
    const details = [...this.answers.values()].sort(byGatewayId);
    const obeying = details.filter(({ isObeying }) => isObeying).length;
    return { live: details.length, obeying, pending: details.length - obeying, details };
  }
}
