import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePortsInARow } from '#libs/program-shell/testing';
import { StrangeProgram } from './strange-program.ts';

export const GIBIBYTE = 2 ** 30;
/** Text that can be made smaller. */
export const DOCUMENT = Array.from({ length: 4_000 }, (_none, line) => `{"line":${line},"of":"a document"}`).join('\n');

/**
 * What it serves: files as they are (`/document.json`, `/large.bin` of 1 GiB), `/gzip/` compressed and in chunks, `/until-close/`
 * compressed and ended by the end of the connection, `/slowly/` at 400 kB a second.
 */
const configOf = (directory: string, port: number): string => `
daemon off; master_process off; pid ${directory}/nginx.pid; error_log stderr;
events { worker_connections 512; }
http {
  access_log off; keepalive_timeout 60;
  types { application/json json; application/octet-stream bin; }
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  server {
    listen 127.0.0.1:${port};
    root ${directory}/files;
    location /gzip/ { alias ${directory}/files/; gzip on; gzip_types application/json; gzip_proxied any; }
    location /until-close/ {
      alias ${directory}/files/; gzip on; gzip_types application/json; gzip_proxied any; chunked_transfer_encoding off;
    }
    location /slowly/ { alias ${directory}/files/; limit_rate 400k; }
    location /moved/ { return 301 /document.json; }
  }
}
`;

export interface NginxUpstream {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startNginx(nginx: string, directory: string): Promise<NginxUpstream> {
  const [port = 0] = await freePortsInARow(1);
  const files = path.join(directory, 'files');
  mkdirSync(files, { recursive: true });
  // As root nginx works under another account.
  for (const place of [directory, files]) chmodSync(place, 0o755);
  writeFileSync(path.join(files, 'document.json'), DOCUMENT);
  writeFileSync(path.join(files, 'large.bin'), '');
  truncateSync(path.join(files, 'large.bin'), GIBIBYTE);
  const config = path.join(directory, 'nginx.conf');
  writeFileSync(config, configOf(directory, port));
  const program = await StrangeProgram.start(nginx, ['-c', config, '-p', directory], port);
  return { url: `http://127.0.0.1:${port}`, stop: () => program.stop() };
}
