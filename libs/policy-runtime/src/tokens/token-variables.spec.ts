import type { DecodedJwt, JsonObject } from '#libs/jwt-engine';
import { compactJson } from './compact-json.ts';
import { tokenVariables, type TokenFinding } from './token-variables.ts';

const NOW_MS = 1_510_098_835_000 - 3_599_926;
const PAYLOAD =
  '{"sub":"alice","iss":"urn://idp", "aud":"urn://Apigee","jti":"42","iat":1510095235,"nbf":1510095235,"exp":1510098835,' +
  '"on":true,"n":1.50,"big":12345678901234567890,"list":["a",1],"o":{"k":"v"},"nil":null,"https://ns.example/x":"ns"}';

function jwtOf(payloadText: string, headerText = '{"alg":"RS256", "typ":"at+jwt","kid":"k1"}'): DecodedJwt {
  return {
    header: JSON.parse(headerText) as JsonObject,
    claims: JSON.parse(payloadText) as JsonObject,
    headerText,
    payloadText,
  };
}

const variablesOf = (finding: Partial<TokenFinding> = {}) =>
  tokenVariables({
    jwt: jwtOf(PAYLOAD),
    isValid: true,
    error: undefined,
    nowMs: NOW_MS,
    allowanceSeconds: 0,
    ...finding,
  });

describe('variables of a verified token', () => {
  it.each([
    ['claim.sub', 'alice'],
    ['claim.subject', 'alice'],
    ['claim.issuer', 'urn://idp'],
    ['claim.id', '42'],
    ['claim.aud', 'urn://Apigee'],
    ['claim.audience', '[urn://Apigee]'],
    ['decoded.claim.aud', '["urn://Apigee"]'],
    ['claim.expiry', 1_510_098_835_000],
    ['claim.issuedat', 1_510_095_235_000],
    ['claim.notbefore', 1_510_095_235_000],
    ['decoded.claim.exp', 1_510_098_835],
    ['decoded.claim.on', true],
    ['decoded.claim.n', 1.5],
    ['decoded.claim.list', '["a",1]'],
    ['decoded.claim.o', '{"k":"v"}'],
    ['decoded.claim.nil', 'null'],
    ['decoded.claim.https://ns.example/x', 'ns'],
    ['decoded.claim.absent', undefined],
    ['claim.toString', undefined],
    ['header.alg', 'RS256'],
    ['header.algorithm', 'RS256'],
    ['header.type', 'JWT'],
    ['header.typ', 'at+jwt'],
    ['header.kid', 'k1'],
    ['decoded.header.alg', 'RS256'],
    ['header-json', '{"alg":"RS256","typ":"at+jwt","kid":"k1"}'],
    ['payload-claim-names', '[sub, iss, aud, jti, iat, nbf, exp, on, n, big, list, o, nil, https://ns.example/x]'],
    ['expiry_formatted', '2017-11-07T23:53:55.000+0000'],
    ['seconds_remaining', 3599],
    ['time_remaining_formatted', '00:59:59.926'],
    ['is_expired', false],
    ['valid', true],
    ['failed', false],
    ['error', undefined],
    ['nonsense', undefined],
  ])('%s', (name, value) => {
    expect(variablesOf()(name)).toEqual(value);
  });

  it('keeps the digits of numbers in payload-json', () => {
    expect(variablesOf()('payload-json')).toBe(PAYLOAD.replace(', "aud"', ',"aud"'));
    expect(compactJson('{ "a b" : "c \\" d" ,\n"e" : [ 1 , 2 ] }')).toBe('{"a b":"c \\" d","e":[1,2]}');
  });

  it('has an audience list as list text', () => {
    const variables = variablesOf({ jwt: jwtOf('{"aud":["a","b"]}') });
    expect(variables('claim.audience')).toBe('[a, b]');
    expect(variables('decoded.claim.aud')).toBe('["a","b"]');
  });

  it('counts below zero when the token has expired', () => {
    const variables = variablesOf({ nowMs: 1_510_098_835_000 + 90_061_500 });
    expect(variables('seconds_remaining')).toBe(-90_061);
    expect(variables('time_remaining_formatted')).toBe('-25:01:01.500');
    expect(variables('is_expired')).toBe(true);
    expect(variablesOf({ nowMs: 1_510_098_835_400 })('seconds_remaining')).toBe(0);
  });

  it('judges is_expired with the allowance', () => {
    const late = { nowMs: 1_510_098_835_000 + 20_000 };
    expect(variablesOf({ ...late, allowanceSeconds: 30 })('is_expired')).toBe(false);
    expect(variablesOf({ ...late, allowanceSeconds: 20 })('is_expired')).toBe(true);
  });

  it('has no expiry when the token has none, and is not expired', () => {
    const variables = variablesOf({ jwt: jwtOf('{}') });
    for (const name of ['claim.expiry', 'expiry_formatted', 'seconds_remaining', 'time_remaining_formatted']) {
      expect(variables(name)).toBeUndefined();
    }
    expect(variables('is_expired')).toBe(false);
  });

  it('has no date for an expiry beyond dates', () => {
    expect(variablesOf({ jwt: jwtOf('{"exp":1e300}') })('expiry_formatted')).toBeUndefined();
  });

  it('says nothing of a token whose signature failed', () => {
    const variables = variablesOf({ jwt: undefined, isValid: false, error: 'Invalid token: policy(P)' });
    for (const name of ['claim.sub', 'header.alg', 'header.type', 'payload-json', 'is_expired', 'seconds_remaining']) {
      expect(variables(name)).toBeUndefined();
    }
    expect([variables('valid'), variables('failed'), variables('error')]).toEqual([
      false,
      true,
      'Invalid token: policy(P)',
    ]);
  });
});
