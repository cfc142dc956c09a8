import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { compileVerifier } from './compile-verifier.ts';
import { type JwsAlgorithmName } from './jws-algorithms.ts';
import { type JsonObject } from './json-value.ts';

/** The claims of RFC 7515 appendices A.1 to A.3 and A.5, line ends and indentation as printed there. */
const CLAIMS_TEXT = '{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}';
const EXPIRES = 1_300_819_380;
const PAYLOAD = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';

const publicKey = (jwk: Record<string, string>): KeyObject => createPublicKey({ key: jwk, format: 'jwk' });

interface Vector {
  readonly appendix: string;
  readonly algorithm: JwsAlgorithmName;
  readonly key: KeyObject;
  readonly header: JsonObject;
  readonly token: string;
}

const VECTORS: readonly Vector[] = [
  {
    appendix: 'A.1',
    algorithm: 'HS256',
    header: { typ: 'JWT', alg: 'HS256' },
    key: createSecretKey(
      Buffer.from(
        'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
        'base64url',
      ),
    ),
    token: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
  },
  {
    appendix: 'A.2',
    algorithm: 'RS256',
    header: { alg: 'RS256' },
    key: publicKey({
      kty: 'RSA',
      n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
      e: 'AQAB',
    }),
    token: `eyJhbGciOiJSUzI1NiJ9.${PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
  },
  {
    appendix: 'A.3',
    algorithm: 'ES256',
    header: { alg: 'ES256' },
    key: publicKey({
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    }),
    token: `eyJhbGciOiJFUzI1NiJ9.${PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  },
];

/** Appendix A.4: the payload is the word "Payload", so the signature is good and the JWT is not. */
const ES512_KEY = publicKey({
  kty: 'EC',
  crv: 'P-521',
  x: 'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk',
  y: 'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2',
});
const ES512_TOKEN =
  'eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn';

describe.each(VECTORS)('RFC 7515 appendix $appendix ($algorithm)', ({ algorithm, key, header, token }) => {
  const verify = compileVerifier({ algorithms: [algorithm], key });

  it('passes a second before it expires', () => {
    expect(verify(token, EXPIRES - 1)).toEqual({
      ok: true,
      jwt: {
        header,
        claims: { iss: 'joe', exp: EXPIRES, 'http://example.com/is_root': true },
        headerText: Buffer.from(token.split('.')[0] ?? '', 'base64url').toString(),
        payloadText: CLAIMS_TEXT,
      },
    });
  });

  it('is expired in the second it expires', () => {
    expect(verify(token, EXPIRES)).toMatchObject({ code: 'TokenExpired', jwt: { payloadText: CLAIMS_TEXT } });
  });

  it('is refused when one bit of its signature differs', () => {
    const [head, payload, signature] = token.split('.');
    const bytes = Buffer.from(signature ?? '', 'base64url');
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    const changed = [head, payload, bytes.toString('base64url')].join('.');
    expect(verify(changed, EXPIRES - 1)).toEqual({ ok: false, code: 'InvalidSignature' });
  });
});

describe('RFC 7515 appendix A.4 (ES512)', () => {
  const verify = compileVerifier({ algorithms: ['ES512'], key: ES512_KEY });

  it('has a good signature over a payload that is no JSON object', () => {
    expect(verify(ES512_TOKEN, 0)).toEqual({ ok: false, code: 'InvalidJsonFormat' });
    expect(verify(ES512_TOKEN.replace('UGF5', 'UGF6'), 0)).toEqual({ ok: false, code: 'InvalidSignature' });
  });
});

describe('RFC 7515 appendix A.5 (none)', () => {
  it.each(VECTORS)('is refused where $algorithm is wanted', ({ algorithm, key }) => {
    const verify = compileVerifier({ algorithms: [algorithm], key });
    expect(verify(`eyJhbGciOiJub25lIn0.${PAYLOAD}.`, 0)).toMatchObject({ code: 'AlgorithmNotAllowed' });
  });
});
