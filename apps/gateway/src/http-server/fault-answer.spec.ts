import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeAnswer } from './node-http/node-answer.ts';
import { writeAnswer, writeLastAnswer, type ReadyAnswer } from './fault-answer.ts';
import { Rig, open } from './testing/rig.ts';

const rig = new Rig();
afterEach(() => rig.stop());

const answer = (status: number): ReadyAnswer => ({ status, headers: [], body: 'made here' });

/** What a client gets from a server that answers like this: status and reason phrase, or the code of the error. */
async function got(listener: (response: ServerResponse) => void): Promise<string | undefined> {
  const server = await rig.upstream((_request, response) => listener(response));
  const request = open({ port: server.port, path: '/' });
  request.end();
  try {
    const [{ statusCode, statusMessage }] = (await once(request, 'response')) as [IncomingMessage];
    return `${statusCode} ${statusMessage}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

const answered = (response: ServerResponse) => new NodeAnswer(response, true, () => undefined);

describe('an answer made here', () => {
  it('has its own reason phrase, whatever an earlier attempt left on the response', async () => {
    const left = (write: typeof writeAnswer) => (response: ServerResponse) => {
      expect(() => response.writeHead(200, '\u2713')).toThrow();
      write(answered(response), answer(502), 'id');
    };
    expect(await got(left(writeAnswer))).toBe('502 Bad Gateway');
    expect(await got(left(writeLastAnswer))).toBe('502 Bad Gateway');
  });

  it('that cannot be written ends the connection when nothing else can follow', async () => {
    expect(await got((response) => writeLastAnswer(answered(response), answer(9_999), 'id'))).toBe('ECONNRESET');
  });
});
