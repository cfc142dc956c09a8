import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import type { ContractWarning } from '#libs/policy-contracts';
import { conflict } from '../decider/domain-error.ts';
import { VAULT } from '../injection-tokens.ts';
import { holdProject, resolveProject } from '../persistence/project-scope.ts';
import type { SecretVault } from '../persistence/secret-vault.ts';
import { UnitOfWork, type RequestContext, type Unit } from '../persistence/unit-of-work.ts';
import { ROOM_IN_PROJECT, type RoomInProject } from '../projects/limits/room-in-project.port.ts';
import { isUnderWay } from './domain/key-rotation.ts';
import { keyStoreDecider, keyStoreStream, requireKeyStore, slotFor } from './domain/key-store.decider.ts';
import { KeyStoreChanges, type KeyStoreAnswer } from './key-store-changes.ts';
import { generateNewKey, importKey, keyWarnings, storeKey, type NewKey } from './key-material.ts';
import type { GenerationRequest, ImportRequest, KeyStoreNaming } from './key-store-requests.ts';
import { environmentNamesIn, lockKeyStore, placesOf, resolveKeyStore } from './key-store-scope.ts';
import { KeyWork } from './key-work.ts';
import { KEY_STORE_USERS, type KeyStoreUsers } from './key-store-users.port.ts';
import { keyStoreView, type KeyStoreView } from './key-store-views.ts';
import { forgetRotations } from './rotation-rows.ts';

export interface KeyStoreAddress {
  readonly projectName: string;
  readonly name: string;
}

export interface CreatedKeyStore {
  readonly view: KeyStoreView;
  readonly warnings: readonly ContractWarning[];
}

export class ImportKeyStore extends Command<CreatedKeyStore> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly request: ImportRequest,
  ) {
    super();
  }
}

export class GenerateKeyStore extends Command<CreatedKeyStore> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly request: GenerationRequest,
  ) {
    super();
  }
}

export class ReplaceKeyStore extends Command<KeyStoreAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly projectName: string,
    readonly request: ImportRequest,
  ) {
    super();
  }
}

export class DeleteKeyStore extends Command<void> {
  constructor(
    readonly context: RequestContext,
    readonly address: KeyStoreAddress,
  ) {
    super();
  }
}

/** Records a new store; `keys` has one key for every place, in the order of the names, or one for all of them. */
async function createStore(
  unit: Unit,
  { vault, room }: { readonly vault: SecretVault; readonly room: RoomInProject },
  { projectName, naming, keys }: { projectName: string; naming: KeyStoreNaming; keys: readonly NewKey[] },
): Promise<KeyStoreView> {
  const projectId = await holdProject(unit, projectName);
  const { name, description, environmentNames } = naming;
  const keyStoreId = randomUUID();
  await room.forOneMore(unit, projectId, 'keyStores');
  await unit.names.take('key-store', projectId, name, keyStoreId);
  const placed = [];
  for (const [index, environmentId] of (await placesOf(unit, environmentNames)).entries()) {
    const key = keys[index] ?? keys[0];
    if (key !== undefined) placed.push({ environmentId, key: await storeKey(unit, vault, key) });
  }
  const command = { type: 'CreateKeyStore', keyStoreId, projectId, name, description, keys: placed } as const;
  const state = await unit.change(keyStoreDecider, keyStoreStream(keyStoreId), command);
  return keyStoreView(requireKeyStore(state), await environmentNamesIn(unit));
}

/** Before keys are read or made, which takes a while: whether there is anything to do it for. */
async function requirePlaces(
  unit: Unit,
  room: RoomInProject,
  { projectName, environmentNames }: { projectName: string; environmentNames: readonly string[] },
): Promise<void> {
  await room.forOneMore(unit, await resolveProject(unit, projectName), 'keyStores');
  await placesOf(unit, environmentNames);
}

@CommandHandler(ImportKeyStore)
export class ImportKeyStoreHandler implements ICommandHandler<ImportKeyStore> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly work: KeyWork,
    @Inject(VAULT) readonly vault: SecretVault,
    @Inject(ROOM_IN_PROJECT) readonly room: RoomInProject,
  ) {}

  async execute({ context, projectName, request }: ImportKeyStore): Promise<CreatedKeyStore> {
    const { source, keyId, environmentNames } = request;
    const key = await this.work.call(projectName, async () => {
      await this.units.read((unit) => requirePlaces(unit, this.room, { projectName, environmentNames }));
      return this.work.piece(() => importKey(source, keyId));
    });
    const made = { projectName, naming: request, keys: [key] };
    const view = await this.units.run(context, (unit) => createStore(unit, this, made));
    return { view, warnings: keyWarnings(key, request.environmentNames.length, true) };
  }
}

@CommandHandler(GenerateKeyStore)
export class GenerateKeyStoreHandler implements ICommandHandler<GenerateKeyStore> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly work: KeyWork,
    @Inject(VAULT) readonly vault: SecretVault,
    @Inject(ROOM_IN_PROJECT) readonly room: RoomInProject,
  ) {}

  async execute({ context, projectName, request }: GenerateKeyStore): Promise<CreatedKeyStore> {
    const { environmentNames, kind } = request;
    const keys = await this.work.call(projectName, async () => {
      await this.units.read((unit) => requirePlaces(unit, this.room, { projectName, environmentNames }));
      const generated: NewKey[] = [];
      const count = Math.max(1, environmentNames.length);
      while (generated.length < count) {
        generated.push(await this.work.piece(() => generateNewKey(kind, request)));
      }
      return generated;
    });
    const made = { projectName, naming: request, keys };
    const view = await this.units.run(context, (unit) => createStore(unit, this, made));
    return { view, warnings: keys.slice(0, 1).flatMap((key) => keyWarnings(key, environmentNames.length, false)) };
  }
}

const GONE: ContractWarning = {
  field: 'content',
  message: 'the key that was there is gone at once, and its tokens with it; rotate keeps it for verification',
};
const ROTATION_OVER: ContractWarning = {
  field: 'content',
  message: 'a rotation of these keys was under way and is over: the keys that it was about are gone',
};

@CommandHandler(ReplaceKeyStore)
export class ReplaceKeyStoreHandler implements ICommandHandler<ReplaceKeyStore> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly changes: KeyStoreChanges,
    private readonly work: KeyWork,
    @Inject(VAULT) private readonly vault: SecretVault,
  ) {}

  async execute({ context, projectName, request }: ReplaceKeyStore): Promise<KeyStoreAnswer> {
    const { name, description, environmentNames, source, keyId } = request;
    const key = await this.work.call(projectName, async () => {
      await this.units.read(async (unit) => resolveKeyStore(unit, await resolveProject(unit, projectName), name));
      return this.work.piece(() => importKey(source, keyId));
    });
    const address = { projectName, name, environmentNames };
    let [isAnyGone, isRotating] = [false, false];
    const answer = await this.changes.change(context, address, async (unit, state, places) => {
      const keys = [];
      for (const environmentId of places) keys.push({ environmentId, key: await storeKey(unit, this.vault, key) });
      // One key for all takes the place of every key there was; keys of some environments leave the others alone.
      const others = state.slots.map((slot) => slot.environmentId).filter((place) => !places.includes(place));
      const removed = environmentNames.length === 0 ? others : [];
      isAnyGone = places.some((place) => place === null || slotFor(state, place) !== undefined);
      const gone = [...places, ...removed];
      isRotating = state.rotations
        .filter(isUnderWay)
        .some((rotation) => rotation.places.some((at) => gone.includes(at)));
      return { type: 'UpdateKeyStore', description, keys, removed };
    });
    const lost = [...(isAnyGone ? [GONE] : []), ...(isRotating ? [ROTATION_OVER] : [])];
    return { ...answer, warnings: [...lost, ...keyWarnings(key, environmentNames.length, true)] };
  }
}

/** As people read it: each policy once. */
function usesText(uses: readonly { readonly apiProxyName: string; readonly policyName: string }[]): string {
  return [...new Set(uses.map((use) => `${use.policyName} of ApiProxy (name: ${use.apiProxyName})`))].join(', ');
}

@CommandHandler(DeleteKeyStore)
export class DeleteKeyStoreHandler implements ICommandHandler<DeleteKeyStore> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly changes: KeyStoreChanges,
    @Inject(KEY_STORE_USERS) private readonly users: KeyStoreUsers,
  ) {}

  async execute({ context, address: { projectName, name } }: DeleteKeyStore): Promise<void> {
    await this.units.run(context, async (unit) => {
      const projectId = await resolveProject(unit, projectName);
      const store = await lockKeyStore(unit, projectId, name);
      const uses = await this.users.of(unit, projectId, name);
      if (uses.length > 0) throw conflict(`JWK (name: ${name}) is still in use by policy ${usesText(uses)}`);
      const after = await unit.change(keyStoreDecider, keyStoreStream(store.keyStoreId), { type: 'DeleteKeyStore' });
      await this.changes.destroyUnused(unit, store, after);
      await forgetRotations(unit, store.keyStoreId);
      await unit.names.free('key-store', projectId, name);
    });
  }
}
