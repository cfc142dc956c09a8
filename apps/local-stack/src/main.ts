import path from 'node:path';
import { EmbeddedServerError } from '#libs/embedded-servers';
import { explainFault } from './console-lines.ts';
import { LocalStack } from './local-stack.ts';
import { StackFault } from './stack-fault.ts';
import { readStackOptions, type StackOptions } from './stack-options.ts';
import { StopRequests } from './stop-signals.ts';

const KILLED_BY_CTRL_C = 130;

function explain(error: unknown): void {
  const isExpected = error instanceof StackFault || error instanceof EmbeddedServerError;
  console.error(isExpected ? explainFault(error) : error);
  process.exitCode = 1;
}

function readOptions(): StackOptions | null {
  try {
    return readStackOptions(process.argv.slice(2), process.env);
  } catch (error) {
    explain(error);
    return null;
  }
}

/** Calls `stop` at the first signal and `kill` at the second; resolves when a first signal came. */
function untilToldToStop(kill: () => void): Promise<void> {
  const requests = new StopRequests();
  return new Promise((resolve) => {
    const onSignal = (): void => {
      const request = requests.note(performance.now());
      if (request === 'first') resolve();
      if (request !== 'again') return;
      console.error('killed; the next npm run up tidies up');
      kill();
      process.exit(KILLED_BY_CTRL_C);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}

async function run(options: StackOptions): Promise<void> {
  const appsDirectory = path.resolve(import.meta.dirname, '..', '..');
  const stack = new LocalStack(options, appsDirectory, (line) => console.log(line));
  const told = untilToldToStop(() => stack.kill());
  let isTold = false;
  void told.then(() => (isTold = true));
  const started = stack.start().then(
    () => true,
    (error: unknown) => {
      // What was interrupted by stopping is no fault.
      if (!isTold) explain(error);
      return false;
    },
  );
  if (await Promise.race([started, told.then(() => true)])) await told;
  await stack.stop();
  // Whatever is still open (an idle connection, a probe) must not keep us: everything has been stopped and awaited.
  process.exit();
}

const options = readOptions();
if (options !== null) await run(options);
