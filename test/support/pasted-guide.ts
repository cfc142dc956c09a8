import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Longer than any loop of a guide waits, also while the whole suite runs on few cores. */
const OVER_WITHIN_MS = 100_000;

/** The `sh` blocks of a guide, pasted into a shell that knows a run's own addresses. */
export class PastedGuide {
  /** All but the first block, which holds the reader's own addresses. */
  readonly script: string;
  private shell: ChildProcess | undefined;

  /** @param guide path below the project's root */
  constructor(guide: string) {
    const text = readFileSync(path.join(ROOT, guide), 'utf8');
    const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
    this.script = blocks.slice(1).join('\n');
    this.shell = undefined;
  }

  /** Everything that the blocks print. `settings` are the variables of the first block. */
  async paste(
    settings: Readonly<Record<string, string>>,
    script = this.script,
    overWithinMs = OVER_WITHIN_MS,
  ): Promise<string> {
    const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...settings };
    const shell = spawn('bash', ['-c', `set -m\n${script}`], {
      cwd: ROOT,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.shell = shell;
    let output = '';
    shell.stdout.on('data', (data: Buffer) => (output += data.toString('utf8')));
    shell.stderr.on('data', (data: Buffer) => (output += data.toString('utf8')));
    const isOver = await Promise.race([
      once(shell, 'close').then(() => true),
      new Promise<false>((resolve) => setTimeout(() => resolve(false), overWithinMs).unref()),
    ]);
    if (!isOver) throw new Error(`not over after ${overWithinMs} ms:\n${output}`);
    return output;
  }

  /** Ends what a block left running when a later one failed. */
  end(): void {
    if (this.shell?.pid === undefined) return;
    try {
      process.kill(-this.shell.pid, 'SIGKILL');
    } catch {
      // nothing was left
    }
  }
}
