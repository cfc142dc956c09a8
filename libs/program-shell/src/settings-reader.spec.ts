import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SettingsReader } from './settings-reader.ts';

describe('a secret in a file', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'secret-files-'));
  const place = (name: string, text: string): string => {
    const file = path.join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  afterAll(() => rmSync(directory, { recursive: true }));

  const readerOf = (variables: Readonly<Record<string, string>>) => new SettingsReader(variables, ['KEY']);

  it.each([
    ['as it is', 'hunter2', 'hunter2'],
    ['without the line end that an editor adds', 'hunter2\n', 'hunter2'],
    ['without line ends of Windows', 'hunter2\r\n\r\n', 'hunter2'],
    ['with its blanks', ' hunter 2 ', ' hunter 2 '],
  ])('is taken %s', (_how, content, secret) => {
    const reader = readerOf({ KEY_FILE: place('key', content) });
    expect(reader.required('KEY', 'a key', (text) => text)).toBe(secret);
    expect(reader.faults).toEqual([]);
  });

  it('may be behind a link, as Kubernetes has it', () => {
    const link = path.join(directory, 'link');
    symlinkSync(place('target', 'hunter2'), link);
    expect(readerOf({ KEY_FILE: link }).text('KEY')).toBe('hunter2');
  });

  it('is read once, so that two looks never differ', () => {
    const file = place('once', 'first');
    const reader = readerOf({ KEY_FILE: file });
    expect(reader.text('KEY')).toBe('first');
    writeFileSync(file, 'second');
    expect(reader.text('KEY')).toBe('first');
  });

  it.each([
    ['is not there', (): string => path.join(directory, 'none'), /^KEY_FILE cannot be read \(ENOENT\)$/],
    ['is a directory', (): string => directory, /^KEY_FILE is not a file$/],
    ['holds only a line end', (): string => place('empty', '\n'), /^KEY_FILE is empty$/],
    ['is too long', (): string => place('long', 'x'.repeat(65_537)), /^KEY_FILE has more than 65536 bytes$/],
  ])('is one fault, by the name of its setting alone, when the file %s', (_what, file, fault) => {
    const reader = readerOf({ KEY_FILE: file() });
    expect(reader.required('KEY', 'a key', (text) => text)).toBeUndefined();
    expect(reader.isGiven('KEY')).toBe(true);
    expect(reader.faults).toEqual([expect.stringMatching(fault)]);
  });

  it('is refused beside the setting itself', () => {
    const reader = readerOf({ KEY: 'hunter2', KEY_FILE: place('both', 'hunter3') });
    expect(reader.text('KEY')).toBeUndefined();
    expect(reader.faults).toEqual(['KEY_FILE and KEY are both set: give one of them']);
  });

  it('is checked as the setting is, and a fault never says what it holds', () => {
    const reader = readerOf({ KEY_FILE: place('wrong', 'hunter2') });
    reader.parsed('KEY', 'a number', () => undefined);
    expect(reader.faults).toEqual(['KEY must be a number']);
  });

  it('is for secrets only: other settings have no such form', () => {
    expect(new SettingsReader({ HOST_FILE: place('host', 'h') }, ['KEY']).text('HOST')).toBeUndefined();
  });
});
