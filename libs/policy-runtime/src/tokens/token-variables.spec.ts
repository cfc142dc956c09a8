import type { DecodedJwt, JsonObject } from '#libs/jwt-engine';
import { tokenVariables, type TokenFinding } from './token-variables.ts';

const NOW_MS = 1_510_098_835_000 - 3_599_926;
const PAYLOAD =
  '{"sub":"alice","iss":"urn://idp", "aud":"urn://Apigee","jti":"42","iat":1510095235,"nbf":1510095235,"exp":1510098835,' +
  '"on":true,"n":1.50,"big":12345678901234567890,"7":"seven","digits":[1.0, {"deep":12345678901234567890}],"escaped":["\\u00fc"],"list":["a",1],"o":{"k":"v"},"nil":null,"https://ns.example/x":"ns"}';

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
    ['decoded.claim.n', { number: 1.5, text: '1.50' }],
    ['claim.n', { number: 1.5, text: '1.50' }],
    ['claim.big', { number: 12345678901234567000, text: '12345678901234567890' }],
    ['decoded.claim.digits', '[1.0,{"deep":12345678901234567890}]'],
    ['decoded.claim.7', 'seven'],
    ['decoded.claim.escaped', '["ü"]'],
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
    [
      'payload-claim-names',
      '[sub, iss, aud, jti, iat, nbf, exp, on, n, big, 7, digits, escaped, list, o, nil, https://ns.example/x]',
    ],
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
    const spaced = '{ "a b" : "c \\" d" ,\n"e" : [ 1.0 , 12345678901234567890 ] , "aud":"a" }';
    expect(variablesOf({ jwt: jwtOf(spaced) })('payload-json')).toBe(
      '{"a b":"c \\" d","e":[1.0,12345678901234567890],"aud":"a"}',
    );
    expect(variablesOf({ jwt: jwtOf('{}', spaced) })('header-json')).toBe(
      '{"a b":"c \\" d","e":[1.0,12345678901234567890],"aud":"a"}',
    );
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

  it('has no date for an expiry beyond dates, and no milliseconds beyond numbers', () => {
    expect(variablesOf({ jwt: jwtOf('{"exp":1e300}') })('expiry_formatted')).toBeUndefined();
    const variables = variablesOf({ jwt: jwtOf('{"exp":1e307,"iat":"1"}') });
    expect(['claim.expiry', 'seconds_remaining', 'claim.issuedat'].map(variables)).toEqual([
      ...[undefined, undefined, undefined],
    ]);
    expect(variablesOf({ jwt: jwtOf('{"exp":253402300800}') })('expiry_formatted')).toBe(
      '10000-01-01T00:00:00.000+0000',
    );
  });

  it('keeps the fraction of a second, and counts hours beyond a day', () => {
    const variables = variablesOf({ jwt: jwtOf('{"exp":1510098835.5}'), nowMs: 1_510_098_835_000 - 90_000_000 });
    const names = ['claim.expiry', 'decoded.claim.exp', 'expiry_formatted', 'seconds_remaining'];
    expect(names.map(variables)).toEqual([
      ...[1_510_098_835_500, 1_510_098_835.5, '2017-11-07T23:53:55.500+0000', 90_000],
    ]);
    expect(variables('time_remaining_formatted')).toBe('25:00:00.500');
  });

  it('names the claims in the order of the token', () => {
    const text = '{"sub":1,"aud":1,"nbf":1,"iss":1,"claim1":1,"exp":1,"iat":1,"2":1,"1":1}';
    expect(variablesOf({ jwt: jwtOf(text) })('payload-claim-names')).toBe(
      '[sub, aud, nbf, iss, claim1, exp, iat, 2, 1]',
    );
  });

  it('touches nothing of a token while nobody reads its variables, and reads its text once', () => {
    const reads: string[] = [];
    const jwt = Object.defineProperties({} as DecodedJwt, {
      ...Object.fromEntries(
        Object.entries(jwtOf(PAYLOAD)).map(([name, value]) => [
          name,
          {
            get: (): unknown => {
              reads.push(name);
              return value;
            },
          },
        ]),
      ),
    });
    const variables = variablesOf({ jwt });
    expect([variables('valid'), variables('failed'), variables('error')]).toEqual([true, false, undefined]);
    expect(reads).toEqual([]);
    expect([variables('claim.big'), variables('payload-claim-names'), variables('header.kid')]).toHaveLength(3);
    expect(reads.filter((name) => name === 'payloadText')).toHaveLength(1);
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
