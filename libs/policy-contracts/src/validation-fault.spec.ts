import { z } from 'zod';
import { parseWith } from './validation-fault.ts';

describe('the path of a fault', () => {
  it('shows a member without a name', () => {
    const schema = z.strictObject({ a: z.strictObject({}) });
    const parsed = parseWith(schema, { '': 1, a: { '': 2 } });
    expect(parsed.ok ? [] : parsed.faults.map(({ field }) => field).sort()).toEqual(['""', 'a.""']);
  });
});
