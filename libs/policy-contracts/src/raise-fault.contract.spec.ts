import { parsePolicy } from './policy-contract.ts';
import { parseRaiseFault } from './raise-fault.contract.ts';

const LEAST = { type: 'policy-raise-fault', statusCode: 403 };

function faultsOf(members: object): string[] {
  const parsed = parseRaiseFault({ ...LEAST, ...members }, undefined, 'sent');
  return parsed.ok ? [] : parsed.faults.map(({ field, code }) => `${field} ${code}`);
}

describe('policy-raise-fault', () => {
  it('has every default filled in', () => {
    const value = {
      ...LEAST,
      ...{ active: true, forwardVariables: [], contentType: 'application/json', payload: '' },
    };
    expect(parsePolicy(LEAST)).toEqual({ ok: true, value, warnings: [] });
    expect(parseRaiseFault(value)).toEqual({ ok: true, value, warnings: [] });
  });

  it('keeps what it is given', () => {
    const given = {
      ...LEAST,
      ...{ description: 'no access', active: false, condition: 'a = "b"' },
      forwardVariables: [{ variable: 'a', header: 'X-A' }],
      ...{
        statusCode: 451,
        reasonPhrase: 'Not {user}',
        contentType: 'text/plain; charset=utf-8',
        payload: '{user}\r\n',
      },
    };
    expect(parseRaiseFault(given)).toEqual({ ok: true, value: given, warnings: [] });
  });

  it.each(['reasonPhrase', 'contentType', 'payload'])('%s never shows a secret to clients', (name) => {
    expect(faultsOf({ [name]: 'a {private.key} b' })).toEqual([`policy.${name} secret_in_answer`]);
    expect(faultsOf({ [name]: 'a {public.key} private.key' })).toEqual([]);
    for (const call of [
      'sha256Hex(private.key)',
      "replaceAll(x,'{a,b}',private.key)",
      'firstnonnull(a:b,private.key:c)',
      'firstnonnull(jwt.My Policy.error,private.key)',
    ]) {
      expect(faultsOf({ [name]: `a {${call}} b` })).toEqual([`policy.${name} secret_in_answer`]);
    }
    expect(faultsOf({ [name]: "{toUpperCase('private.key')} (a,private.key)" })).toEqual([]);
  });

  it('is read as it was stored by a version to which functions were text', () => {
    const policy = { ...LEAST, payload: '{escapeJSON(private.key)}' };
    expect(parsePolicy(policy)).toMatchObject({ ok: true, value: policy });
    expect(parsePolicy({ ...LEAST, payload: '{private.key}' })).toMatchObject({ ok: false });
  });

  it.each(['reasonPhrase', 'contentType', 'payload', 'condition', 'description', 'active'])(
    '%s may be null, which is the same as leaving it out',
    (name) => {
      expect(parseRaiseFault({ ...LEAST, [name]: null })).toEqual(parseRaiseFault(LEAST));
    },
  );

  it.each([
    ['statusCode', undefined, 'required'],
    ['statusCode', null, 'wrong_type'],
    ['statusCode', '403', 'wrong_type'],
    ['statusCode', 403.5, 'wrong_type'],
    ['statusCode', 199, 'out_of_range'],
    ['statusCode', 600, 'out_of_range'],
    ['reasonPhrase', 'a\r\nSet-Cookie: b', 'invalid'],
    ['reasonPhrase', 'a\nb', 'invalid'],
    ['reasonPhrase', 'a\u0000', 'invalid'],
    ['reasonPhrase', '€', 'invalid'],
    ['reasonPhrase', 'x'.repeat(201), 'out_of_range'],
    ['contentType', 'a\r\nb', 'invalid'],
    ['contentType', '', 'out_of_range'],
    ['contentType', 1, 'wrong_type'],
    ['payload', {}, 'wrong_type'],
    ['payload', 'x'.repeat(65_537), 'out_of_range'],
    ['faultResponse', {}, 'unknown_field'],
  ])('refuses %s of %j: %s', (name, value, code) => {
    expect(faultsOf({ [name]: value })).toEqual([`policy.${name} ${code}`]);
  });

  it.each([200, 599])('takes the status %d', (statusCode) => {
    expect(faultsOf({ statusCode })).toEqual([]);
  });

  it('reports every fault at once', () => {
    expect(faultsOf({ statusCode: 0, payload: 1, reasonPhrase: '\n', more: 1 }).sort()).toEqual([
      'policy.more unknown_field',
      'policy.payload wrong_type',
      'policy.reasonPhrase invalid',
      'policy.statusCode out_of_range',
    ]);
  });

  it('warns of a payload that an answer of its status never carries', () => {
    const warningsOf = (members: object) => {
      const parsed = parseRaiseFault({ ...LEAST, ...members });
      return parsed.ok ? parsed.warnings.map(({ field }) => field) : ['refused'];
    };
    expect(warningsOf({ statusCode: 204, payload: 'x' })).toEqual(['policy.payload']);
    expect(warningsOf({ statusCode: 204 })).toEqual([]);
    expect(warningsOf({ payload: 'x' })).toEqual([]);
  });
});
