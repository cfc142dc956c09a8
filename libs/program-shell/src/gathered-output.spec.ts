import { once } from 'node:events';
import { gatheredOutput } from './gathered-output.ts';
import { createLogger } from './logger.ts';

const turnIsOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('gathered output', () => {
  let written: string[];
  let output: ReturnType<typeof gatheredOutput>;
  beforeEach(() => {
    written = [];
    output = gatheredOutput({ write: (text) => void written.push(text) });
  });

  it('writes the lines of one turn at once, in their order, and those of the next after them', async () => {
    output.write('one\n');
    output.write('two\n');
    expect(written).toEqual([]);
    await turnIsOver();
    expect(written).toEqual(['one\ntwo\n']);
    output.write('three\n');
    await turnIsOver();
    expect(written).toEqual(['one\ntwo\n', 'three\n']);
  });

  it.each(['warn', 'error', 'fatal'] as const)('writes at once what is %s, with what came before it', (level) => {
    const logger = createLogger('info', output);
    logger.info('before');
    expect(written).toEqual([]);
    logger[level]('now');
    expect(written.map((text) => text.split('\n').length - 1)).toEqual([2]);
    logger.info('after');
    expect(written).toHaveLength(1);
  });

  it('does not wait with what is much', () => {
    const much = 'x'.repeat(65_536);
    output.write(much);
    expect(written).toEqual([much]);
  });

  it('keeps nothing back at the end of the process', async () => {
    const { spawn } = await import('node:child_process');
    const entry = JSON.stringify(new URL('./gathered-output.ts', import.meta.url).href);
    const hooks = new URL('../../../test/support/import-typescript.mjs', import.meta.url).pathname;
    const program = `const { gatheredOutput } = await import(${entry}); gatheredOutput().write('last\\n'); process.exit(3);`;
    const options = ['--no-warnings', '--import', hooks, '--input-type=module', '--eval', program];
    const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect([code, text]).toEqual([3, 'last\n']);
  });
});
