import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProjectTurns } from './project-turns.ts';

/** Calls that take what they are given, piece by piece, until they are let go. */
function calls(turns: ProjectTurns) {
  const begun: string[] = [];
  let open = (): void => undefined;
  const letGo = new Promise<void>((resolve) => (open = resolve));
  const call = (project: string, pieces = 1): Promise<void> =>
    turns.call(project, async () => {
      for (let piece = 0; piece < pieces; piece += 1) {
        await turns.piece(async () => {
          begun.push(project);
          await letGo;
        });
      }
    });
  return { begun, call, open: () => open() };
}

describe('turns of projects', () => {
  it('do one call of each project at a time, and two pieces of work of all of them', async () => {
    const { begun, call, open } = calls(new ProjectTurns('keys', 10));
    const all = ['a', 'a', 'a', 'b', 'c'].map((project) => call(project));
    await nextTurn();
    expect(begun).toEqual(['a', 'b']);
    open();
    await Promise.all(all);
    expect(begun.sort()).toEqual(['a', 'a', 'a', 'b', 'c']);
  });

  it('let others in between the pieces of a long call', async () => {
    const turns = new ProjectTurns('keys', 10);
    const { begun, call, open } = calls(turns);
    const all = [call('a', 50), call('b', 50), call('c')];
    await nextTurn();
    open();
    await Promise.all(all);
    expect(begun.indexOf('c')).toBeLessThan(6);
  });

  it('refuse what would wait behind too many of its own project, and of no other', async () => {
    const { call, open } = calls(new ProjectTurns('keys', 2));
    const waiting = [call('a'), call('a'), call('a')];
    await expect(call('a')).rejects.toMatchObject({
      ...{ code: 'UNAVAILABLE', message: expect.stringContaining('too many keys of this project') as string },
    });
    const other = call('b');
    open();
    await Promise.all([...waiting, other]);
    await call('a');
  });
});
