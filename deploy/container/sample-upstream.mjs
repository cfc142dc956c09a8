// A service to put gateways in front of: it tells what it was sent. HOST and PORT say where it listens.
import { createServer } from 'node:http';

const { HOST, PORT } = process.env;

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    const { method, url, headers } = request;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ service: 'sample upstream', method, url, headers })}\n`);
  });
});
server.listen(Number(PORT), HOST);
process.on('SIGTERM', () => process.exit(0));
