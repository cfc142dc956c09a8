import { conditionWarnings } from './condition-warnings.ts';

describe('the warnings of a condition', () => {
  it('say that a closing parenthesis is missing, once for each', () => {
    const message = 'policy.condition: a closing parenthesis is missing at the end';
    expect(conditionWarnings({ condition: '((a = b) and (c Is null)' })).toEqual([
      { field: 'policy.condition', message },
    ]);
    expect(conditionWarnings({ condition: '((a = b' })).toHaveLength(2);
  });

  it.each([undefined, 'a = b', 'a ='])('are none for %s', (condition) => {
    expect(conditionWarnings({ condition })).toEqual([]);
  });
});
