import { openFamily, type FamilyRecord } from '../family/family-record.ts';
import { rulesWith, someSubject, T0_MS } from '../testing/index.ts';
import { KnownRecords } from './known-records.ts';

const recordOf = (hash: string): FamilyRecord =>
  openFamily(someSubject(), { hash, rules: rulesWith({}), nowMs: T0_MS, gatewayId: undefined });
const place = (familyId: string) => ({ tag: 'tag', familyId });

describe('records that are known', () => {
  it('are found by the very text that lies in Redis, at their place alone', () => {
    const known = new KnownRecords();
    const record = recordOf('one');
    known.add(place('family'), 'sealed', record);
    expect(known.find(place('family'), 'sealed')).toBe(record);
    expect(known.find(place('family'), 'sealed otherwise')).toBeUndefined();
    expect(known.find(place('other'), 'sealed')).toBeUndefined();
    expect(known.find({ tag: 'other', familyId: 'family' }, 'sealed')).toBeUndefined();
  });

  it('are the latest of each family', () => {
    const known = new KnownRecords();
    const [first, second] = [recordOf('one'), recordOf('two')];
    known.add(place('family'), 'first', first);
    known.add(place('family'), 'second', second);
    expect(known.find(place('family'), 'first')).toBeUndefined();
    expect(known.find(place('family'), 'second')).toBe(second);
  });

  it('are of so many families, the first of which are forgotten first', () => {
    const known = new KnownRecords(2);
    for (const familyId of ['one', 'two', 'three']) known.add(place(familyId), familyId, recordOf(familyId));
    const left = ['one', 'two', 'three'].filter((familyId) => known.find(place(familyId), familyId) !== undefined);
    expect(left).toEqual(['two', 'three']);
  });
});
