import { isJwsAlgorithmName, JWS_ALGORITHM_NAMES, jwsFamily } from './jws-algorithms.ts';

describe('the algorithm table', () => {
  it('knows the twelve algorithms by family', () => {
    expect(JWS_ALGORITHM_NAMES.map((name) => `${name} ${jwsFamily(name)}`)).toEqual(
      ['HS', 'RS', 'PS', 'ES'].flatMap((family) => [256, 384, 512].map((bits) => `${family}${bits} ${family}`)),
    );
  });

  it.each(['none', 'hs256', 'RS256 ', '', 'toString', '__proto__', 'EdDSA', 'RS1'])('does not know %j', (text) => {
    expect(isJwsAlgorithmName(text)).toBe(false);
  });
});
