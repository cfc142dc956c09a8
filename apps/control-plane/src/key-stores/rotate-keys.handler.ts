import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { KeyKind } from '#libs/jwt-engine';
import { conflict, invalidField } from '../decider/domain-error.ts';
import { VAULT } from '../injection-tokens.ts';
import { resolveProject } from '../persistence/project-scope.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext } from '../persistence/unit-of-work.ts';
import type { ActiveKeyStore, KeySlot } from './domain/key-store.decider.ts';
import type { KeyPlace, StoredKey } from './domain/key-store.events.ts';
import { KeyStoreChanges, type KeyStoreAnswer } from './key-store-changes.ts';
import type { KeyStoreAddress } from './key-store-handlers.ts';
import { generateNewKey, importKey, keyWarnings, storeKey, type NewKey } from './key-material.ts';
import type { RotationRequest } from './key-store-requests.ts';
import { placesOf, resolveKeyStore } from './key-store-scope.ts';

export class RotateKeys extends Command<KeyStoreAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: KeyStoreAddress,
    readonly request: RotationRequest,
  ) {
    super();
  }
}

function kindOf({ keyType, bits, curve }: StoredKey): KeyKind {
  if (keyType !== 'EC') return { keyType, bits };
  if (curve === null) throw new Error('a key of type EC has a curve');
  return { keyType, curve };
}

/** A key was made to take this one's place, and it is still this one. */
const isSameKey = (left: KeySlot, right: KeySlot): boolean =>
  left.environmentId === right.environmentId && left.current.keyId === right.current.keyId;

/**
 * @param places of the environments that are named, in their order; none are named: all slots
 * @throws DomainError CONFLICT, or VALIDATION_FAILED when an environment that is named has no key of its own
 */
function slotsToRotate(
  { slots }: ActiveKeyStore,
  environmentNames: readonly string[],
  places: readonly KeyPlace[],
): readonly KeySlot[] {
  if (slots.length === 0) throw conflict('there is no key to rotate; the environment it was for was deleted');
  if (environmentNames.length === 0) return slots;
  return places.map((place, index) => {
    const slot = slots.find((candidate) => candidate.environmentId === place);
    if (slot !== undefined) return slot;
    const field = `environmentNameList[${index}]`;
    const message = `${field} names an environment for which this JWK has no key of its own`;
    throw invalidField(field, 'no_key_for_environment', message);
  });
}

@CommandHandler(RotateKeys)
export class RotateKeysHandler implements ICommandHandler<RotateKeys> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly changes: KeyStoreChanges,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  async execute({ context, address, request }: RotateKeys): Promise<KeyStoreAnswer> {
    const { environmentNames, retirePrevious } = request;
    const slots = await this.units.read(async (unit) => {
      const projectId = await resolveProject(unit, address.projectName);
      const store = await resolveKeyStore(unit, projectId, address.name);
      return slotsToRotate(store, environmentNames, await placesOf(unit, environmentNames));
    });
    const made = await this.newKeys(slots, request);
    const change = { ...address, environmentNames };
    const answer = await this.changes.change(context, change, async (unit, store, places) => {
      const keys = [];
      for (const slot of slotsToRotate(store, environmentNames, places)) {
        const { environmentId } = slot;
        const { key } = made.find(({ replaced }) => isSameKey(replaced, slot)) ?? {};
        if (key === undefined) throw conflict('somebody else changed these keys at the same time; try again');
        keys.push({ environmentId, key: await storeKey(unit, this.vault, key) });
      }
      return { type: 'RotateKeys', keys, retirePrevious };
    });
    const isImported = request.source !== undefined;
    const environmentCount = slots.filter(({ environmentId }) => environmentId !== null).length;
    return {
      ...answer,
      warnings: made.slice(0, 1).flatMap(({ key }) => keyWarnings(key, environmentCount, isImported)),
    };
  }

  /** Made before the change, since it takes a while. @throws DomainError VALIDATION_FAILED */
  private async newKeys(
    slots: readonly KeySlot[],
    { source, keyId }: RotationRequest,
  ): Promise<{ replaced: KeySlot; key: NewKey }[]> {
    if (source !== undefined) {
      const key = importKey(source, keyId);
      return slots.map((replaced) => ({ replaced, key }));
    }
    const made = [];
    for (const replaced of slots) {
      const { current } = replaced;
      if (current.material === null) {
        throw invalidField('content', 'required', 'content is required: this JWK is only a public key');
      }
      const naming = { keyId, algorithm: current.algorithm ?? undefined };
      made.push({ replaced, key: await generateNewKey(kindOf(current), naming) });
    }
    return made;
  }
}
