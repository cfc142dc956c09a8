import { policyBody } from '../support/policies.ts';
import { ENVIRONMENTS, markerPolicy, PROJECT } from './chaos-system.ts';
import { type SeededRandom } from './seeded-random.ts';

/** One write, and what it must leave behind once it was answered. */
export interface Change {
  readonly kind: ChangeKind;
  readonly key: string;
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body: object;
  /** Where it is to be deployed at once, as far as it says so by name. */
  readonly environments: readonly string[];
  /** The content event that it leaves; null: it is a deployment alone. */
  readonly event: 'PolicyAdded' | 'PolicyUpdated' | 'PolicyDeleted' | 'ProxyUpdated' | null;
  /** What the content event holds. */
  readonly text: string;
}

const WEIGHTS = {
  ...{ update: 8, add: 3, remove: 3, settings: 1, waves: 1 },
  ...{ undeploy: 1, deploy: 2, older: 2, promote: 1 },
} as const;
export type ChangeKind = keyof typeof WEIGHTS;

const EXTRA_POLICIES = 3;

/** What is known of a proxy to whoever changes it. */
export interface ProxyMemory {
  readonly proxy: string;
  /** Of changes, answered or not. */
  count: number;
  /** Policies that are in front of the marker, as far as was answered. */
  readonly extra: Set<string>;
  /** That was answered. */
  revision: number;
}

/** The next change of a proxy. Whatever a client can see of it names it: each has a marker of its own. */
export function nextChange(memory: ProxyMemory, random: SeededRandom): Change {
  memory.count += 1;
  const drawn = random.pickWeighted(WEIGHTS);
  const kind = possible(drawn, memory);
  const { proxy, count } = memory;
  const shared = { kind, key: `${proxy}-${count}` };
  return { ...shared, ...CHANGES[kind]({ memory, random, marker: `${proxy} ${count}` }) };
}

function possible(kind: ChangeKind, { extra, revision }: ProxyMemory): ChangeKind {
  if (kind === 'add' && extra.size >= EXTRA_POLICIES) return 'remove';
  if (kind === 'remove' && extra.size === 0) return 'add';
  return kind === 'older' && revision < 2 ? 'deploy' : kind;
}

interface Draft {
  readonly memory: ProxyMemory;
  readonly random: SeededRandom;
  readonly marker: string;
}

const pathOf = ({ proxy }: ProxyMemory): string => `${PROJECT}/apiProxies/${proxy}`;

/** Where a change goes: mostly everywhere, at times to one environment, or (none named) to those where the proxy is. */
function targets(random: SeededRandom): readonly string[] {
  const where = random.pickWeighted({ all: 4, one: 1, present: 1 });
  if (where === 'all') return ENVIRONMENTS;
  return where === 'one' ? [random.pick(ENVIRONMENTS)] : [];
}

const CHANGES: Readonly<Record<ChangeKind, (draft: Draft) => Omit<Change, 'kind' | 'key'>>> = {
  update: (draft) => policyChange(draft, 'PUT', 'marker'),
  add: (draft) => policyChange(draft, 'POST', `extra-${draft.memory.count}`),
  remove: ({ memory, random }) => {
    const [name, environments] = [random.pick([...memory.extra]), targets(random)];
    const { operationMetadata } = policyBody({}, environments);
    const path = `${pathOf(memory)}/policies/${name}/`;
    return { method: 'DELETE', path, environments, event: 'PolicyDeleted', text: name, body: { operationMetadata } };
  },
  settings: ({ memory, random }) => {
    const [readTimeout, environments] = [1_000 + memory.count, targets(random)];
    const body = { readTimeout, deploy: true, deployTargetEnvironmentNameList: environments };
    const path = `${pathOf(memory)}/settings/connection/`;
    return { method: 'PATCH', path, environments, event: 'ProxyUpdated', text: String(readTimeout), body };
  },
  waves: ({ memory, marker }) => ({
    ...{ method: 'PUT', path: `${pathOf(memory)}/policies/marker/`, event: 'PolicyUpdated', text: marker },
    environments: ENVIRONMENTS.slice(0, 1),
    body: policyBody(markerPolicy(marker), ENVIRONMENTS, {
      deployStrategy: { waves: ENVIRONMENTS.map((name) => [name]), stopOnFailure: true, minAppliedPercent: 100 },
    }),
  }),
  undeploy: (draft) => deploymentOf(draft, 'DELETE', {}),
  deploy: (draft) => deploymentOf(draft, 'POST', {}),
  older: (draft) => deploymentOf(draft, 'POST', { revision: draft.random.between(1, draft.memory.revision - 1) }),
  promote: ({ memory, random }) => {
    const from = random.pick(ENVIRONMENTS);
    const environments = ENVIRONMENTS.filter((name) => name !== from);
    const path = `${pathOf(memory)}/promote/`;
    return { method: 'POST', path, environments, event: null, text: '', body: { from, to: environments } };
  },
};

function policyChange(
  { memory, random, marker }: Draft,
  method: 'POST' | 'PUT',
  name: string,
): Omit<Change, 'kind' | 'key'> {
  const environments = targets(random);
  const body = policyBody(markerPolicy(marker), environments, method === 'POST' ? { order: 1 } : {});
  const event = method === 'POST' ? 'PolicyAdded' : 'PolicyUpdated';
  return { method, path: `${pathOf(memory)}/policies/${name}/`, environments, event, text: marker, body };
}

function deploymentOf(
  { memory, random }: Draft,
  method: 'POST' | 'DELETE',
  body: object,
): Omit<Change, 'kind' | 'key'> {
  const environment = random.pick(ENVIRONMENTS);
  const path = `${pathOf(memory)}/environments/${environment}/`;
  return { method, path, environments: [environment], event: null, text: '', body };
}
