import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { PostgresTransaction } from '#libs/event-store';
import { DATABASE } from '../injection-tokens.ts';

/** A write that may come again (`Idempotency-Key`): the same claim is carried out once. */
export interface IdempotencyClaim {
  readonly key: string;
  /** Upper case. */
  readonly method: string;
  /** Path and query as they came, without a slash at the end of the path. */
  readonly path: string;
  /** HMAC-SHA-256 of the body, hex: bodies hold passwords, which a plain digest would let somebody guess. */
  readonly bodyDigest: string;
  /** UUID of this one HTTP request. Its request id may be the client's, and come again. */
  readonly attemptId: string;
}

/** Who claims, through which request. */
export interface Claimant {
  readonly actor: string;
  readonly requestId: string;
  readonly idempotency: IdempotencyClaim;
}

/** An answer as it is kept: without secrets. */
export interface KeptAnswer {
  readonly body: unknown;
  readonly etag?: string;
}

export interface EarlierClaim {
  readonly attemptId: string;
  readonly bodyDigest: string;
  /** Milliseconds since the change was recorded, by the database's clock. */
  readonly ageMs: number;
  /** Null: not answered yet, or the process that was to answer died. */
  readonly answer: KeptAnswer | null;
}

/** Somebody else holds the claim: the same request is, or was, carried out elsewhere. */
export class AlreadyClaimed extends Error {
  readonly code = 'ALREADY_CLAIMED';
  constructor() {
    super('another request with this Idempotency-Key came first');
    this.name = 'AlreadyClaimed';
  }
}

const KEPT_FOR = `interval '24 hours'`;
/** More than one claim makes, so that the table shrinks again after a rush. */
const EXPIRED_PER_SWEEP = 100;

/** Texts in JSON, so that no two claims run together: `a` `bc` is not `ab` `c`. */
export const claimName = ({ actor, idempotency: { method, path, key } }: Claimant): string =>
  createHash('sha256')
    .update(JSON.stringify([actor, method, path, key]))
    .digest('hex');

const INSERT = `insert into idempotency_claims
  (claim, actor, method, path, key, attempt_id, request_id, body_digest, answer)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

const valuesOf = (claimant: Claimant, answer: KeptAnswer | null): unknown[] => {
  const { actor, requestId, idempotency } = claimant;
  const { method, path, key, attemptId, bodyDigest } = idempotency;
  const stored = answer === null ? null : JSON.stringify(answer);
  return [claimName(claimant), actor, method, path, key, attemptId, requestId, bodyDigest, stored];
};

/**
 * Records the claim in the transaction of the change, so that one is there exactly when the other is. A twin that comes
 * meanwhile waits here until this transaction ends. The same request may claim again, for a second change; but the first
 * one recorded is what counts as done: a call that may refuse later must not record earlier.
 *
 * @throws AlreadyClaimed
 */
export async function claimOnce(transaction: PostgresTransaction, claimant: Claimant): Promise<void> {
  const { attemptId } = claimant.idempotency;
  const values = valuesOf(claimant, null);
  const claimed = await transaction.query(
    `${INSERT} on conflict (claim) do update set attempt_id = excluded.attempt_id, request_id = excluded.request_id,
       body_digest = excluded.body_digest, claimed_at = now(), answer = null
     where idempotency_claims.claimed_at <= now() - ${KEPT_FOR}`,
    values,
  );
  if (claimed.rowCount !== 0) return;
  const own = 'select 1 from idempotency_claims where claim = $1 and attempt_id = $2';
  if ((await transaction.query(own, [values[0], attemptId])).rowCount === 0) throw new AlreadyClaimed();
}

/** The claims outside the changes that made them: what was answered, and what is answered again. */
@Injectable()
export class IdempotencyClaims {
  constructor(@Inject(DATABASE) private readonly database: pg.Pool) {}

  /** The claim as somebody made it within the last 24 hours. */
  async find(claimant: Claimant): Promise<EarlierClaim | undefined> {
    const found = await this.database.query<EarlierClaim>(
      `select attempt_id as "attemptId", body_digest as "bodyDigest", answer,
         extract(epoch from clock_timestamp() - claimed_at)::float8 * 1000 as "ageMs"
       from idempotency_claims where claim = $1 and claimed_at > now() - ${KEPT_FOR}`,
      [claimName(claimant)],
    );
    return found.rows[0];
  }

  /** Keeps an answer; what recorded no change (an effect in Redis alone) is claimed by it. */
  async answered(claimant: Claimant, answer: KeptAnswer): Promise<void> {
    await this.database.query(
      `${INSERT} on conflict (claim) do update set answer = excluded.answer
       where idempotency_claims.attempt_id = excluded.attempt_id`,
      valuesOf(claimant, answer),
    );
    await this.database.query(
      `delete from idempotency_claims where claim in
         (select claim from idempotency_claims where claimed_at <= now() - ${KEPT_FOR}
          order by claimed_at limit $1 for update skip locked)`,
      [EXPIRED_PER_SWEEP],
    );
  }
}
