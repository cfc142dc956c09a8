import { parseDeletionMetadata, parseOperationMetadata } from '#libs/policy-contracts';
import { POLICY_CALLS } from './policies.api.ts';
import { POLICY_DELETION, POLICY_REQUEST } from './policy-requests.ts';
import { readPolicy } from './verify-jwt-xml/read-policy.ts';

interface Request {
  readonly operationMetadata: unknown;
  readonly policy: unknown;
}
const CHANGES = Object.entries<Request>(POLICY_CALLS.add.body.examples as Record<string, Request>);

describe('documented bodies of the policy calls', () => {
  it.each(CHANGES)('%s is accepted as it stands, by its schema and by the contract', (_name, request) => {
    expect(POLICY_REQUEST.safeParse(request)).toMatchObject({ success: true });
    expect(parseOperationMetadata(request.operationMetadata)).toMatchObject({ ok: true });
    expect(readPolicy(request.policy, 'check-token')).toMatchObject({ ok: true });
  });

  it('of a deletion are accepted as they stand', () => {
    for (const request of Object.values(POLICY_CALLS.remove.body.examples)) {
      expect(POLICY_DELETION.safeParse(request)).toMatchObject({ success: true });
      expect(parseDeletionMetadata(request.operationMetadata)).toMatchObject({ ok: true });
    }
  });

  it('a body that fits no type does not fit the schema', () => {
    const [, request] = CHANGES[0] as (typeof CHANGES)[number];
    expect(POLICY_REQUEST.safeParse({ ...request, policy: { type: 'policy-quota' } }).success).toBe(false);
  });
});
