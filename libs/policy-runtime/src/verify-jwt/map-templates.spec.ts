import { outcomeOf, type Given } from '../testing/judge-token.ts';

const MISMATCH = 'InvalidClaim: claim(m)';
const judged = (member: object, actual: unknown, set: Given['set'] = {}, rest: Given = {}): Promise<string> =>
  outcomeOf({ ...rest, policy: { additionalClaims: [{ name: 'm', ...member }] }, payload: { m: actual }, set });

describe('the text of a map claim (verify-jwt.md 2.5)', () => {
  const member = { type: 'map', value: '{ "tenant": "{flow.tenant}", "level": {flow.level} }' };
  const actual = { level: 3, tenant: 'acme' };

  it.each([
    ['the very values', { 'flow.tenant': 'acme', 'flow.level': '3' }, 'pass'],
    ['another text', { 'flow.tenant': 'other', 'flow.level': '3' }, MISMATCH],
    ['another number', { 'flow.tenant': 'acme', 'flow.level': '4' }, MISMATCH],
    ['a text for a number', { 'flow.tenant': 'acme', 'flow.level': '"3"' }, MISMATCH],
    ['what makes it no JSON', { 'flow.tenant': 'acme"', 'flow.level': '3' }, MISMATCH],
    ['nothing', {}, MISMATCH],
  ])('is filled in with %s and compared', async (_what, set, expected) => {
    expect(await judged(member, actual, set)).toBe(expected);
  });

  it('takes values from the environment too, and an unset variable as empty', async () => {
    const value = '{"tenant":"{public.tenant}","more":"{nobody.set.this}"}';
    const environment = { 'public.tenant': 'acme' };
    expect(await judged({ type: 'map', value }, { tenant: 'acme', more: '' }, {}, { environment })).toBe('pass');
  });

  it('is a list of maps with array', async () => {
    const list = { type: 'map', array: true, value: '[{"a":"{flow.a}"},{"b":2}]' };
    expect(await judged(list, [{ a: 'x' }, { b: 2 }], { 'flow.a': 'x' })).toBe('pass');
    expect(await judged(list, [{ a: 'x' }, { b: 2 }], { 'flow.a': 'y' })).toBe(MISMATCH);
  });

  it('is the default of a variable that is unset or empty, and what a variable holds is no template', async () => {
    const withRef = { ...member, ref: 'flow.map' };
    const values = { 'flow.tenant': 'acme', 'flow.level': '3' };
    expect(await judged(withRef, actual, values)).toBe('pass');
    expect(await judged(withRef, actual, { ...values, 'flow.map': '' })).toBe('pass');
    expect(await judged(withRef, actual, { ...values, 'flow.map': '{"n":1}' })).toBe(MISMATCH);
    expect(await judged(withRef, { n: 1 }, { ...values, 'flow.map': '{"n":1}' })).toBe('pass');
    expect(await judged(withRef, actual, { ...values, 'flow.map': member.value })).toBe(MISMATCH);
    const environment = { 'flow.map': '{"n":1}' };
    expect(await judged(withRef, { n: 1 }, values, { environment })).toBe('pass');
  });
});

it.each(['string', 'number', 'boolean'])('the text of a %s claim is no template', async (type) => {
  expect(await judged({ type, value: '{flow.x}' }, '1', { 'flow.x': '1' })).toBe(MISMATCH);
  expect(await judged({ type, value: '{flow.x}' }, true, { 'flow.x': 'true' })).toBe(MISMATCH);
  expect(await judged({ type, value: '{flow.x}' }, 1, { 'flow.x': '1' })).toBe(MISMATCH);
});
