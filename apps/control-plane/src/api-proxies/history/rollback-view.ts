import { contentView } from './proxy-event-view.ts';
import { changesBetween } from './changes-between.ts';
import type { RolledBackProxy } from './rollback.handlers.ts';

/** What is no content of a revision: a rollback leaves it as it is now. */
const NOT_ROLLED_BACK = [
  { kind: 'credentials', message: 'users and clients, their passwords and what they may access stay as they are now' },
  { kind: 'environmentVariables', message: 'variables keep the values they have now' },
  { kind: 'keyStores', message: 'policies sign with the key that keyStoreName has now' },
  { kind: 'environments', message: 'other environments keep the revision that is deployed there' },
] as const;

/** What a rollback did, and what it did not: `resultList[0]` of both rollback calls. */
export function rollbackView({ before, then, after }: RolledBackProxy) {
  const { publicKey, secretKey } = then.keys;
  const changed = publicKey !== before.keys.publicKey || secretKey.fingerprint !== before.keys.secretKey.fingerprint;
  const keysMessage = changed
    ? 'the keys are others than then and stay as they are now'
    : 'the keys are the same as then';
  return {
    revision: after.revision,
    restoredRevision: then.revision,
    changes: changesBetween(contentView(before), contentView(after)),
    notRolledBack: [{ kind: 'keys', changed, message: keysMessage }, ...NOT_ROLLED_BACK],
  };
}
