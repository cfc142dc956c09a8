import { StreamHeads } from './stream-heads.ts';

const head = (version: number) => ({ version, mac: Buffer.alloc(32, version) });

describe('the heads of streams that a process remembers', () => {
  it('are the last ones', () => {
    const heads = new StreamHeads();
    heads.remember('a', head(1));
    heads.remember('a', head(2));
    expect(heads.get('a')).toEqual(head(2));
    expect(heads.get('b')).toBeUndefined();
  });

  it('are so many and no more: what was not appended to for the longest is forgotten', () => {
    const heads = new StreamHeads(2);
    for (const streamId of ['a', 'b', 'a', 'c']) heads.remember(streamId, head(1));
    expect(['a', 'b', 'c'].filter((streamId) => heads.get(streamId) !== undefined)).toEqual(['a', 'c']);
  });
});
