import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ErrorLines, toErrorLine } from './error-lines.ts';

describe('what a person sees of a log line', () => {
  it.each([
    ['{"level":"error","msg":"queue lost","err":{"message":"ECONNREFUSED"}}', 'queue lost: ECONNREFUSED'],
    ['{"level":"fatal","msg":"gone","err":{"message":"gone"}}', 'gone'],
    ['{"level":"warn","msg":"hm"}', null],
    ['{"level":"info","msg":"fine"}', null],
    ['TypeError: x is not a function', 'TypeError: x is not a function'],
    ['    at main.ts:3:4', null],
    ['', null],
    ['null', null],
  ])('%s → %s', (line, shown) => {
    expect(toErrorLine(line)).toBe(shown);
  });
});

describe('following a log file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-log-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const follow = () => {
    const file = path.join(directory, 'x.log');
    appendFileSync(file, '{"level":"error","msg":"from before"}\n');
    const seen: string[] = [];
    return { file, seen, lines: new ErrorLines(file, (line) => seen.push(line)) };
  };

  it('reports errors written from now on, also one that comes in two parts', () => {
    const { file, seen, lines } = follow();
    appendFileSync(file, '{"level":"error","msg":"one"}\n{"level":"error",');
    lines.look();
    expect(seen).toEqual(['one']);
    appendFileSync(file, '"msg":"two"}\n');
    lines.stop();
    expect(seen).toEqual(['one', 'two']);
  });

  it('reports an error that is repeated only once', () => {
    const { file, seen, lines } = follow();
    for (const msg of ['same', 'same', 'other', 'same']) appendFileSync(file, `{"level":"error","msg":"${msg}"}\n`);
    lines.stop();
    expect(seen).toEqual(['same', 'other', 'same']);
  });
});
