import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from '../support/until.ts';

/** A server that others wrote, until it is stopped. */
export class StrangeProgram {
  private text = '';

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data: Buffer) => (this.text += data.toString('utf8')));
    }
  }

  /** Ends when it listens at a port of 127.0.0.1. */
  static async start(command: string, args: readonly string[], port: number): Promise<StrangeProgram> {
    const program = new StrangeProgram(spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
    const listens = async (): Promise<boolean> => {
      if (program.child.exitCode !== null) throw new Error(program.text);
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect').finally(() => socket.destroy());
      return true;
    };
    await until(`${command} listens`, listens);
    return program;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }
}
