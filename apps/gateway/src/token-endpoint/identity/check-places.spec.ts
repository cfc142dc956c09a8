import { CheckPlaces } from './check-places.ts';

const rig = (runningCount: number, waitingCount: number) => {
  const places = new CheckPlaces({ runningCount, waitingCount });
  const entered: string[] = [];
  const take = async (network: string, who = network): Promise<string> => {
    const how = await places.take(network);
    if (how !== 'full') entered.push(who);
    return how;
  };
  return { places, entered, take };
};

describe('places for password checks', () => {
  it('are given at once, then in the order of asking, one for one that is left', async () => {
    const { places, entered, take } = rig(2, 8);
    const all = ['a', 'b', 'c', 'd'].map((who) => take(who));
    expect(await Promise.all(all.slice(0, 2))).toEqual(['at-once', 'at-once']);
    expect(entered).toEqual(['a', 'b']);
    expect([places.runningCount, places.waitingCount]).toEqual([2, 2]);
    places.leave();
    expect(await all[2]).toBe('after-waiting');
    expect(entered).toEqual(['a', 'b', 'c']);
    for (let n = 0; n < 3; n += 1) places.leave();
    expect(await all[3]).toBe('after-waiting');
    expect([places.runningCount, places.waitingCount]).toEqual([0, 0]);
    expect(await take('e')).toBe('at-once');
  });

  it('are full when as many wait as may', async () => {
    const { take } = rig(1, 4);
    void ['a', 'b', 'c', 'd', 'e'].map((who) => take(who));
    expect(await take('f')).toBe('full');
  });

  it('are waited for by one address on a quarter of the line only', async () => {
    const { places, take } = rig(1, 8);
    void ['flood', 'flood', 'flood'].map((who) => take(who));
    expect(await take('flood')).toBe('full');
    expect(places.waitingCount).toBe(2);
    const other = take('other');
    for (let n = 0; n < 3; n += 1) places.leave();
    expect(await other).toBe('after-waiting');
  });

  it('may be waited for by one of each address, however short the line', async () => {
    const { take } = rig(1, 2);
    void ['a', 'b'].map((who) => take(who));
    expect(await take('b')).toBe('full');
    void take('c');
    expect(await take('d')).toBe('full');
  });
});
