import { fold } from '../../decider/decider.ts';
import { given } from '../../decider/testing/given.ts';
import { credentialDecider, type CredentialEvent } from './credential.decider.ts';

const secret = (secretId: string) => ({ secretId, fingerprint: secretId });
const CONTENT = {
  ...{ email: 'a@example.org', fullName: 'Alice', description: '', enabled: true },
  ...{ expiresAt: null, roles: ['reader'], ipList: ['10.0.0.0/8'], metadata: [{ key: 'team', value: 'a' }] },
};
const UNSET = { access: [], tokenSettings: null };
const CREATION = {
  ...{ credentialId: 'c-1', projectId: 'j-1', project: 'shop', username: 'alice' },
  password: secret('first'),
  ...CONTENT,
};
const created: CredentialEvent = { type: 'CredentialCreated', schemaVersion: 2, data: CREATION };
const deleted: CredentialEvent = { type: 'CredentialDeleted', schemaVersion: 1, data: { credentialId: 'c-1' } };
const changed: CredentialEvent = {
  type: 'PasswordChanged',
  schemaVersion: 1,
  data: { credentialId: 'c-1', password: secret('second') },
};

describe('a credential', () => {
  it('is created', () => {
    given(credentialDecider, [])
      .when({ type: 'CreateCredential', ...CREATION })
      .then([created]);
  });

  it('is replaced whole, under the same user name', () => {
    const content = { ...CONTENT, enabled: false, roles: [], password: secret('second') };
    const updated: CredentialEvent = {
      type: 'CredentialUpdated',
      schemaVersion: 2,
      data: { credentialId: 'c-1', ...content },
    };
    given(credentialDecider, [created])
      .when({ type: 'UpdateCredential', ...content })
      .then([updated]);
    expect(fold(credentialDecider, [created, updated])).toEqual({
      ...{ status: 'active', ...CREATION, ...content, ...UNSET },
    });
  });

  it('gets another password and keeps the rest', () => {
    given(credentialDecider, [created])
      .when({ type: 'ChangePassword', password: secret('second') })
      .then([changed]);
    expect(fold(credentialDecider, [created, changed])).toEqual({
      status: 'active',
      ...CREATION,
      ...UNSET,
      password: secret('second'),
    });
  });

  it('is deleted once, and then there is nothing left to change', () => {
    given(credentialDecider, [created, changed]).when({ type: 'DeleteCredential' }).then([deleted]);
    const gone = given(credentialDecider, [created, deleted, changed]);
    gone.when({ type: 'DeleteCredential' }).thenRefuses('NOT_FOUND');
    gone.when({ type: 'ChangePassword', password: secret('x') }).thenRefuses('NOT_FOUND');
    gone.when({ type: 'UpdateCredential', ...CONTENT, password: secret('x') }).thenRefuses('NOT_FOUND');
  });
});

const granted = (...access: { proxyId: string; expiresAt: string | null }[]): CredentialEvent => ({
  type: 'AccessGranted',
  schemaVersion: 1,
  data: { credentialId: 'c-1', access },
});
const asked = (proxyId: string, expiresAt: string | null = null) => ({
  ...{ proxyId, expiresAt, field: FIELD, proxyName: `name of ${proxyId}` },
});
const FIELD = 'credentialAccessList[0].name';
const NOW = '2026-01-01T00:00:00.000Z';

describe('the access list of a credential', () => {
  const history = [created, granted({ proxyId: 'p-1', expiresAt: null }, { proxyId: 'p-2', expiresAt: NOW })];
  const grant = (...access: ReturnType<typeof asked>[]) => ({ type: 'GrantAccess', access, now: NOW }) as const;

  it('grows by what is granted', () => {
    given(credentialDecider, history)
      .when(grant(asked('p-3', '2027-01-01T00:00:00.000Z')))
      .then([granted({ proxyId: 'p-3', expiresAt: '2027-01-01T00:00:00.000Z' })]);
  });

  it('has no proxy twice, as long as its time is not over', () => {
    const stage = given(credentialDecider, history);
    stage.when(grant(asked('p-3'), asked('p-1'))).thenRefuses('VALIDATION_FAILED', FIELD);
    stage.when(grant(asked('p-2'))).then([granted({ proxyId: 'p-2', expiresAt: null })]);
    const state = fold(credentialDecider, [...history, granted({ proxyId: 'p-2', expiresAt: null })]);
    expect(state).toMatchObject({
      access: [
        { proxyId: 'p-1', expiresAt: null },
        { proxyId: 'p-2', expiresAt: null },
      ],
    });
  });

  it('shrinks by what is revoked, which must be there', () => {
    const revoked: CredentialEvent = {
      ...{ type: 'AccessRevoked', schemaVersion: 1, data: { credentialId: 'c-1', proxyIds: ['p-1'] } },
    };
    const stage = given(credentialDecider, history);
    stage.when({ type: 'RevokeAccess', access: [asked('p-1')] }).then([revoked]);
    stage.when({ type: 'RevokeAccess', access: [asked('p-1'), asked('p-9')] }).thenRefuses('VALIDATION_FAILED', FIELD);
    expect(fold(credentialDecider, [...history, revoked])).toMatchObject({ access: [{ proxyId: 'p-2' }] });
  });

  it('stays when the credential is replaced', () => {
    const update: CredentialEvent = {
      ...{ type: 'CredentialUpdated', schemaVersion: 2 },
      data: { credentialId: 'c-1', ...CONTENT, password: secret('second') },
    };
    expect(fold(credentialDecider, [...history, update])).toMatchObject({ access: [{}, {}] });
  });
});
