import { HostTurns } from './host-turns.ts';

/** Work that ends when the test says so. */
function work() {
  let end: () => void = () => undefined;
  const state = { hasBegun: false };
  const ended = new Promise<void>((done) => (end = done));
  const run = (): Promise<void> => {
    state.hasBegun = true;
    return ended;
  };
  return Object.assign(state, { run, end: () => end() });
}

const settled = () => new Promise((done) => setImmediate(done));
const never = new AbortController().signal;

describe('turns of a host', () => {
  it('come in the order of those who wait, and not from another host', async () => {
    const turns = new HostTurns(1);
    const [first, second, third, elsewhere] = [work(), work(), work(), work()];
    for (const each of [first, second, third]) void turns.run('a', never, each.run);
    void turns.run('b', never, elsewhere.run);
    await settled();
    expect([first, second, third, elsewhere].map((each) => each.hasBegun)).toEqual([true, false, false, true]);
    first.end();
    await settled();
    expect([second.hasBegun, third.hasBegun]).toEqual([true, false]);
  });

  it('pass over who gave up waiting', async () => {
    const turns = new HostTurns(1);
    const [first, second, third] = [work(), work(), work()];
    const giveUp = new AbortController();
    void turns.run('a', never, first.run);
    const waiting = turns.run('a', giveUp.signal, second.run);
    void turns.run('a', never, third.run);
    giveUp.abort(new Error('too long'));
    await expect(waiting).rejects.toThrow('too long');
    first.end();
    await settled();
    expect([second.hasBegun, third.hasBegun]).toEqual([false, true]);
  });

  it('are free again after work that failed', async () => {
    const turns = new HostTurns(1);
    await expect(turns.run('a', never, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await turns.run('a', never, () => Promise.resolve('done'))).toBe('done');
  });

  it('are not taken by who gave up before', async () => {
    const turns = new HostTurns(1);
    await expect(turns.run('a', AbortSignal.abort(new Error('gone')), () => Promise.resolve())).rejects.toThrow('gone');
    expect(await turns.run('a', never, () => Promise.resolve('done'))).toBe('done');
  });
});
