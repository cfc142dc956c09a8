import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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
});
