import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A Node process of its own that runs a few lines against this lib, e.g. to be killed with -9. */
export interface ChildScript {
  readonly child: ChildProcess;
  /** The next line it prints. */
  nextLine(): Promise<string>;
  /** Resolves once it has gone. */
  readonly ended: Promise<void>;
  killHard(): Promise<void>;
}

const started: ChildScript[] = [];

/** To be called in `afterEach`: a test that failed half-way leaves its children behind. */
export async function killChildScripts(): Promise<void> {
  await Promise.all(started.splice(0).map((script) => script.killHard()));
}

/** @param body statements of a module that may import `#libs/embedded-servers` */
export function runChildScript(body: string): ChildScript {
  const args = ['--import', './test/support/import-typescript.mjs', '--input-type=module', '-e', body];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const script: ChildScript = {
    child,
    ended,
    nextLine: async () => {
      const line = await lines.next();
      if (line.done) throw new Error('the child ended without printing');
      return line.value;
    },
    killHard: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
  started.push(script);
  return script;
}
