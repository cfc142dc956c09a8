import type pg from 'pg';
import { CONTROL_PLANE_DEFAULTS, type ControlPlaneConfig } from '../../config/control-plane.config.ts';
import type { DeploymentResults } from '../../deployment-requests/deployment-results.ts';
import type { Claimant, EarlierClaim, IdempotencyClaims } from '../../persistence/idempotency-claims.ts';
import { IdempotencyReplays } from './idempotency-replays.ts';

const BODY_DIGEST = 'a digest';
const UNANSWERED: EarlierClaim = { attemptId: 'first', bodyDigest: BODY_DIGEST, ageMs: 0, answer: null };

const twin = (n: number, key = 'twins'): Claimant => ({
  ...{ actor: 'ci', requestId: `request-${n}` },
  idempotency: { key, method: 'POST', path: '/projects', bodyDigest: BODY_DIGEST, attemptId: `attempt-${n}` },
});

/** Claims that are answered, each with its key, at the look of that number. */
class ClaimsAnsweredAt {
  readonly looks: string[] = [];
  constructor(private readonly answeredAtLook: number) {}

  async find({ idempotency: { key } }: Claimant): Promise<EarlierClaim> {
    this.looks.push(key);
    const count = this.looks.filter((name) => name === key).length;
    return { ...UNANSWERED, answer: count < this.answeredAtLook ? null : { body: { key } } };
  }
}

const replaysOf = (claims: ClaimsAnsweredAt): IdempotencyReplays =>
  new IdempotencyReplays(
    CONTROL_PLANE_DEFAULTS as unknown as ControlPlaneConfig,
    {} as pg.Pool,
    claims as unknown as IdempotencyClaims,
    {} as DeploymentResults,
  );

describe('a crowd of twins that waits for an answer', () => {
  it('looks for it together, and all are given it', async () => {
    const claims = new ClaimsAnsweredAt(3);
    const replays = replaysOf(claims);
    const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => replays.answer(twin(n), UNANSWERED)));
    expect(answers).toEqual(Array(5).fill({ body: { key: 'twins' } }));
    expect(claims.looks).toEqual(['twins', 'twins', 'twins']);
  });

  it('is told apart from those who wait for another', async () => {
    const claims = new ClaimsAnsweredAt(1);
    const replays = replaysOf(claims);
    const [one, other] = [replays.answer(twin(1), UNANSWERED), replays.answer(twin(2, 'others'), UNANSWERED)];
    expect(await one).toEqual({ body: { key: 'twins' } });
    expect(await other).toEqual({ body: { key: 'others' } });
    expect(claims.looks.toSorted()).toEqual(['others', 'twins']);
  });

  it('fails together while the database is away, and looks anew afterwards', async () => {
    const claims = new ClaimsAnsweredAt(1);
    const replays = replaysOf(claims);
    const find = claims.find.bind(claims);
    claims.find = () => Promise.reject(new Error('connect ECONNREFUSED'));
    const failed = await Promise.allSettled([1, 2].map((n) => replays.answer(twin(n), UNANSWERED)));
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    claims.find = find;
    expect(await replays.answer(twin(3), UNANSWERED)).toEqual({ body: { key: 'twins' } });
  });
});
