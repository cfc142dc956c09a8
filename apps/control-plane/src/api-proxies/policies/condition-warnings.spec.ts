import { conditionWarnings } from './condition-warnings.ts';

describe('the warnings of a condition', () => {
  it('say that a closing parenthesis is missing, once for each', () => {
    const message = 'policy.condition: a closing parenthesis is missing at the end';
    expect(conditionWarnings({ condition: '((a = b) and (c Is null)' })).toEqual([
      { field: 'policy.condition', message },
    ]);
    expect(conditionWarnings({ condition: '((a = b' })).toHaveLength(2);
  });

  it.each(['a is not null', 'a IS NOT null', 'a = ! null'])(
    'say what %s means, which is not what it says',
    (condition) => {
      const [warning, ...others] = conditionWarnings({ condition });
      expect(warning?.message).toMatch(/^policy\.condition: "not" at character \d+ .* is written IsNot$/);
      expect(others).toEqual([]);
    },
  );

  it.each([undefined, 'a = b', 'a =', 'a IsNot null and not (a = b)'])('are none for %s', (condition) => {
    expect(conditionWarnings({ condition })).toEqual([]);
  });
});
