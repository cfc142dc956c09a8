import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { checkPorts } from './ports.ts';
import { StackFault } from './stack-fault.ts';

async function occupy(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

const release = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

const faultOf = async (checking: Promise<void>): Promise<StackFault> => {
  const fault = await checking.then(
    () => null,
    (error: unknown) => error,
  );
  if (fault instanceof StackFault) return fault;
  throw new Error('no port was refused');
};

describe('looking at the ports before anything starts', () => {
  it('passes when all of them are free', async () => {
    const { server, port } = await occupy();
    await release(server);
    await expect(checkPorts([{ port, purpose: 'the control plane', flag: '--port' }])).resolves.toBeUndefined();
  });

  it('names every taken port, what it is for, its flag and how to find who has it', async () => {
    const first = await occupy();
    const second = await occupy();
    const fault = await faultOf(
      checkPorts([
        { port: first.port, purpose: 'the control plane', flag: '--port' },
        { port: second.port, purpose: 'gateway-1', flag: '--gateway-port' },
      ]),
    );
    expect(fault.code).toBe('PORT_TAKEN');
    expect(fault.message).toContain(`port ${first.port}, for the control plane, is taken by another program`);
    expect(fault.message).toContain(`port ${second.port}, for gateway-1, is taken by another program`);
    expect(fault.remedies).toContain('another port for gateway-1: npm run up -- --gateway-port <port>');
    expect(fault.remedies.join('\n')).toContain(`ss -ltnp 'sport = :${first.port}'`);
    await Promise.all([release(first.server), release(second.server)]);
  });

  it('refuses one port for two purposes', async () => {
    const { server, port } = await occupy();
    await release(server);
    const fault = await faultOf(
      checkPorts([
        { port, purpose: 'the control plane', flag: '--port' },
        { port, purpose: 'gateway-1', flag: '--gateway-port' },
      ]),
    );
    expect(fault.message).toBe(`port ${port}, for gateway-1, cannot be used: wanted for the control plane`);
  });
});
