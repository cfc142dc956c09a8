import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { conflict } from '../../decider/domain-error.ts';
import { awaitedOfAttempt } from '../../deployment-requests/awaited-of-attempt.ts';
import { DeploymentResults } from '../../deployment-requests/deployment-results.ts';
import { CONTROL_PLANE_CONFIG, DATABASE } from '../../injection-tokens.ts';
import {
  IdempotencyClaims,
  type Claimant,
  type EarlierClaim,
  type KeptAnswer,
} from '../../persistence/idempotency-claims.ts';
import { success } from '../envelope.ts';

const LOOK_EVERY_MS = 100;
/** An answer may be late by so much after its deployments were given up on, before it counts as lost. */
const LATE_BY_MS = 2_000;

const ANSWER_LOST = {
  field: 'Idempotency-Key',
  message:
    'the change was recorded by an earlier request whose answer was lost: read what it made; secrets that it generated cannot be shown any more',
};

/** What a request is answered that was carried out before. */
@Injectable()
export class IdempotencyReplays {
  private readonly answeredWithinMs: number;

  constructor(
    @Inject(CONTROL_PLANE_CONFIG) config: ControlPlaneConfig,
    @Inject(DATABASE) private readonly database: pg.Pool,
    private readonly claims: IdempotencyClaims,
    private readonly results: DeploymentResults,
  ) {
    this.answeredWithinMs = config.deployTimeoutMs + LATE_BY_MS;
  }

  /** @throws DomainError CONFLICT when the key came with another body */
  async answer(claimant: Claimant, earlier: EarlierClaim): Promise<KeptAnswer> {
    if (earlier.bodyDigest !== claimant.idempotency.bodyDigest) {
      throw conflict('Idempotency-Key was used before with another body: take a new key for a new change');
    }
    return (await this.keptAnswer(claimant, earlier)) ?? (await this.rebuiltAnswer(earlier.attemptId));
  }

  /** The other request may still be waiting for gateways: it will keep its answer, unless its process died. */
  private async keptAnswer(claimant: Claimant, first: EarlierClaim): Promise<KeptAnswer | undefined> {
    let earlier: EarlierClaim | undefined = first;
    while (earlier !== undefined && earlier.answer === null && earlier.ageMs < this.answeredWithinMs) {
      await pause(LOOK_EVERY_MS);
      earlier = await this.claims.find(claimant);
    }
    return earlier?.answer ?? undefined;
  }

  /** The change is recorded, its answer was lost with a process: what is known of it, without doing it again. */
  private async rebuiltAnswer(attemptId: string): Promise<KeptAnswer> {
    const deploymentResult = await this.results.of(await awaitedOfAttempt(this.database, attemptId));
    return { body: success({ deploymentResult, warnings: [ANSWER_LOST] }) };
  }
}
