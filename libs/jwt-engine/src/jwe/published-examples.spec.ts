import { createPrivateKey, createSecretKey } from 'node:crypto';
import { handMadeEncryptedToken } from '../testing/hand-made-encrypted-token.ts';
import { compileEncryptedVerifier } from './compile-encrypted-verifier.ts';

const CLAIMS = { sub: 'bob' };

describe('examples of the RFCs', () => {
  it('RFC 7518 appendix C: Bob agrees with Alice on the key that is printed there', async () => {
    const bob = {
      kty: 'EC',
      crv: 'P-256',
      x: 'weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ',
      y: 'e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck',
      d: 'VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw',
    };
    const header = {
      alg: 'ECDH-ES',
      enc: 'A128GCM',
      apu: 'QWxpY2U',
      apv: 'Qm9i',
      epk: {
        kty: 'EC',
        crv: 'P-256',
        x: 'gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0',
        y: 'SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps',
      },
    };
    const contentKey = Buffer.from('VqqN6vgjbSBcIijNcacQGg', 'base64url');
    const token = handMadeEncryptedToken({ header, payload: CLAIMS, contentKey });
    const key = createPrivateKey({ key: bob, format: 'jwk' });
    const open = compileEncryptedVerifier({ encryption: { keyAlgorithm: 'ECDH-ES' }, key });
    const result = await open(token, 0);
    expect(result.ok && result.jwt.claims).toEqual(CLAIMS);
  });

  it('RFC 7517 appendix C: the password unwraps the content key that is printed there', async () => {
    const header =
      'eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMnMiOiIyV0NUY0paMVJ2ZF9DSnVKcmlwUTF3IiwicDJjIjo0MDk2LCJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiY3R5IjoiandrK2pzb24ifQ';
    const contentKey = Buffer.from([
      111, 27, 25, 52, 66, 29, 20, 78, 92, 176, 56, 240, 65, 208, 82, 112, 161, 131, 36, 55, 202, 236, 185, 172, 129,
      23, 153, 194, 195, 48, 253, 182,
    ]);
    const token = handMadeEncryptedToken({
      header: Buffer.from(header, 'base64url'),
      payload: CLAIMS,
      contentKey,
      mode: 'cbc-hmac',
      encryptedKey: Buffer.from('TrqXOwuNUfDV9VPTNbyGvEJ9JMjefAVn-TR1uIxR9p6hsRQh9Tk7BA', 'base64url'),
    });
    expect(token.startsWith(`${header}.`)).toBe(true);
    const key = createSecretKey('Thus from my lips, by yours, my sin is purged.', 'utf8');
    const encryption = { keyAlgorithm: 'PBES2-HS256+A128KW', saltBytes: 16, iterationCount: 4096 } as const;
    const result = await compileEncryptedVerifier({ encryption, key })(token, 0);
    expect(result.ok && result.jwt.claims).toEqual(CLAIMS);
  });

  it('RFC 7516 appendix A.3: opens A128KW with A128CBC-HS256, whose payload is text and so no claims', async () => {
    const token = [
      'eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0',
      '6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ',
      'AxY8DCtDaGlsbGljb3RoZQ',
      'KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY',
      'U0m_YmjN04DJvceFICbCVQ',
    ].join('.');
    const key = createSecretKey(Buffer.from('GawgguFyGrWKav7AX4VKUg', 'base64url'));
    const open = compileEncryptedVerifier({ encryption: { keyAlgorithm: 'A128KW' }, key });
    expect(await open(token, 0)).toEqual({ ok: false, code: 'InvalidJsonFormat' });
  });

  it('RFC 7516 appendix A.1: RSA-OAEP with SHA-1 is none of ours', async () => {
    const token = handMadeEncryptedToken({
      header: { alg: 'RSA-OAEP', enc: 'A256GCM' },
      payload: CLAIMS,
      contentKey: Buffer.alloc(32),
      encryptedKey: Buffer.alloc(256, 1),
    });
    const key = createSecretKey(Buffer.alloc(32));
    const open = compileEncryptedVerifier({ encryption: { keyAlgorithm: 'RSA-OAEP-256' }, key });
    expect(await open(token, 0)).toEqual({ ok: false, code: 'AlgorithmNotAllowed', algorithm: 'RSA-OAEP' });
  });
});
