import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '../../..');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gatewarden-supply-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string, args: readonly string[] = [], environment?: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'scripts', script), ...args], {
    encoding: 'utf8',
    ...(environment === undefined ? {} : { env: environment }),
  });
  return { status, stdout, stderr };
}

describe('the check of licences', () => {
  interface Locked {
    readonly license?: string;
    readonly dev?: boolean;
    readonly manifest?: object;
  }

  const checked = (packages: Readonly<Record<string, Locked>>) => {
    const locked = Object.entries(packages).map(([name, { manifest, ...entry }]) => {
      const place = `node_modules/${name}`;
      mkdirSync(path.join(folder, place), { recursive: true });
      writeFileSync(path.join(folder, place, 'package.json'), JSON.stringify(manifest ?? {}));
      return [place, { version: '1.0.0', ...entry }] as const;
    });
    const lock = { packages: { '': { name: 'project' }, ...Object.fromEntries(locked) } };
    writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify(lock));
    return run('check-licences.mjs', [folder]);
  };

  it.each([
    'MIT',
    'Apache-2.0',
    '(BSD-3-Clause OR GPL-2.0)',
    'Apache-2.0 AND MIT',
    'GPL-3.0 OR (MIT AND (ISC OR AGPL-3.0))',
  ])('lets %s pass', (license) => {
    expect(checked({ good: { license } })).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    'GPL-3.0',
    'AGPL-3.0-only',
    'SSPL-1.0',
    'MIT AND GPL-3.0',
    'GPL-3.0 AND MIT',
    'GPL-2.0 OR LGPL-3.0',
    '(MIT OR ISC',
    'MIT ISC',
    'Apache-2.0 WITH LLVM-exception',
    'SEE LICENSE IN LICENSE',
    'UNLICENSED',
    '',
  ])('fails for %j, naming the package', (license) => {
    const { status, stderr } = checked({ fine: { license: 'MIT' }, '@scope/bad': { license } });
    expect(status).toBe(1);
    expect(stderr).toContain('@scope/bad@1.0.0: ');
    expect(stderr).not.toContain('fine');
  });

  it('reads the older forms of a manifest where the lock says nothing, and fails where none does', () => {
    const old = { manifest: { licenses: [{ type: 'GPL-2.0' }, { type: 'MIT' }] } };
    expect(checked({ old, older: { manifest: { license: { type: 'ISC' } } } }).status).toBe(0);
    expect(checked({ old, silent: {} }).stderr).toContain('silent@1.0.0: none named');
  });

  it('lists what only builds and tests as well, by a wider list', () => {
    const passed = checked({ tool: { license: 'MPL-2.0', dev: true }, lib: { license: 'MIT' } });
    expect(passed).toMatchObject({ status: 0, stderr: '' });
    expect(passed.stdout).toContain('only for building and testing: 1\n1\tMPL-2.0\n');
    expect(checked({ tool: { license: 'GPL-3.0', dev: true } }).stderr).toContain('tool@1.0.0: GPL-3.0');
    expect(checked({ lib: { license: 'MPL-2.0' } }).status).toBe(1);
  });

  it('passes for what this project depends on', () => {
    const { status, stdout, stderr } = run('check-licences.mjs');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/licences: \d{3,} allowed, 0 not/);
  });
});

describe('the check for vulnerabilities', () => {
  /** An npm that answers what it is told: whether dev dependencies are left out decides which of the two. */
  const audited = (delivered: string, all: string) => {
    const npm = path.join(folder, 'npm');
    writeFileSync(path.join(folder, 'delivered'), delivered);
    writeFileSync(path.join(folder, 'all'), all);
    writeFileSync(
      npm,
      `#!/bin/sh\ncase "$*" in *--omit=dev*) /bin/cat "${folder}/delivered";; *) /bin/cat "${folder}/all";; esac\nexit 1\n`,
    );
    chmodSync(npm, 0o755);
    return run('check-dependencies.mjs', [], { PATH: folder });
  };
  const report = (...found: readonly (readonly [string, string])[]): string =>
    JSON.stringify({
      vulnerabilities: Object.fromEntries(
        found.map(([name, severity]) => [
          name,
          {
            ...{ name, severity, range: '<2.0.0', fixAvailable: true },
            via: [{ title: 'Bad things', url: 'https://advisories.example/1' }],
          },
        ]),
      ),
    });

  it('passes when nothing high or critical is known', () => {
    const { status, stdout } = audited(report(['low', 'low']), report(['low', 'low'], ['tool', 'moderate']));
    expect([status, stdout.match(/: 0 dependencies/g)?.length]).toEqual([0, 2]);
  });

  it.each(['high', 'critical'])('fails for %s in what is delivered, and names it and its advisory', (severity) => {
    const { status, stdout } = audited(report(['bad', severity]), report(['bad', severity]));
    expect(status).toBe(1);
    expect(stdout).toMatch(/^delivered: 1 .*\n {2}bad <2\.0\.0 .*Bad things https:\/\/advisories\.example\/1/m);
    expect(stdout).toContain('build and tests alone: 0 ');
  });

  it('fails for what only builds and tests too, and says that it is that', () => {
    const { status, stdout } = audited(report(), report(['tool', 'critical']));
    expect(status).toBe(1);
    expect(stdout).toMatch(/^build and tests alone: 1 .*\n {2}tool /m);
  });

  it.each([
    ['an error', '{"message":"405 Method Not Allowed","error":{"summary":"","detail":""}}'],
    ['nothing', ''],
    ['no JSON', '<html>a proxy</html>'],
    ['null', 'null'],
  ])('never passes in silence: %s from the registry is another exit status, and said so', (_what, answer) => {
    for (const [delivered, all] of [
      [answer, report()],
      [report(), answer],
    ] as const) {
      const { status, stderr } = audited(delivered, all);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^NOT CHECKED: /);
    }
  });
});

describe('npm run sbom', () => {
  it('lists what is delivered with its licences, and no tool of the tests', () => {
    const { status, stdout } = run('sbom.mjs');
    expect(status).toBe(0);
    const { bomFormat, components } = JSON.parse(stdout) as {
      bomFormat: string;
      components: { name: string; version: string; purl: string; licenses?: unknown[] }[];
    };
    expect(bomFormat).toBe('CycloneDX');
    const names = components.map(({ name }) => name);
    const { dependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies).filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name) => ['jest', 'eslint', 'prettier'].includes(name))).toEqual([]);
    expect(components.filter(({ purl, licenses }) => !purl.startsWith('pkg:npm/') || !licenses?.length)).toEqual([]);
  });
});
