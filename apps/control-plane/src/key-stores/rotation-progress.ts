import type { RecordedEvent } from '#libs/event-store';
import { isUnderWay, TOKEN_LEEWAY_SECONDS, type KeyRotation } from './domain/key-rotation.ts';
import { keyStoreDecider, type ActiveKeyStore, type KeyStoreState } from './domain/key-store.decider.ts';
import type { KeyStoreEvent } from './domain/key-store.events.ts';
import { waitsForGateways } from './domain/rotation-steps.ts';
import type { KeyStoreDeployment } from './key-store-users.port.ts';
import type { RotationSummary } from './key-store-views.ts';

interface StepView {
  /** `started`, `published`, `switched`, `acknowledged`, `finished`, `paused`, `resumed`, `forced`, `cancelled`, `replaced`. */
  readonly step: string;
  /** ISO 8601. */
  readonly at: string;
  /** Name of the token; the control plane's own steps are its own. */
  readonly actor: string;
  readonly reason: string | null;
}

/** `GET P/jwks/{name}/rotate/`. Times are ISO 8601, null while they are not known. */
export interface RotationView extends RotationSummary {
  readonly keyName: string;
  /** null: the key that is for all environments which have none of their own. */
  readonly environmentNameList: readonly (string | null)[];
  readonly startedAt: string;
  readonly publishForSeconds: number;
  readonly switchedAt: string | null;
  readonly acknowledgedAt: string | null;
  /** Of tokens that the old key signed; null: it is not known yet, or they never expire. */
  readonly longestTokenLifeSeconds: number | null;
  /** What it waits for, as people read it. */
  readonly waitsFor: string;
  /** The newest deployment of each proxy that uses the keys, while gateways are waited for. */
  readonly deploymentList: readonly (KeyStoreDeployment & { readonly deploymentId: string })[];
  readonly stepList: readonly StepView[];
  /** Nothing of it changes any more. */
  readonly settled: boolean;
}

interface RotationHistory {
  readonly rotation: KeyRotation;
  readonly steps: readonly StepView[];
}

/** The only rotation of a state that knows of no other. */
const rotationIn = (state: KeyStoreState): KeyRotation | undefined =>
  state.status === 'absent' ? undefined : state.rotations[0];

/** What an event of the store did to the rotation; undefined: nothing. */
function stepIn({ type, data }: KeyStoreEvent, before: KeyRotation | undefined, after: KeyRotation | undefined) {
  if ('rotationId' in data) return type.slice('KeyRotation'.length).toLowerCase();
  return before?.places.length === after?.places.length ? undefined : 'replaced';
}

/**
 * A rotation to its end, which the store forgets when there is a later one.
 *
 * @param events of the store. @returns undefined: it never was
 */
export function historyOf(events: readonly RecordedEvent[], rotationId: string): RotationHistory | undefined {
  const steps: StepView[] = [];
  let state: KeyStoreState = keyStoreDecider.initialState;
  for (const recorded of events) {
    // Nobody else writes to the streams of a decider.
    const event = recorded as RecordedEvent & KeyStoreEvent;
    if ('rotationId' in event.data && event.data.rotationId !== rotationId) continue;
    const before = rotationIn(state);
    state = keyStoreDecider.evolve(state, event);
    const step = stepIn(event, before, rotationIn(state));
    const { actor, reason = null } = recorded.metadata;
    if (step !== undefined) steps.push({ step, at: recorded.recordedAt, actor, reason });
  }
  const rotation = rotationIn(state);
  return rotation && { rotation, steps };
}

/** Deployments that hold a stage up, with the gateways that do. */
export function heldUpBy(deployments: readonly KeyStoreDeployment[]): string {
  const open = deployments.filter(({ state }) => state !== 'succeeded');
  return open
    .map(({ apiProxyName, environmentName, deployment, state, pending, rejecting }) => {
      const gateways = [
        ...pending.map((gatewayId) => `${gatewayId} has not answered`),
        ...rejecting.map(({ gatewayId }) => `${gatewayId} rejects it`),
      ];
      const who = gateways.length === 0 ? state : gateways.join(', ');
      return `${apiProxyName} in ${environmentName} (deployment ${deployment}: ${who})`;
    })
    .join('; ');
}

const SECOND_MS = 1_000;

/** A deployment that failed stays so: whether it is worth another try, people know. */
const wayOut = (deployments: readonly KeyStoreDeployment[]): string =>
  deployments.some(({ state }) => state === 'failed')
    ? '; what failed is to be deployed again, or the rotation forced'
    : '';

/** While gateways still sign with the old key, how long it goes on afterwards. */
function afterwards({ stage, longestTokenLifeMs: lifeMs }: KeyRotation): string {
  if (stage !== 'retiring') return '';
  if (lifeMs === null) return '; and then for ever, since tokens of the old key may never expire';
  return `; and then ${Math.ceil(lifeMs / SECOND_MS) + TOKEN_LEEWAY_SECONDS} seconds, until the last token of the old key has expired`;
}

/** What a rotation waits for. @param deployments while it waits for gateways, else empty */
export function waitText(rotation: KeyRotation, deployments: readonly KeyStoreDeployment[]): string {
  const { stage, signsAt, retiresAt, paused } = rotation;
  const prefix = paused ? 'paused; when it is resumed it waits ' : 'it waits ';
  if (!isUnderWay(rotation)) return `nothing any more: the rotation is over (${stage})`;
  if (waitsForGateways(rotation)) {
    const what = stage === 'publishing' ? 'verify' : 'sign';
    const open = heldUpBy(deployments);
    const whom =
      open === ''
        ? 'for no gateway: it goes on in a moment'
        : `until all live gateways ${what} with the new key: ${open}${wayOut(deployments)}`;
    return `${prefix}${whom}${afterwards(rotation)}`;
  }
  if (stage === 'waiting')
    return `${prefix}until ${signsAt ?? ''}, when whoever keeps the published keys has the new one`;
  if (retiresAt !== null) return `${prefix}until ${retiresAt}, when the last token of the old key has expired`;
  return `${prefix}for ever: tokens of the old key may never expire; force removes it, and they are refused then`;
}

export function rotationView(
  { name: keyName }: ActiveKeyStore,
  { rotation, steps }: RotationHistory,
  known: {
    readonly deployments: readonly KeyStoreDeployment[];
    readonly environmentNames: ReadonlyMap<string, string>;
  },
): RotationView {
  const { rotationId, stage, since, paused, signsAt, retiresAt, places, longestTokenLifeMs } = rotation;
  const { startedAt, publishForSeconds, switchedAt, acknowledgedAt } = rotation;
  return {
    ...{ keyName, rotationId, stage, since, paused, settled: !isUnderWay(rotation) },
    environmentNameList: places.map((place) => (place === null ? null : (known.environmentNames.get(place) ?? place))),
    waitsFor: waitText(rotation, known.deployments),
    ...{ startedAt, publishForSeconds, signsAt, switchedAt, acknowledgedAt, retiresAt },
    longestTokenLifeSeconds: longestTokenLifeMs === null ? null : Math.ceil(longestTokenLifeMs / SECOND_MS),
    deploymentList: known.deployments.map((one) => ({
      ...one,
      deploymentId: `${one.environmentName}:${one.deployment}`,
    })),
    stepList: steps,
  };
}
