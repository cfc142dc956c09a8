import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { type DomainEvent, InMemoryEventStore } from '#libs/event-store';
import { accessTokenDecider } from './access-tokens/domain/access-token.decider.ts';
import { apiProxyDecider } from './api-proxies/domain/index.ts';
import { credentialDecider } from './credentials/domain/credential.decider.ts';
import { fold, type Decider } from './decider/decider.ts';
import { variableDecider } from './environment-variables/domain/environment-variable.decider.ts';
import { environmentDecider } from './environments/domain/environment.decider.ts';
import { keyStoreDecider } from './key-stores/domain/key-store.decider.ts';
import { projectDecider } from './projects/domain/project.decider.ts';
import { UPCASTERS } from './slices.ts';

/** What a stream held when a shape was made, and what each of its events came to: never to be edited. */
interface FrozenShape {
  readonly shape: string;
  /** All that there were for events of its stream. */
  readonly upcasters: readonly string[];
  readonly steps: readonly { readonly event: DomainEvent; readonly state: unknown }[];
}

type AnyDecider = Decider<unknown, never, never>;

/** The compiler sees to it that no type of event is left out. */
const keeping = <State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  types: Readonly<Record<Event['type'], true>>,
) => ({
  shape: decider.snapshotShape,
  decider: decider as unknown as AnyDecider,
  types: Object.keys(types),
});

const KEEPING = [
  keeping(accessTokenDecider, { TokenCreated: true, TokenRevoked: true }),
  keeping(apiProxyDecider, {
    ...{ ProxyCreated: true, ProxyUpdated: true, ProxyDeleted: true, KeysChanged: true, RolledBack: true },
    ...{ EndpointAdded: true, EndpointUpdated: true, EndpointDeleted: true },
    ...{ PolicyAdded: true, PolicyUpdated: true, PolicyDeleted: true },
  }),
  keeping(credentialDecider, {
    ...{ CredentialCreated: true, CredentialUpdated: true, CredentialDeleted: true, PasswordChanged: true },
    ...{ AccessGranted: true, AccessRevoked: true, TokenSettingsChanged: true, RefreshFamiliesRevoked: true },
  }),
  keeping(variableDecider, { VariableCreated: true, VariableUpdated: true, VariableDeleted: true }),
  keeping(environmentDecider, {
    ...{ EnvironmentCreated: true, EnvironmentUpdated: true, EnvironmentDeleted: true },
    ...{ GatewayKeyAdded: true, GatewayKeyRevoked: true, SigningKeyGenerated: true },
    ...{ KeySetsFlushed: true, KeyIdDenied: true, KeyIdAllowed: true },
  }),
  keeping(keyStoreDecider, {
    ...{ KeyStoreCreated: true, KeyStoreUpdated: true, KeyRotated: true, KeyStoreDeleted: true },
    ...{ KeyRotationStarted: true, KeyRotationPublished: true, KeyRotationSwitched: true },
    ...{ KeyRotationAcknowledged: true, KeyRotationFinished: true, KeyRotationCancelled: true },
    ...{ KeyRotationPaused: true, KeyRotationResumed: true, KeyRotationForced: true },
  }),
  keeping(projectDecider, {
    ...{ ProjectCreated: true, ProjectDeleted: true, DeployStrategyChanged: true, ProjectLimitsChanged: true },
  }),
];

const FROZEN_FOLDER = new URL('../test/frozen/snapshots/', import.meta.url);

const frozenShape = (shape: string): FrozenShape =>
  JSON.parse(readFileSync(new URL(`${shape}.json`, FROZEN_FOLDER), 'utf8')) as FrozenShape;

/** As a change finds them: what was stored, brought up to the newest shape. */
async function asRead(stored: readonly DomainEvent[]): Promise<readonly DomainEvent[]> {
  const store = new InMemoryEventStore({ upcasters: UPCASTERS });
  const context = { recordedAt: '2026-01-01T00:00:00.000Z', metadata: { actor: 'tester', requestId: 'r' } };
  await store.transact((session) => session.append({ streamId: 's', expectedVersion: 0, events: stored }, context));
  return store.readStream('s');
}

const statesOf = (decider: AnyDecider, events: readonly DomainEvent[]): unknown[] =>
  events.map((_, index) => fold(decider, events.slice(0, index + 1)));

/** What to do when a state is no longer what its shape says. */
function guidance(frozen: FrozenShape, steps: FrozenShape['steps'], types: readonly string[]): string {
  const [name = '', number] = frozen.shape.split('@');
  const next = `${name}@${Number(number) + 1}`;
  const file = path.join(os.tmpdir(), `${next}.json`);
  writeFileSync(file, `${JSON.stringify({ shape: next, upcasters: upcastersOf(types), steps }, null, 2)}\n`);
  return (
    `what events come to in ${name} has changed, or how old events are read: snapshots of ${frozen.shape} in databases ` +
    `are no longer what the program would make. Name its snapshotShape ${next}, and put ${file}, which this test wrote, ` +
    `in the place of test/frozen/snapshots/${frozen.shape}.json (add samples of new types of events by hand)`
  );
}

const upcastersOf = (types: readonly string[]): string[] =>
  [...UPCASTERS.keys()].filter((key) => types.includes(key.slice(0, key.lastIndexOf('@')))).sort();

function expectAsFrozen(guide: () => string, expectation: () => void): void {
  try {
    expectation();
  } catch (cause) {
    throw new Error(`${guide()}\n\n${(cause as Error).message}`, { cause });
  }
}

describe.each(KEEPING)('the shape $shape', ({ shape, decider, types }) => {
  it('is what it was when it was frozen: another state has another number, and so has a new upcaster', async () => {
    const frozen = frozenShape(shape);
    const states = statesOf(decider, await asRead(frozen.steps.map(({ event }) => event)));
    const steps = frozen.steps.map(({ event }, index) => ({ event, state: states[index] }));
    expectAsFrozen(
      () => guidance(frozen, steps, types),
      () => {
        expect({ shape: frozen.shape, steps }).toEqual({ shape, steps: frozen.steps });
        expect(upcastersOf(types)).toEqual(frozen.upcasters);
        expect(new Set(frozen.steps.map(({ event }) => event.type))).toEqual(new Set(types));
      },
    );
  });

  it('holds plain JSON: a state that was kept goes on like one that was folded (random histories)', async () => {
    const events = await asRead(frozenShape(shape).steps.map(({ event }) => event));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 12 }), fc.nat(12), (later, at) => {
        const history = [events[0]!, ...later];
        const before = fold(decider, history.slice(0, at));
        const kept = JSON.parse(JSON.stringify(before)) as unknown;
        expect(kept).toStrictEqual(before);
        const goOn = (state: unknown) =>
          history.slice(at).reduce((current, event) => decider.evolve(current, event as never), state);
        // As texts: the order of members is the same, too.
        expect(JSON.stringify(goOn(kept))).toBe(JSON.stringify(goOn(before)));
      }),
      { numRuns: 200 },
    );
  });
});

it('is known of every decider, and no file is left of a shape that is gone', () => {
  const shapes = KEEPING.map(({ shape }) => shape).sort();
  expect(readdirSync(FROZEN_FOLDER).sort()).toEqual(shapes.map((shape) => `${shape}.json`));
  const files = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' });
  expect(files.filter((file) => file.endsWith('.decider.ts'))).toHaveLength(shapes.length);
});
