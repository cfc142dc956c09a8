import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** Tells what it was sent, so that a person sees what a gateway passes on. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  request.once('end', () => {
    const body = { service: 'sample upstream', method: request.method, url: request.url, headers: request.headers };
    response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(body, null, 2)}\n`);
  });
}

/** A service to put the gateways in front of. Rejects when the port is taken. */
export function startSampleUpstream(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(echo).once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, () => resolve(server));
  });
}

export function stopSampleUpstream(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
