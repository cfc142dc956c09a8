import { fold } from '../../decider/decider.ts';
import { given } from '../../decider/testing/given.ts';
import { credentialDecider, type CredentialEvent } from './credential.decider.ts';

const secret = (secretId: string) => ({ secretId, fingerprint: secretId });
const CONTENT = {
  ...{ email: 'a@example.org', fullName: 'Alice', description: '', enabled: true },
  ...{ expiresAt: null, roles: ['reader'] },
};
const CREATION = {
  ...{ credentialId: 'c-1', projectId: 'j-1', project: 'shop', username: 'alice' },
  password: secret('first'),
  ...CONTENT,
};
const created: CredentialEvent = { type: 'CredentialCreated', schemaVersion: 1, data: CREATION };
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
      schemaVersion: 1,
      data: { credentialId: 'c-1', ...content },
    };
    given(credentialDecider, [created])
      .when({ type: 'UpdateCredential', ...content })
      .then([updated]);
    expect(fold(credentialDecider, [created, updated])).toEqual({ status: 'active', ...CREATION, ...content });
  });

  it('gets another password and keeps the rest', () => {
    given(credentialDecider, [created])
      .when({ type: 'ChangePassword', password: secret('second') })
      .then([changed]);
    expect(fold(credentialDecider, [created, changed])).toEqual({
      status: 'active',
      ...CREATION,
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
