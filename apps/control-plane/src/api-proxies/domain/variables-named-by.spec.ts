import { samplePolicy, sampleVerification } from '../testing/sample-proxy.ts';
import { variablesNamedBy } from './variables-named-by.ts';

const CHECK = sampleVerification({ forwardVariables: [{ variable: 'tenant', header: 'X-Tenant' }] });

describe('the variables that policies name', () => {
  it.each(['private.secret', 'tenant'])('are %s, wherever it is named', (name) => {
    expect(variablesNamedBy([CHECK], [name, 'elsewhere'])).toEqual([name]);
  });

  it('are in order, whatever order they were asked in', () => {
    expect(variablesNamedBy([CHECK], ['tenant', 'private.secret'])).toEqual(['private.secret', 'tenant']);
  });

  it('are those of a condition, too', () => {
    expect(variablesNamedBy([samplePolicy({ condition: 'limit = "x"' })], ['limit'])).toEqual(['limit']);
  });
});
