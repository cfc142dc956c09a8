import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BadSettings } from '#libs/program-shell';
import { generatedAdminToken, generatedMasterKey } from './generated-secret.ts';

describe('a generated secret', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = path.join(mkdtempSync(path.join(os.tmpdir(), 'gatewarden-secret-')), 'data');
  });
  afterEach(() => rmSync(path.dirname(dataDir), { recursive: true, force: true }));

  it('is made once and read from then on', () => {
    const [token, key] = [generatedAdminToken(dataDir), generatedMasterKey(dataDir)];
    expect(generatedAdminToken(dataDir)).toBe(token);
    expect(generatedMasterKey(dataDir)).toEqual(key);
    expect(token).toMatch(/^gwt_[\w-]{43}$/);
    expect(key).toHaveLength(32);
  });

  it('is readable by its owner only', () => {
    generatedAdminToken(dataDir);
    generatedMasterKey(dataDir);
    for (const file of ['admin-token', 'master-key']) {
      expect(statSync(path.join(dataDir, file)).mode & 0o777).toBe(0o600);
    }
  });

  it('that was cut off is no key: it is refused by the name of its file, and left as it is', () => {
    mkdirSync(dataDir);
    const file = path.join(dataDir, 'master-key');
    for (const content of ['', Buffer.alloc(31).toString('base64')]) {
      writeFileSync(file, content);
      const read = () => generatedMasterKey(dataDir);
      expect(read).toThrow(BadSettings);
      expect(read).toThrow(file);
      expect(statSync(file).size).toBe(content.length);
    }
  });
});
