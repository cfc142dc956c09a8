import { withoutShownSecrets } from './secret-members.ts';

describe('an answer that is given again', () => {
  it('lacks what was shown once, and says so where it was', () => {
    const answer = {
      success: true,
      resultList: [
        { name: 'a', gatewayKey: 'gwk' },
        { name: 'b', keys: [{ keyId: '1', secretKey: 's' }] },
        { name: 'c', privateJwk: { kty: 'OKP', d: 'x' } },
      ],
    };
    expect(withoutShownSecrets(answer)).toEqual({
      success: true,
      resultList: [
        { name: 'a', secretAlreadyShown: true },
        { name: 'b', keys: [{ keyId: '1' }], secretAlreadyShown: true },
        { name: 'c', secretAlreadyShown: true },
      ],
    });
    expect(withoutShownSecrets({ access_token: 'x', expires_in: 1 })).toEqual({
      expires_in: 1,
      secretAlreadyShown: true,
    });
  });

  it('is the same when it held no secret', () => {
    const answer = {
      success: true,
      resultList: [{ publicKey: 'p', password: null, secretKey: { ref: 'private.key' } }, 'text', null],
      deploymentResult: { success: true, deploymentResults: [] },
    };
    expect(withoutShownSecrets(answer)).toEqual(answer);
    expect(withoutShownSecrets({ success: true, resultList: null })).toEqual({ success: true, resultList: null });
  });
});
