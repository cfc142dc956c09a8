import { parsePolicy, parseSentPolicy } from './policy-contract.ts';

const POLICY = { type: 'policy-verify-jwt', algorithm: 'HS256', secretKey: { ref: 'private.k' } };

const warningsOf = (claim: object): string[] => {
  const parsed = parseSentPolicy({ ...POLICY, additionalClaims: [{ name: 'c', ...claim }] });
  if (!parsed.ok) throw new RangeError(JSON.stringify(parsed.faults));
  return parsed.warnings.map(({ field, message }) => `${field} ${message}`);
};

describe('the text that a claim must equal', () => {
  it.each([
    { value: 'anything' },
    { value: '1', type: 'number' },
    { value: ' -1.5e3 ', type: 'number' },
    { value: 'TRUE', type: 'boolean' },
    { value: '{"a":{"b":[1]}}', type: 'map' },
    { value: '{}', type: 'map' },
    { value: '{"a":"{jwt.first.claim.sub}"}', type: 'map' },
    { value: '{whole.object}', type: 'map' },
    { value: '{"a":{count}}', type: 'map' },
    { value: '1, 2', type: 'number', array: true },
    { value: '[{"a":1},{"b":2}]', type: 'map', array: true },
    { ref: 'v', type: 'number' },
  ])('%j can be equal to a claim', (claim) => {
    expect(warningsOf(claim)).toEqual([]);
  });

  it.each([
    [{ value: 'abc', type: 'number' }, 'is no number'],
    [{ value: '01', type: 'number' }, 'is no number'],
    [{ value: '"1"', type: 'number' }, 'is no number'],
    [{ ref: 'v', value: 'abc', type: 'number' }, 'is no number'],
    [{ value: 'yes', type: 'boolean' }, 'is no boolean'],
    [{ value: 'x', type: 'map' }, 'is no JSON object'],
    [{ value: '[1]', type: 'map' }, 'is no JSON object'],
    [{ value: 'null', type: 'map' }, 'is no JSON object'],
    [{ value: '{"a":1', type: 'map' }, 'is no JSON object'],
    [{ value: '1, x', type: 'number', array: true }, 'is no number list'],
    [{ value: '[1]', type: 'map', array: true }, 'is no JSON object list'],
  ])('%j can never be, and a warning says so', (claim, message) => {
    expect(warningsOf(claim)).toEqual([
      `policy.additionalClaims.claims[0].value ${message}, so nothing can ever equal it`,
    ]);
  });

  it.each([
    ['{"a":"{request.header.x}"}', true],
    ['{"a":"{message.content}"}', true],
    ['{"a":"{proxy.url}"}', true],
    ['{"a":"{toLowerCase(request.queryparam.x)}"}', true],
    ['{"a":"{firstnonnull(public.a,request.header.x)}"}', true],
    ['{"a":"{request.header.x:none}"}', true],
    ['{"a":"{escapeJSON(request.header.x)}"}', false],
    ['{"a":"{encodeBase64(request.header.x)}"}', false],
    ['{"a":"{sha256Hex(request.header.x)}"}', false],
    ['{"a":"{public.tenant}"}', false],
    ['{"request.header.x":"{public.tenant}"}', false],
  ])('%s puts into JSON what the caller sends: %s', (value, warns) => {
    const found = warningsOf({ value, type: 'map' });
    expect(found.map((warning) => warning.includes('escapeJSON'))).toEqual(warns ? [true] : []);
  });
});

describe('a template of another tool', () => {
  const faultsOf = (members: object) => {
    const parsed = parseSentPolicy({ ...POLICY, ...members });
    return parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`);
  };

  it.each([
    [{ issuer: '${issuer}' }, 'policy.issuer.value'],
    [{ audience: { ref: '##AUDIENCE_VAR##' } }, 'policy.audience.ref'],
    [{ subject: 'a<%= subject %>b' }, 'policy.subject.value'],
    [{ secretKey: { ref: 'private.${env}' } }, 'policy.secretKey.ref'],
    [
      {
        additionalClaims: [
          { name: 'a', value: 'x' },
          { name: '${b}', value: 'x' },
        ],
      },
      'policy.additionalClaims.claims[1].name',
    ],
    [{ requiredClaims: ['sub', '${more}'] }, 'policy.requiredClaims.value[1]'],
    [{ displayName: '${name}' }, 'policy.displayName'],
  ])('%j is refused by place', (members, field) => {
    expect(faultsOf(members)).toEqual([`${field} unexpanded_template`]);
  });

  it('is said beside whatever else is wrong', () => {
    expect(faultsOf({ jwtType: '${type}' })).toEqual([
      'policy.jwtType invalid_value',
      'policy.jwtType unexpanded_template',
    ]);
  });

  it.each([
    { description: '${x}' },
    { condition: 'request.verb = "${x}"' },
    { issuer: 'https://a/#b##c' },
    { issuer: '{x}' },
    { issuer: '$5 <b> 10%' },
  ])('is not seen in %j', (members) => {
    expect(faultsOf(members)).toEqual([]);
  });

  it('may be meant in a map, and is warned of there', () => {
    expect(warningsOf({ type: 'map', value: '{"price":"${amount}"}' })).toEqual([
      expect.stringContaining('template of another tool'),
    ]);
  });

  it('that an earlier version stored is still read', () => {
    expect(parsePolicy({ ...POLICY, issuer: '${issuer}' }).ok).toBe(true);
  });

  it('is looked for in time that grows with the text', () => {
    expect(faultsOf({ issuer: '<%'.repeat(32_000) })).toEqual([]);
    expect(faultsOf({ issuer: '${'.repeat(32_000) })).toEqual([]);
  });
});
