import { readFileSync } from 'node:fs';
import { accessTokenDecider } from '../../src/access-tokens/domain/access-token.decider.ts';
import { apiProxyDecider } from '../../src/api-proxies/domain/index.ts';
import { credentialDecider } from '../../src/credentials/domain/credential.decider.ts';
import type { Decider } from '../../src/decider/decider.ts';
import { variableDecider } from '../../src/environment-variables/domain/environment-variable.decider.ts';
import { environmentDecider } from '../../src/environments/domain/environment.decider.ts';
import { keyStoreDecider } from '../../src/key-stores/domain/key-store.decider.ts';
import { projectDecider } from '../../src/projects/domain/project.decider.ts';
import type { DomainEvent, RecordedEvent } from '#libs/event-store';
import type { Shape } from './event-shapes.ts';

/** A stream as it was once recorded, and what its deciders made of it, event by event. */
export interface FrozenStream {
  /** What streams of its kind begin with. */
  readonly kind: string;
  readonly events: readonly DomainEvent[];
  /** After each event; left out where nobody decides on the stream. */
  readonly states?: readonly unknown[];
}

export interface FrozenEvents {
  readonly streams: readonly FrozenStream[];
  /** Of the newest version of each type. */
  readonly shapes: Readonly<Record<string, Shape>>;
}

export const readFrozenEvents = (): FrozenEvents =>
  JSON.parse(readFileSync(new URL('../frozen/events.json', import.meta.url), 'utf8')) as FrozenEvents;

type AnyDecider = Decider<unknown, never, DomainEvent>;

/** By the kind of their streams; deployments and rollouts have rows instead. */
const DECIDERS: Readonly<Record<string, unknown>> = {
  accessToken: accessTokenDecider,
  apiProxy: apiProxyDecider,
  credential: credentialDecider,
  environment: environmentDecider,
  keyStore: keyStoreDecider,
  project: projectDecider,
  variable: variableDecider,
};
export const deciderOf = (kind: string): AnyDecider | undefined => DECIDERS[kind] as AnyDecider | undefined;

export const asRecorded = (event: DomainEvent, index: number): RecordedEvent => ({
  ...event,
  ...{ eventId: `e-${index}`, streamId: 'frozen', streamVersion: index + 1, recordedAt: '2026-01-01T00:00:00.000Z' },
  position: { epoch: 1, transactionId: String(index + 1), sequence: String(index + 1) },
  metadata: { actor: 'tester', requestId: `r-${index}` },
});

/** States after each event, as they would be after a journey through the database. */
export function statesOf(kind: string, events: readonly DomainEvent[]): unknown[] | undefined {
  const decider = deciderOf(kind);
  if (decider === undefined) return undefined;
  let state = decider.initialState;
  return events.map((event) => {
    state = decider.evolve(state, event);
    return JSON.parse(JSON.stringify(state)) as unknown;
  });
}
