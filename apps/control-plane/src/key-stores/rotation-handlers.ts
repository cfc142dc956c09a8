import { Command, CommandHandler, Query, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { ContractWarning } from '#libs/policy-contracts';
import { notFound } from '../decider/domain-error.ts';
import type { Access } from '../http/access/access.ts';
import { resolveProject } from '../persistence/project-scope.ts';
import { UnitOfWork, type RequestContext } from '../persistence/unit-of-work.ts';
import { rotationMeant } from './domain/key-rotation.ts';
import { keyStoreStream, type KeyStoreCommand } from './domain/key-store.decider.ts';
import { requireUnderWay } from './domain/rotation-commands.ts';
import { stepToNextStage } from './domain/rotation-steps.ts';
import { KeyStoreChanges, type KeyStoreAnswer } from './key-store-changes.ts';
import type { KeyStoreAddress } from './key-store-handlers.ts';
import { environmentNamesIn, resolveKeyStore } from './key-store-scope.ts';
import { historyOf, rotationView, waitText, type RotationView } from './rotation-progress.ts';
import { RotationSteps } from './rotation-steps.ts';

/** What people may do to a rotation that is under way. */
export type RotationOrder = 'PauseRotation' | 'ResumeRotation' | 'CancelRotation';

export class OrderRotation extends Command<KeyStoreAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: KeyStoreAddress,
    readonly order: RotationOrder,
  ) {
    super();
  }
}

/** To its next stage now, whatever it waits for. */
export class ForceRotation extends Command<KeyStoreAnswer> {
  constructor(
    readonly context: RequestContext,
    readonly address: KeyStoreAddress,
  ) {
    super();
  }
}

export class GetRotation extends Query<RotationView> {
  /** @param rotationId undefined: the one under way, or the last one */
  constructor(
    readonly address: KeyStoreAddress,
    readonly access: Access,
    readonly rotationId?: string,
  ) {
    super();
  }
}

@CommandHandler(OrderRotation)
export class OrderRotationHandler implements ICommandHandler<OrderRotation> {
  constructor(private readonly changes: KeyStoreChanges) {}

  async execute({ context, address, order }: OrderRotation): Promise<KeyStoreAnswer> {
    const change = { ...address, environmentNames: [] };
    const answer = await this.changes.change(context, change, (unit) =>
      Promise.resolve<KeyStoreCommand>({ type: order, at: unit.now }),
    );
    return { ...answer, warnings: [] };
  }
}

const REFUSED: ContractWarning = {
  field: 'rotation',
  message: 'tokens that the old key signed are refused from now on, those that have not expired as well',
};

@CommandHandler(ForceRotation)
export class ForceRotationHandler implements ICommandHandler<ForceRotation> {
  constructor(
    private readonly changes: KeyStoreChanges,
    private readonly steps: RotationSteps,
  ) {}

  async execute({ context, address }: ForceRotation): Promise<KeyStoreAnswer> {
    const warnings: ContractWarning[] = [];
    const change = { ...address, environmentNames: [] };
    const answer = await this.changes.change(context, change, async (unit, store) => {
      const rotation = requireUnderWay(store);
      const step = stepToNextStage(rotation);
      if (step === undefined) throw new Error('a rotation under way has a next stage');
      const waited = waitText(rotation, await this.steps.deployments(unit, store, rotation));
      // The work may be done again from the beginning.
      warnings.splice(0);
      warnings.push({ field: 'rotation', message: `not waited for any longer: ${waited}` });
      if (step === 'finish') warnings.push(REFUSED);
      return this.steps.commandFor(unit, store, { rotation, step, isForced: true });
    });
    return { ...answer, warnings };
  }
}

@QueryHandler(GetRotation)
export class GetRotationHandler implements IQueryHandler<GetRotation> {
  constructor(
    private readonly units: UnitOfWork,
    private readonly steps: RotationSteps,
  ) {}

  /** @throws DomainError NOT_FOUND when there was none, or it is not to be seen */
  execute({ address: { projectName, name }, access, rotationId: wanted }: GetRotation): Promise<RotationView> {
    return this.units.read(async (unit) => {
      const projectId = await resolveProject(unit, projectName);
      if (!access.may('VIEW', projectId)) throw notFound(`Project (name: ${projectName})`);
      const store = await resolveKeyStore(unit, projectId, name);
      const events = await unit.events(keyStoreStream(store.keyStoreId));
      const rotationId = wanted ?? rotationMeant(store.rotations)?.rotationId;
      const history = rotationId === undefined ? undefined : historyOf(events, rotationId);
      if (history === undefined) throw notFound(`Rotation of JWK (name: ${name})`);
      const deployments = await this.steps.deployments(unit, store, history.rotation);
      return rotationView(store, history, { deployments, environmentNames: await environmentNamesIn(unit) });
    });
  }
}
