import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { conflict } from '../../decider/domain-error.ts';
import { awaitedOfAttempt } from '../../deployment-requests/awaited-of-attempt.ts';
import { DeploymentResults } from '../../deployment-requests/deployment-results.ts';
import { CONTROL_PLANE_CONFIG, DATABASE } from '../../injection-tokens.ts';
import {
  claimName,
  IdempotencyClaims,
  type Claimant,
  type EarlierClaim,
  type KeptAnswer,
} from '../../persistence/idempotency-claims.ts';
import { success } from '../envelope.ts';

const LOOK_EVERY_MS = 100;
/** An answer may be late by so much after its deployments were given up on, before it counts as lost. */
const LATE_BY_MS = 5_000;

const ANSWER_LOST = {
  field: 'Idempotency-Key',
  message:
    'the change was recorded by an earlier request whose answer was lost: read what it made; secrets that it generated cannot be shown any more',
};

/** What a request is answered that was carried out before. */
@Injectable()
export class IdempotencyReplays {
  private readonly answeredWithinMs: number;
  /** By claim: a crowd of twins asks the database once, so that the one they wait for is not held up by them. */
  private readonly looks = new Map<string, Promise<EarlierClaim | undefined>>();

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
      earlier = await this.nextLook(claimant);
    }
    return earlier?.answer ?? undefined;
  }

  private nextLook(claimant: Claimant): Promise<EarlierClaim | undefined> {
    const name = claimName(claimant);
    const begun = this.looks.get(name);
    if (begun !== undefined) return begun;
    const look = pause(LOOK_EVERY_MS)
      .then(() => this.claims.find(claimant))
      .finally(() => this.looks.delete(name));
    this.looks.set(name, look);
    return look;
  }

  /** The change is recorded, its answer was lost with a process: what is known of it, without doing it again. */
  private async rebuiltAnswer(attemptId: string): Promise<KeptAnswer> {
    const deploymentResult = await this.results.of(await awaitedOfAttempt(this.database, attemptId));
    return { body: success({ deploymentResult, warnings: [ANSWER_LOST] }) };
  }
}
