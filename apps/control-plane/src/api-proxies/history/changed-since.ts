import { environmentVariablesOf } from '#libs/policy-runtime';
import { credentialStream } from '../../credentials/domain/credential.decider.ts';
import type { DeploymentTarget } from '../../deployment-requests/deployment-requests.ts';
import { variableStream } from '../../environment-variables/domain/environment-variable.decider.ts';
import { environmentStream } from '../../environments/domain/environment.decider.ts';
import { keyStoreStream } from '../../key-stores/domain/key-store.decider.ts';
import type { SecretVault } from '../../persistence/secret-vault.ts';
import type { Unit } from '../../persistence/unit-of-work.ts';
import type { ActiveApiProxy } from '../domain/index.ts';
import { environmentMeaning, keyStoreMeaning, variableMeaning, type Meaning } from './meaning-in-environments.ts';

/** What became of something that a revision uses without holding it. */
export type SinceThen = 'same' | 'changed' | 'createdLater' | 'deletedSince';

export interface NamedDifference {
  readonly name: string;
  readonly state: SinceThen;
}

/** What decides beside its content what a revision does, then and now. */
export interface Surroundings {
  /** ISO 8601. */
  readonly since: string;
  /** Those that the policies may read. */
  readonly variables: readonly NamedDifference[];
  readonly keyStores: readonly NamedDifference[];
  /** Those that it is deployed to, and what is in artifacts of them. */
  readonly environments: readonly NamedDifference[];
  /** How many users of the project were created, changed or deleted. */
  readonly credentialsChanged: number;
}

export interface Then {
  /** The proxy at the revision. */
  readonly proxy: ActiveApiProxy;
  /** ISO 8601. */
  readonly since: string;
  /** Where it is deployed to, and what differs matters; empty: everywhere. */
  readonly targets: readonly DeploymentTarget[];
}

/** Ending a login changes nothing of a user. */
const CHANGES_OF_A_CREDENTIAL = [
  ...['CredentialCreated', 'CredentialUpdated', 'CredentialDeleted', 'PasswordChanged'],
  ...['AccessGranted', 'AccessRevoked', 'TokenSettingsChanged'],
];
const CHANGES = [
  ...['VariableCreated', 'VariableUpdated', 'VariableDeleted'],
  ...['KeyStoreCreated', 'KeyStoreUpdated', 'KeyRotated', 'KeyStoreDeleted'],
  ...['KeyRotationStarted', 'KeyRotationSwitched', 'KeyRotationFinished', 'KeyRotationCancelled'],
  ...CHANGES_OF_A_CREDENTIAL,
];

interface Touched {
  readonly streamId: string;
  /** A user's is not told: nothing is found by it. */
  readonly name: string | null;
}

const isOf =
  (streamOf: (id: string) => string) =>
  ({ streamId }: Touched): boolean =>
    streamId.startsWith(streamOf(''));

/**
 * What of a project has changed since a moment, what was deleted meanwhile included: its first event knows its name. The
 * limit keeps it a look at one row for each: joined plainly, first events are searched for in the whole log.
 */
async function touchedSince(unit: Unit, projectId: string, since: string): Promise<Touched[]> {
  const found = await unit.transaction.query<{ streamId: string; name: string | null }>(
    `select created.stream_id as "streamId", created.data ->> 'name' as name
     from (select distinct stream_id from events where recorded_at > $1 and type = any($2)) touched
     cross join lateral (select stream_id, data from events
                         where stream_id = touched.stream_id and version = 1 limit 1) created
     where created.data ->> 'projectId' = $3 order by created.stream_id`,
    [since, CHANGES, projectId],
  );
  return found.rows;
}

function difference(name: string, then: string | undefined, now: string | undefined): NamedDifference[] {
  if (then === undefined && now === undefined) return [];
  if (then === undefined) return [{ name, state: 'createdLater' }];
  if (now === undefined) return [{ name, state: 'deletedSince' }];
  return [{ name, state: then === now ? 'same' : 'changed' }];
}

/** Something may have been deleted and another one created under its name: all that bore it are looked at. */
async function differenceOf(
  unit: Unit,
  name: string,
  { streams, meaning, then }: { streams: readonly string[]; meaning: Meaning; then: Then },
): Promise<NamedDifference[]> {
  const environmentIds = then.targets.map(({ environmentId }) => environmentId);
  let before: string | undefined;
  let after: string | undefined;
  for (const streamId of streams) {
    const atVersion = await unit.streams.versionAt(streamId, then.since);
    before = (await meaning(unit, streamId, { environmentIds, atVersion })) ?? before;
    after = (await meaning(unit, streamId, { environmentIds })) ?? after;
  }
  return difference(name, before, after);
}

interface Kind {
  readonly now: ReadonlyMap<string, string>;
  readonly streamOf: (id: string) => string;
  readonly meaning: Meaning;
}

async function differencesOf(
  unit: Unit,
  names: readonly string[],
  { kind, touched, then }: { kind: Kind; touched: readonly Touched[]; then: Then },
): Promise<NamedDifference[]> {
  const differences: NamedDifference[] = [];
  for (const name of names) {
    const id = kind.now.get(name);
    const current = id === undefined ? [] : [kind.streamOf(id)];
    const others = touched.filter((one) => one.name === name && isOf(kind.streamOf)(one));
    const streams = [...new Set([...others.map(({ streamId }) => streamId), ...current])];
    const isUntouched = others.length === 0;
    if (isUntouched && current.length > 0) differences.push({ name, state: 'same' });
    else differences.push(...(await differenceOf(unit, name, { streams, meaning: kind.meaning, then })));
  }
  return differences;
}

async function environmentDifferences(unit: Unit, then: Then): Promise<NamedDifference[]> {
  const differences: NamedDifference[] = [];
  for (const { environmentId, environmentName } of then.targets) {
    const streams = [environmentStream(environmentId)];
    differences.push(...(await differenceOf(unit, environmentName, { streams, meaning: environmentMeaning, then })));
  }
  return differences;
}

const keyStoreNamesIn = ({ policies }: ActiveApiProxy): string[] => {
  const names = policies.flatMap(({ policy }) =>
    policy.type === 'policy-auth-jwt' ? (policy.keyStoreName ?? []) : [],
  );
  return [...new Set(names)].sort();
};

/** Compares what a revision used then with what it finds under the same names now. */
export async function changedSince(unit: Unit, vault: SecretVault, then: Then): Promise<Surroundings> {
  const { policies, projectId } = then.proxy;
  const touched = await touchedSince(unit, projectId, then.since);
  const variables = await unit.names.all('variable', projectId);
  const keyStores = await unit.names.all('key-store', projectId);
  const deleted = touched.filter(isOf(variableStream)).flatMap(({ name }) => name ?? []);
  const read = environmentVariablesOf(policies.map(({ policy }) => policy));
  const variableNames = [...new Set([...variables.keys(), ...deleted])].filter((name) => read.has(name)).sort();
  const variableKind = { now: variables, streamOf: variableStream, meaning: variableMeaning(vault) };
  const keyStoreKind = { now: keyStores, streamOf: keyStoreStream, meaning: keyStoreMeaning };
  return {
    since: then.since,
    variables: await differencesOf(unit, variableNames, { kind: variableKind, touched, then }),
    keyStores: await differencesOf(unit, keyStoreNamesIn(then.proxy), { kind: keyStoreKind, touched, then }),
    environments: await environmentDifferences(unit, then),
    credentialsChanged: touched.filter(isOf(credentialStream)).length,
  };
}
