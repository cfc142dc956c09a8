import { connect } from 'node:net';

const ANSWER_LIMIT_MS = 1000;

/**
 * The process number of the server on a port of 127.0.0.1, once it has loaded its data; null before, or when nobody
 * answers. Asked for the number, because the port may be a stranger's.
 */
export function askRedisForItsPid(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', timeout: ANSWER_LIMIT_MS });
    const finish = (pid: number | null): void => {
      socket.destroy();
      resolve(pid);
    };
    socket.once('connect', () => socket.write('PING\r\nINFO server\r\n'));
    socket.once('error', () => finish(null));
    socket.once('timeout', () => finish(null));
    socket.once('close', () => finish(null));
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
      if (answer.startsWith('-')) return finish(null);
      const found = /\r\nprocess_id:(\d+)\r\n/.exec(answer);
      if (found !== null) finish(Number(found[1]));
    });
  });
}
