import type { DomainEvent } from '#libs/event-store';

/** Environments by id, wave by wave. */
export type RolloutStarted = DomainEvent<
  'RolloutStarted',
  {
    rolloutId: string;
    proxyId: string;
    revision: number;
    description: string;
    waves: readonly (readonly string[])[];
    stopOnFailure: boolean;
    minAppliedPercent: number;
  }
>;
export type RolloutWaveStarted = DomainEvent<
  'RolloutWaveStarted',
  {
    rolloutId: string;
    /** From 1. */
    wave: number;
    deployments: readonly { readonly environmentId: string; readonly deployment: number }[];
  }
>;
/** A newer change goes to these environments instead. */
export type RolloutOvertaken = DomainEvent<
  'RolloutOvertaken',
  { rolloutId: string; environmentIds: readonly string[] }
>;
/** These environments were deleted before their wave began. */
export type RolloutShortened = DomainEvent<
  'RolloutShortened',
  { rolloutId: string; environmentIds: readonly string[] }
>;
/** These environments are not reached. */
export type RolloutStopped = DomainEvent<
  'RolloutStopped',
  { rolloutId: string; reason: string; environmentIds: readonly string[] }
>;
export type RolloutFinished = DomainEvent<'RolloutFinished', { rolloutId: string }>;

export type RolloutEvent =
  RolloutStarted | RolloutWaveStarted | RolloutOvertaken | RolloutShortened | RolloutStopped | RolloutFinished;
