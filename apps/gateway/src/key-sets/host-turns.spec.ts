import { HostTurns, type TurnWish } from './host-turns.ts';

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
const at = (host: string, signal: AbortSignal, rank: TurnWish['rank'] = 'first'): TurnWish => ({ host, signal, rank });

describe('turns of a host', () => {
  it('come in the order of those who wait, and not from another host', async () => {
    const turns = new HostTurns(1);
    const [first, second, third, elsewhere] = [work(), work(), work(), work()];
    for (const each of [first, second, third]) void turns.run(at('a', never), each.run);
    void turns.run(at('b', never), elsewhere.run);
    await settled();
    expect([first, second, third, elsewhere].map((each) => each.hasBegun)).toEqual([true, false, false, true]);
    first.end();
    await settled();
    expect([second.hasBegun, third.hasBegun]).toEqual([true, false]);
  });

  it('come to whoever is first before those who came earlier and are last', async () => {
    const turns = new HostTurns(1);
    const [running, last, first, second] = [work(), work(), work(), work()];
    void turns.run(at('a', never, 'last'), running.run);
    void turns.run(at('a', never, 'last'), last.run);
    for (const each of [first, second]) void turns.run(at('a', never), each.run);
    const begun: boolean[][] = [];
    for (const each of [running, first, second]) {
      each.end();
      await settled();
      begun.push([first, second, last].map(({ hasBegun }) => hasBegun));
    }
    expect(begun).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
  });

  it('pass over who gave up waiting', async () => {
    const turns = new HostTurns(1);
    const [first, second, third] = [work(), work(), work()];
    const giveUp = new AbortController();
    void turns.run(at('a', never), first.run);
    const waiting = turns.run(at('a', giveUp.signal), second.run);
    void turns.run(at('a', never), third.run);
    giveUp.abort(new Error('too long'));
    await expect(waiting).rejects.toThrow('too long');
    first.end();
    await settled();
    expect([second.hasBegun, third.hasBegun]).toEqual([false, true]);
  });

  it('are free again after work that failed', async () => {
    const turns = new HostTurns(1);
    await expect(turns.run(at('a', never), () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await turns.run(at('a', never), () => Promise.resolve('done'))).toBe('done');
  });

  it('are not taken by who gave up before', async () => {
    const turns = new HostTurns(1);
    await expect(turns.run(at('a', AbortSignal.abort(new Error('gone'))), () => Promise.resolve())).rejects.toThrow(
      'gone',
    );
    expect(await turns.run(at('a', never), () => Promise.resolve('done'))).toBe('done');
  });
});
