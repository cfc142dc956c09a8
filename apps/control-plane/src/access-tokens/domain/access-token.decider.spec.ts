import { given } from '../../decider/testing/given.ts';
import { accessTokenDecider, type AccessTokenEvent, type TokenFacts } from './access-token.decider.ts';

const now = '2026-01-01T00:00:00.000Z';
const facts: TokenFacts = {
  tokenId: 't-1',
  name: 'ci',
  permissions: ['VIEW', 'DEPLOY'],
  projects: [{ projectId: 'j-1', name: 'shop' }],
  expiresAt: null,
};
const created: AccessTokenEvent = { type: 'TokenCreated', schemaVersion: 1, data: facts };
const revoked: AccessTokenEvent = { type: 'TokenRevoked', schemaVersion: 1, data: { tokenId: 't-1', name: 'ci' } };

describe('an access token', () => {
  it('is created with what it opens', () => {
    given(accessTokenDecider, [])
      .when({ type: 'CreateToken', now, ...facts })
      .then([created]);
  });

  it('ends in the future or never', () => {
    const until = (expiresAt: string) =>
      given(accessTokenDecider, []).when({ type: 'CreateToken', now, ...facts, expiresAt });
    until('2026-01-01T00:00:00.001Z').then([{ ...created, data: { ...facts, expiresAt: '2026-01-01T00:00:00.001Z' } }]);
    until(now).thenRefuses('VALIDATION_FAILED', 'expiresAt');
    until('2025-12-31T23:59:59.999Z').thenRefuses('VALIDATION_FAILED', 'expiresAt');
  });

  it.each(['admin', 'deployer'])('never has a name that events mean somebody else by: %s', (name) => {
    given(accessTokenDecider, [])
      .when({ type: 'CreateToken', now, ...facts, name })
      .thenRefuses('CONFLICT');
  });

  it('is revoked once, under its name', () => {
    given(accessTokenDecider, [created]).when({ type: 'RevokeToken' }).then([revoked]);
    given(accessTokenDecider, [created, revoked]).when({ type: 'RevokeToken' }).thenRefuses('NOT_FOUND');
    given(accessTokenDecider, []).when({ type: 'RevokeToken' }).thenRefuses('NOT_FOUND');
  });
});
