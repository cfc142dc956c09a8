import fc from 'fast-check';
import type { PolicyPlace } from '#libs/policy-contracts';
import { fold } from '../../decider/decider.ts';
import { endpointAdded, proxyCreated, samplePolicy } from '../testing/sample-proxy.ts';
import { apiProxyDecider, type ApiProxyCommand } from './api-proxy.decider.ts';
import { requireApiProxy, type ApiProxyState } from './api-proxy.state.ts';
import { orderOf, policiesAt } from './placed-policies.ts';

const PLACES: readonly PolicyPlace[] = [
  { scope: 'ALL', pipeline: 'REQUEST' },
  { scope: 'ALL', pipeline: 'ERROR' },
  { scope: 'ENDPOINT', pipeline: 'REQUEST', endpoint: '/users', httpMethod: 'GET' },
  { scope: 'ENDPOINT', pipeline: 'REQUEST', endpoint: '/users', httpMethod: 'POST' },
];
const NAMES = ['a', 'b', 'c', 'd', 'e'];
const policy = samplePolicy();

/** The model: for each place a list of names. What the seed says of `order`, in as few words as possible. */
type Lists = readonly (readonly string[])[];

interface Step {
  readonly kind: 'add' | 'update' | 'delete';
  readonly name: string;
  readonly placeIndex: number;
  readonly order: number | undefined;
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('add', 'add', 'update', 'update', 'delete'),
    name: fc.constantFrom(...NAMES),
    placeIndex: fc.nat(PLACES.length - 1),
    order: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  }),
  { maxLength: 40 },
);

function inserted(lists: Lists, { name, placeIndex, order }: Step): Lists {
  const before = lists[placeIndex]?.indexOf(name) ?? -1;
  const without = lists.map((list) => list.filter((one) => one !== name));
  const target = without[placeIndex] ?? [];
  const index = order === undefined ? (before === -1 ? target.length : before) : Math.min(order - 1, target.length);
  return without.map((list, at) => (at === placeIndex ? list.toSpliced(index, 0, name) : list));
}

/** undefined: the step must be refused. */
function expected(lists: Lists, step: Step): Lists | undefined {
  const isThere = lists.some((list) => list.includes(step.name));
  if (step.kind === 'add') return isThere ? undefined : inserted(lists, step);
  if (!isThere) return undefined;
  if (step.kind === 'update') return inserted(lists, step);
  const isHere = lists[step.placeIndex]?.includes(step.name) === true;
  return isHere ? lists.map((list) => list.filter((one) => one !== step.name)) : undefined;
}

function commandOf({ kind, name, placeIndex, order }: Step): ApiProxyCommand {
  const place = PLACES[placeIndex]!;
  if (kind !== 'delete') return { type: kind === 'add' ? 'AddPolicy' : 'UpdatePolicy', name, place, order, policy };
  const at = place.scope === 'ALL' ? { endpoint: undefined, httpMethod: undefined } : place;
  return {
    type: 'DeletePolicy',
    name,
    ...{ scope: place.scope, pipeline: place.pipeline, endpoint: at.endpoint, httpMethod: at.httpMethod },
  };
}

function taken(state: ApiProxyState, step: Step): ApiProxyState | undefined {
  try {
    const events = apiProxyDecider.decide(commandOf(step), state);
    return events.reduce((current, event) => apiProxyDecider.evolve(current, event), state);
  } catch {
    return undefined;
  }
}

const start = fold(apiProxyDecider, [proxyCreated, endpointAdded('/users', 'GET'), endpointAdded('/users', 'POST')]);

describe('the order of policies', () => {
  it('is that of a plain list for each place, whatever is added, moved and deleted', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        let state = start;
        let lists: Lists = PLACES.map(() => []);
        for (const step of sequence) {
          const next = taken(state, step);
          const nextLists = expected(lists, step);
          expect(next === undefined).toBe(nextLists === undefined);
          state = next ?? state;
          lists = nextLists ?? lists;
          const { policies } = requireApiProxy(state);
          expect(PLACES.map((place) => policiesAt(policies, place).map(({ name }) => name))).toEqual(lists);
          for (const list of lists)
            expect(list.map((name) => orderOf(policies, name))).toEqual(list.map((_, at) => at + 1));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is 0 for a policy that is not there', () => {
    expect(orderOf(requireApiProxy(start).policies, 'a')).toBe(0);
  });
});
