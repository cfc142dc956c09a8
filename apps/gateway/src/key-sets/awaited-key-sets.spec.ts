import { NOTES_MAX } from './awaited-key-sets.ts';
import { failed } from './fetched-document.ts';
import { served } from './testing/hand-driven-documents.ts';
import { ADDRESS, DOWN, OTHER, rig, user } from './testing/key-sets-rig.ts';

const SHOWN = 'https://idp.test/jwks';
const note = (proxyId: string, deployment: number, said: object, address = SHOWN) => ({
  ...{ proxyId, deployment, address },
  ...said,
});
const FETCHING = { state: 'fetching' };
const FAILED = { state: 'failed', reason: 'unreachable ECONNREFUSED' };

describe('what a gateway says of key sets that a deployment brought', () => {
  it('is that they are being fetched, then nothing more once they are there', async () => {
    const { sets, documents, told } = rig();
    sets.follow({ added: [user('shop', 3, ADDRESS, OTHER)], dropped: [] });
    expect(sets.notes()).toEqual([note('shop', 3, FETCHING), note('shop', 3, FETCHING, OTHER)]);
    const before = told.notes;
    await documents.answer(served(300, 'a'));
    expect([sets.notes(), told.notes]).toEqual([[note('shop', 3, FETCHING, OTHER)], before + 1]);
    await documents.answer(served(300, 'a'));
    expect([sets.notes(), told.notes]).toEqual([[], before + 2]);
  });

  it('is why they cannot be fetched, until they are there, and never a query', async () => {
    const { sets, documents, told, pass, name } = rig();
    name(ADDRESS);
    await documents.answer(DOWN);
    expect(sets.notes()).toEqual([note('p', 1, FAILED)]);
    const failing = told.notes;
    pass(30);
    sets.refreshDue();
    expect(sets.notes()).toEqual([note('p', 1, FAILED)]);
    await documents.answer(DOWN);
    expect(told.notes).toBe(failing);
    pass(30);
    sets.refreshDue();
    await documents.answer(failed('timeout'));
    expect([sets.notes(), told.notes]).toEqual([[note('p', 1, { state: 'failed', reason: 'timeout' })], failing + 1]);
    pass(30);
    sets.refreshDue();
    await documents.answer(served(300, 'a'));
    expect(sets.notes()).toEqual([]);
    expect(JSON.stringify(sets.notes())).not.toContain('s3cret');
  });

  it('is of the deployment that is live, and ends with it', async () => {
    const { sets, documents } = rig();
    sets.follow({ added: [user('shop', 1, ADDRESS), user('stock', 2, ADDRESS)], dropped: [] });
    await documents.answer(DOWN);
    sets.follow({ added: [user('shop', 3, ADDRESS)], dropped: [user('shop', 1, ADDRESS)] });
    expect(sets.notes()).toEqual([note('shop', 3, FAILED), note('stock', 2, FAILED)]);
    sets.follow({ added: [], dropped: [user('stock', 2, ADDRESS)] });
    expect(sets.notes()).toEqual([note('shop', 3, FAILED)]);
    sets.follow({ added: [], dropped: [user('shop', 3, ADDRESS)] });
    expect(sets.notes()).toEqual([]);
  });

  it('is nothing when the set was there already, or fails after it was', async () => {
    const { sets, documents, pass, holding } = rig();
    await holding(300, 'a');
    sets.follow({ added: [user('stock', 2, ADDRESS)], dropped: [] });
    expect(sets.notes()).toEqual([]);
    pass(240);
    sets.refreshDue();
    await documents.answer(DOWN);
    sets.obey({ flushes: [{ uri: null, number: 1 }], denied: [] });
    await documents.answer(DOWN);
    expect(sets.notes()).toEqual([]);
    // Of a deployment that comes only now, it is what is known.
    sets.follow({ added: [user('late', 3, ADDRESS)], dropped: [] });
    expect(sets.notes()).toEqual([note('late', 3, FAILED)]);
  });

  it('is no more than a lease can hold: the newest', () => {
    const { sets } = rig();
    const added = Array.from({ length: 2 * NOTES_MAX }, (_, n) => user(`p${n}`, n, ADDRESS));
    sets.follow({ added, dropped: [] });
    const told = sets.notes().map(({ deployment }) => deployment);
    expect(told).toEqual(Array.from({ length: NOTES_MAX }, (_, n) => 2 * NOTES_MAX - 1 - n));
  });
});
