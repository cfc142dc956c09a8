import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import type { KeyKind } from '#libs/jwt-engine';
import type { ContractWarning } from '#libs/policy-contracts';
import { conflict, invalidField } from '../decider/domain-error.ts';
import { VAULT } from '../injection-tokens.ts';
import { resolveProject } from '../persistence/project-scope.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import type { KeySlot } from './domain/key-slots.ts';
import type { ActiveKeyStore, KeyStoreCommand } from './domain/key-store.decider.ts';
import type { KeyPlace, PlacedKey, StoredKey } from './domain/key-store.events.ts';
import { KeyStoreChanges, type KeyStoreAnswer } from './key-store-changes.ts';
import type { KeyStoreAddress } from './key-store-handlers.ts';
import { generateNewKey, importKey, keyWarnings, storeKey, type NewKey } from './key-material.ts';
import { KeyWork } from './key-work.ts';
import type { RotationRequest } from './rotation-requests.ts';
import { placesOf, resolveKeyStore } from './key-store-scope.ts';
import { RotationSteps } from './rotation-steps.ts';

/** Begins a rotation in stages, or takes all of it in one step where the old keys are to be gone. */
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

const ETERNAL: ContractWarning = {
  field: 'rotation',
  message: 'tokens of the old key may never expire (tokenNeverExpires): it verifies on until the rotation is forced',
};

const started = (
  { now: at }: Unit,
  keys: readonly PlacedKey[],
  { publishForSeconds }: RotationRequest,
): KeyStoreCommand => ({ type: 'StartRotation', rotationId: randomUUID(), keys, publishForSeconds, at });

@CommandHandler(RotateKeys)
export class RotateKeysHandler implements ICommandHandler<RotateKeys> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly changes: KeyStoreChanges,
    private readonly steps: RotationSteps,
    private readonly work: KeyWork,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  async execute({ context, address, request }: RotateKeys): Promise<KeyStoreAnswer> {
    const { environmentNames, retirePrevious } = request;
    const slots = await this.units.read(async (unit) => {
      const projectId = await resolveProject(unit, address.projectName);
      const store = await resolveKeyStore(unit, projectId, address.name);
      return slotsToRotate(store, environmentNames, await placesOf(unit, environmentNames));
    });
    const made = await this.work.call(address.projectName, () => this.newKeys(slots, request));
    const change = { ...address, environmentNames };
    let isEternal = false;
    const answer = await this.changes.change(context, change, async (unit, store, places) => {
      const keys = [];
      for (const slot of slotsToRotate(store, environmentNames, places)) {
        const { environmentId } = slot;
        const { key } = made.find(({ replaced }) => isSameKey(replaced, slot)) ?? {};
        if (key === undefined) throw conflict('somebody else changed these keys at the same time; try again');
        keys.push({ environmentId, key: await storeKey(unit, this.vault, key) });
      }
      if (retirePrevious) return { type: 'RotateKeys', keys, retirePrevious };
      const replaced = keys.map(({ environmentId }) => environmentId);
      isEternal = (await this.steps.longestTokenLifeMs(unit, store, replaced)) === null;
      return started(unit, keys, request);
    });
    const isImported = request.source !== undefined;
    const environmentCount = slots.filter(({ environmentId }) => environmentId !== null).length;
    const warnings = made.slice(0, 1).flatMap(({ key }) => keyWarnings(key, environmentCount, isImported));
    return { ...answer, warnings: [...(isEternal ? [ETERNAL] : []), ...warnings] };
  }

  /** Made before the change, since it takes a while. @throws DomainError VALIDATION_FAILED */
  private async newKeys(
    slots: readonly KeySlot[],
    { source, keyId }: RotationRequest,
  ): Promise<{ replaced: KeySlot; key: NewKey }[]> {
    if (source !== undefined) {
      const key = await this.work.piece(() => importKey(source, keyId));
      return slots.map((replaced) => ({ replaced, key }));
    }
    const made = [];
    for (const replaced of slots) {
      const { current } = replaced;
      if (current.material === null) {
        throw invalidField('content', 'required', 'content is required: this JWK is only a public key');
      }
      const naming = { keyId, algorithm: current.algorithm ?? undefined };
      made.push({ replaced, key: await this.work.piece(() => generateNewKey(kindOf(current), naming)) });
    }
    return made;
  }
}
