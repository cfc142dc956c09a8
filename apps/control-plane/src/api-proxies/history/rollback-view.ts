import { contentView } from './proxy-event-view.ts';
import type { NamedDifference, SinceThen, Surroundings } from './changed-since.ts';
import { changesBetween } from './changes-between.ts';
import type { RolledBackProxy } from './rollback.handlers.ts';

const IN_WORDS: Readonly<Record<SinceThen, string>> = {
  same: 'is the same as then',
  changed: 'is another than then and stays as it is now',
  createdLater: 'was not there then and is used now',
  deletedSince: 'was there then and is no more',
};

function namedDifferences(kind: string, differences: readonly NamedDifference[], otherwise: string) {
  const changed = differences.some(({ state }) => state !== 'same');
  const items = differences.map(({ name, state }) => ({ name, state, message: `${name} ${IN_WORDS[state]}` }));
  return { kind, changed, message: otherwise, items };
}

function keysDifference({ before, keysThen }: RolledBackProxy) {
  const { publicKey, secretKey } = keysThen;
  const changed = publicKey !== before.keys.publicKey || secretKey.fingerprint !== before.keys.secretKey.fingerprint;
  const message = changed ? 'the keys are others than then and stay as they are now' : 'the keys are the same as then';
  return { kind: 'keys', changed, message };
}

function credentialsDifference({ credentialsChanged: count }: Surroundings) {
  const stay = 'users and clients, their passwords and what they may access stay as they are now';
  const message = `${stay}; ${count} of the project ${count === 1 ? 'has' : 'have'} changed since`;
  return { kind: 'credentials', changed: count > 0, message, count };
}

const environmentsMessage = ({ surroundings }: RolledBackProxy): string =>
  surroundings.environments.length === 0
    ? 'every environment keeps the revision that is deployed there'
    : 'environments keep the settings they have now, and others the revision that is deployed there';

/** What a rollback did, and what it did not, with what differs from then: `resultList[0]` of both rollback calls. */
export function rollbackView(rolledBack: RolledBackProxy) {
  const { before, then, after, surroundings } = rolledBack;
  const { since, variables, keyStores, environments } = surroundings;
  return {
    revision: after.revision,
    restoredRevision: then.revision,
    since,
    changes: changesBetween(contentView(before), contentView(after)),
    notRolledBack: [
      keysDifference(rolledBack),
      credentialsDifference(surroundings),
      namedDifferences('environmentVariables', variables, 'variables keep the values they have now'),
      namedDifferences('keyStores', keyStores, 'policies sign with the key that keyStoreName has now'),
      namedDifferences('environments', environments, environmentsMessage(rolledBack)),
    ],
  };
}
