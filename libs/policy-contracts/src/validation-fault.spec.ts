import { z } from 'zod';
import { documentFaults } from './document-text.ts';
import { parseWith } from './validation-fault.ts';

describe('the path of a fault', () => {
  it('shows a member without a name', () => {
    const schema = z.strictObject({ a: z.strictObject({}) });
    const parsed = parseWith(schema, { '': 1, a: { '': 2 } });
    expect(parsed.ok ? [] : parsed.faults.map(({ field }) => field).sort()).toEqual(['""', 'a.""']);
    expect(documentFaults({ a: { '': '\u0000' } }).map(({ field }) => field)).toEqual(['policy.a.""']);
  });
});
