import { createServer } from 'node:net';
import { StackFault } from './stack-fault.ts';
import { type StackOptions } from './stack-options.ts';

/** A port of 127.0.0.1 that the stack is going to listen on. */
export interface WantedPort {
  readonly port: number;
  readonly purpose: string;
  readonly flag: string;
}

export const portsOf = (options: StackOptions): readonly WantedPort[] => [
  { port: options.controlPlanePort, purpose: 'the control plane', flag: '--port' },
  { port: options.gatewayPort, purpose: 'gateway-1', flag: '--gateway-port' },
  { port: options.gatewayPort + 1, purpose: 'gateway-2', flag: '--gateway-port' },
  { port: options.adminPort, purpose: 'the admin port of gateway-1', flag: '--admin-port' },
  { port: options.adminPort + 1, purpose: 'the admin port of gateway-2', flag: '--admin-port' },
  ...(options.demo ? [{ port: options.upstreamPort, purpose: 'the sample upstream', flag: '--upstream-port' }] : []),
];

/** Null when it can be listened on; else the system's reason. */
function tryToListen(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(null)));
  });
}

/**
 * Looks at every port before anything is started.
 *
 * @throws StackFault `PORT_TAKEN` that names each taken port, what it is for and its flag
 */
export async function checkPorts(wanted: readonly WantedPort[]): Promise<void> {
  const problems: string[] = [];
  const remedies: string[] = [];
  const seen = new Map<number, string>();
  for (const { port, purpose, flag } of wanted) {
    const other = seen.get(port);
    seen.set(port, purpose);
    const reason = other === undefined ? await tryToListen(port) : `wanted for ${other}`;
    if (reason === null) continue;
    problems.push(`port ${port}, for ${purpose}, ${explain(reason)}`);
    remedies.push(`another port for ${purpose}: npm run up -- ${flag} <port>`);
    if (reason === 'EADDRINUSE') remedies.push(`who has it: ss -ltnp 'sport = :${port}'   or: lsof -i :${port}`);
  }
  if (problems.length > 0) throw new StackFault('PORT_TAKEN', problems.join('\n'), [...new Set(remedies)]);
}

function explain(reason: string): string {
  if (reason === 'EADDRINUSE') return 'is taken by another program';
  if (reason === 'EACCES') return 'needs privileges this user does not have';
  return `cannot be used: ${reason}`;
}
