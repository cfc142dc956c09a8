import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openAccessOutput } from './access-output.ts';

describe('openAccessOutput', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'access-output-'));
  afterAll(() => fs.rmSync(directory, { recursive: true }));
  const lineOf = (number: number): string => `${JSON.stringify({ number, filler: 'x'.repeat(number % 700) })}\n`;

  it('has written every line when it is closed', () => {
    const file = path.join(directory, 'log');
    const descriptor = fs.openSync(file, 'a');
    const output = openAccessOutput(descriptor, () => undefined);
    for (let number = 0; number < 2_000; number += 1) output.write(lineOf(number));
    output.close();
    fs.closeSync(descriptor);
    expect(fs.readFileSync(file, 'utf8')).toBe(Array.from({ length: 2_000 }, (_, number) => lineOf(number)).join(''));
  });

  it('loses lines, and says how many, rather than waiting for a reader or growing; what it keeps stays whole', async () => {
    const pipe = path.join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const descriptor = fs.openSync(pipe, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    let dropped = 0;
    const output = openAccessOutput(descriptor, () => (dropped += 1));
    const written = 20_000;
    for (let number = 0; number < written; number += 1) output.write(lineOf(number));
    expect(dropped).toBeGreaterThan(written / 10);

    const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pieces: Buffer[] = [];
    reader.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    const expected = written - dropped;
    const linesSoFar = (): number => pieces.reduce((sum, piece) => sum + piece.toString().split('\n').length - 1, 0);
    while (linesSoFar() < expected) await once(reader.stdout, 'data');
    output.close();
    reader.kill();
    await once(reader, 'close');
    fs.closeSync(descriptor);
    const lines = Buffer.concat(pieces).toString().trimEnd().split('\n');
    expect(lines).toHaveLength(expected);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('number');
  });
});
