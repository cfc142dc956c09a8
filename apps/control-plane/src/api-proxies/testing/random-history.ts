import fc from 'fast-check';
import type { RecordedEvent } from '#libs/event-store';
import type { PolicyPlace } from '#libs/policy-contracts';
import { fold } from '../../decider/decider.ts';
import { apiProxyDecider, type ApiProxyCommand } from '../domain/api-proxy.decider.ts';
import type { ApiProxyEvent } from '../domain/api-proxy.events.ts';
import { contentOf } from '../domain/api-proxy.state.ts';
import { stateAtRevision } from './state-at-revision.ts';
import { proxyCreated, sampleEndpoint, samplePolicy, sampleVerification } from './sample-proxy.ts';

const POLICIES = [
  ...[samplePolicy(), samplePolicy({ active: false }), samplePolicy({ jwtSignatureAlgorithm: 'RS256' })],
  ...[sampleVerification(), sampleVerification({ audience: 'a, b', requiredClaims: ['x', 'y'] })],
  sampleVerification({ audience: 'b', additionalClaims: [{ name: 'show', value: '1' }] }),
];
const ADDRESSES = ['http://one.example', 'http://two.example', 'http://three.example'];
const PLACES: readonly PolicyPlace[] = [
  { scope: 'ALL', pipeline: 'REQUEST' },
  { scope: 'ALL', pipeline: 'RESPONSE' },
  { scope: 'ENDPOINT', pipeline: 'REQUEST', endpoint: '/users', httpMethod: 'GET' },
];

/** A rollback to a revision that may be there. */
interface RollBackTo {
  readonly type: 'RollBackTo';
  readonly revision: number;
}

const name = fc.constantFrom('a', 'b', 'c', 'd');
const place = fc.constantFrom(...PLACES);
const endpointName = fc.constantFrom('/users', '/items', '/items/{id}');
const policyCommand = (type: 'AddPolicy' | 'UpdatePolicy') =>
  fc.record({
    ...{ type: fc.constant(type), name, place, policy: fc.constantFrom(...POLICIES) },
    order: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  });

const commands = fc.array(
  fc.oneof<fc.Arbitrary<ApiProxyCommand | RollBackTo>[]>(
    policyCommand('AddPolicy'),
    policyCommand('AddPolicy'),
    policyCommand('UpdatePolicy'),
    fc.record({
      ...{
        type: fc.constant('DeletePolicy' as const),
        name,
        scope: fc.constantFrom('ALL' as const, 'ENDPOINT' as const),
      },
      ...{ pipeline: fc.constant('REQUEST' as const), endpoint: fc.constant(undefined) },
      httpMethod: fc.constant(undefined),
    }),
    fc.record({
      type: fc.constant('AddEndpoint' as const),
      endpoint: endpointName.map((path) => sampleEndpoint(path)),
    }),
    fc.record({
      ...{ type: fc.constant('UpdateEndpoint' as const), name: endpointName, httpMethod: fc.constant('GET') },
      change: fc.record({ description: fc.constantFrom('', 'other') }),
    }),
    fc.record({
      ...{ type: fc.constant('DeleteEndpoint' as const), name: endpointName },
      ...{ httpMethod: fc.constant('GET'), force: fc.boolean() },
    }),
    fc.record({
      type: fc.constant('ChangeSettings' as const),
      settings: fc.record({
        description: fc.constantFrom('', 'one', 'two'),
        routingInfo: fc.record({
          routingAddressList: fc
            .shuffledSubarray(ADDRESSES, { minLength: 1 })
            .map((list) => list.map((address, index) => ({ address, weight: 100 - index }))),
        }),
      }),
    }),
    fc.constant<ApiProxyCommand>({
      type: 'ChangeKeys',
      keys: { publicKey: 'other', secretKey: { secretId: 's-2', fingerprint: 'f2' } },
    }),
    fc.record({ type: fc.constant('RollBackTo' as const), revision: fc.integer({ min: 1, max: 12 }) }),
  ),
  { maxLength: 25 },
);

function decided(events: readonly ApiProxyEvent[], command: ApiProxyCommand | RollBackTo): readonly ApiProxyEvent[] {
  const state = fold(apiProxyDecider, events);
  if (command.type !== 'RollBackTo') return apiProxyDecider.decide(command, state);
  const then = stateAtRevision(events, command.revision);
  if (then.status === 'absent') return [];
  return apiProxyDecider.decide({ type: 'RollBack', toRevision: command.revision, content: contentOf(then) }, state);
}

/** As the event store hands it over, the clock one second further with each event. */
export const recorded = (event: ApiProxyEvent, index: number): RecordedEvent<ApiProxyEvent> & ApiProxyEvent => ({
  ...event,
  ...{ eventId: `e-${index}`, streamId: 'apiProxy-p-1', streamVersion: index + 1 },
  position: { epoch: 1, transactionId: String(index), sequence: String(index) },
  recordedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString(),
  metadata: { actor: 'tester', requestId: `r-${index}` },
});

/** What a stream may look like after any commands; those that are refused are left out. */
export const histories = commands.map((sequence) => {
  const events = sequence.reduce<readonly ApiProxyEvent[]>(
    (before, command) => {
      try {
        return [...before, ...decided(before, command)];
      } catch {
        return before;
      }
    },
    [proxyCreated],
  );
  return events.map(recorded);
});
