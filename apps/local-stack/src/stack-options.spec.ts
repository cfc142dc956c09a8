import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readStackOptions } from './stack-options.ts';

describe('the options of npm run up', () => {
  it('have the documented defaults', () => {
    expect(readStackOptions([], {})).toEqual({
      controlPlanePort: 3000,
      gatewayPort: 8080,
      adminPort: 9090,
      upstreamPort: 4000,
      dataDir: path.resolve('.data'),
      demo: true,
      redisUrl: undefined,
      adminToken: undefined,
      environment: { LOG_LEVEL: 'warn' },
    });
  });

  it('take every flag, joined by = or not', () => {
    const argv = ['--port', '1', '--gateway-port=2', '--admin-port', '4', '--upstream-port', '6', '--data-dir', '/d'];
    expect(readStackOptions([...argv, '--no-demo'], { REDIS_URL: 'redis://r' })).toMatchObject({
      controlPlanePort: 1,
      gatewayPort: 2,
      adminPort: 4,
      upstreamPort: 6,
      dataDir: '/d',
      demo: false,
      redisUrl: 'redis://r',
    });
  });

  it.each([
    [['--port', 'abc'], '--port must be a port, 1 to 65535: abc'],
    [['--gateway-port', '65535'], '--gateway-port must be a port, 1 to 65534: 65535'],
    [['--port', '0', '--upstream-port', '-1'], "Option '--upstream-port' argument is ambiguous"],
    [['--wrong'], "Unknown option '--wrong'"],
    [['stray'], "Unexpected argument 'stray'"],
  ])('refuse %j and say why', (argv, message) => {
    expect(() => readStackOptions(argv, {})).toThrow(message);
  });

  it('name every bad port at once', () => {
    expect(() => readStackOptions(['--port', '0', '--admin-port', 'x'], {})).toThrow(
      /--port must[^]*--admin-port must/,
    );
  });

  it('hand the environment on, but not the settings that belong to one process alone', () => {
    const { environment } = readStackOptions([], {
      PATH: '/bin',
      ROLES: 'api',
      ROOT_CONTEXT: '/x',
      LOG_LEVEL: 'debug',
    });
    expect(environment).toEqual({ PATH: '/bin', LOG_LEVEL: 'debug' });
  });
});

describe('npm run up -- --help', () => {
  it('names every flag, and needs neither dependencies nor a build', () => {
    const bare = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-bare-'));
    try {
      cpSync('scripts', path.join(bare, 'scripts'), { recursive: true });
      const help = spawnSync(process.execPath, ['scripts/up.mjs', '--help'], { cwd: bare, encoding: 'utf8' });
      expect(help.status).toBe(0);
      for (const flag of ['port', 'gateway-port', 'admin-port', 'upstream-port', 'data-dir', 'no-demo']) {
        expect(help.stdout).toMatch(new RegExp(`^ +--${flag} `, 'm'));
      }
      const wrong = spawnSync(process.execPath, ['scripts/up.mjs', '--wrong'], { cwd: bare, encoding: 'utf8' });
      expect(wrong).toMatchObject({ status: 1, stdout: '' });
      expect(wrong.stderr).toContain("Unknown option '--wrong'");
      expect(wrong.stderr).not.toContain('    at ');
    } finally {
      rmSync(bare, { recursive: true, force: true });
    }
  });
});
