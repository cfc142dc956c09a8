import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePortsInARow } from '#libs/program-shell/testing';
import { StrangeProgram } from './strange-program.ts';

export interface HaproxyRelay {
  readonly url: string;
  stop(): Promise<void>;
}

const GLOBAL = `
global
  nbthread 1
  maxconn 500
defaults
  timeout client 60s
  timeout server 60s
  timeout connect 5s
`;

/** HAProxy as it is often put in front of a server: it keeps and shares connections and says whom it asks for. */
export const startHaproxyBefore = (haproxy: string, directory: string, target: string): Promise<HaproxyRelay> =>
  startHaproxy(
    haproxy,
    directory,
    (port) => `${GLOBAL}
  mode http
  http-reuse always
frontend strange
  bind 127.0.0.1:${port}
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  default_backend behind
backend behind
  server one ${new URL(target).host}
`,
  );

/** HAProxy that passes bytes on as they are, after saying by the PROXY protocol, version 2, who sends them. */
export const startHaproxyPassing = (haproxy: string, directory: string, target: string): Promise<HaproxyRelay> =>
  startHaproxy(
    haproxy,
    directory,
    (port) => `${GLOBAL}
  mode tcp
listen passing
  bind 127.0.0.1:${port}
  server one ${new URL(target).host} send-proxy-v2
`,
  );

async function startHaproxy(
  haproxy: string,
  directory: string,
  configOf: (port: number) => string,
): Promise<HaproxyRelay> {
  const [port = 0] = await freePortsInARow(1);
  const config = path.join(directory, `haproxy-${port}.cfg`);
  writeFileSync(config, configOf(port));
  const program = await StrangeProgram.start(haproxy, ['-f', config, '-db'], port);
  return { url: `http://127.0.0.1:${port}`, stop: () => program.stop() };
}
