import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { CertificateKeeper } from '../../../apps/gateway/src/http-server/listener/certificate-keeper.ts';
import { FLAG, FRAME, fieldBlock, frame, uint32 } from '../../../apps/gateway/src/http-server/h2/testing/raw-h2.ts';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { type SeededRandom } from '../../chaos/seeded-random.ts';
import { type FuzzTarget, type Judgement } from '../fuzz-target.ts';
import { mutateText } from '../mutate-text.ts';
import { GatewayUnderFire, type Fired } from './gateway-under-fire.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const FRAME_HEAD_BYTES = 9;
const BOTH = FLAG.END_OF_STREAM | FLAG.END_OF_HEADERS;
const NAMES = Object.entries(FRAME).map(([name, type]) => [type, name] as const);

type Field = readonly [name: string, value: string];
const GET: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/p/x'],
  [':authority', 'a'],
];
const ODD_FIELDS: readonly Field[] = [
  ...([
    [':method', 'CONNECT'],
    [':path', ''],
    [':path', '*'],
    [':path', '/p/../x'],
    [':path', '/p x'],
    [':status', '200'],
  ] as const),
  ...([
    ['Upper', 'a'],
    ['', 'a'],
    ['te', 'gzip'],
    ['connection', 'close'],
    ['transfer-encoding', 'chunked'],
    ['host', 'b'],
  ] as const),
  ...([
    ['content-length', '5'],
    ['content-length', 'x'],
    ['x', 'a\r\nb: c'],
    ['x\n', 'a'],
    ['x', '\u0000'],
    [':protocol', 'websocket'],
  ] as const),
  ...([
    ['cookie', 'a=b'],
    ['expect', '100-continue'],
    ['upgrade', 'h2c'],
    ['authorization', 'Bearer a'],
    ['authorization', 'b'],
  ] as const),
];

/** A pseudo-header replaces the one of its name, mostly; twice the same, nothing is asked at all. */
function withOdd(fields: readonly Field[], random: SeededRandom): Field[] {
  const odd = random.pick(ODD_FIELDS);
  const isInPlace = odd[0].startsWith(':') && random.between(0, 3) > 0;
  if (isInPlace) return fields.map((field) => (field[0] === odd[0] ? odd : field));
  const at = random.between(0, fields.length);
  return [...fields.slice(0, at), odd, ...fields.slice(at)];
}

function fieldsOf(random: SeededRandom): readonly Field[] {
  let fields: readonly Field[] = GET;
  for (let left = random.pick([0, 1, 1, 2]); left > 0; left -= 1) fields = withOdd(fields, random);
  return fields;
}

const octets = (random: SeededRandom, most: number): Buffer =>
  Buffer.from(Array.from({ length: random.between(0, most) }, () => random.between(0, 255)));
const flagsOf = (random: SeededRandom): number =>
  random.pick([FLAG.NONE, FLAG.END_OF_STREAM, FLAG.END_OF_HEADERS, BOTH, 0x08, 0x20, 0xff]);
const streamOf = (random: SeededRandom): number => random.pick([0, 1, 1, 1, 2, 3, 5, 0x7f_ff_ff_ff]);

/** A request as it may be, but for its fields; a body in some frames. */
function request(random: SeededRandom, stream: number): Buffer {
  const block = fieldBlock(fieldsOf(random));
  if (random.between(0, 2) > 0) return frame(FRAME.HEADERS, BOTH, stream, block);
  const cut = random.between(0, block.length);
  return Buffer.concat([
    frame(FRAME.HEADERS, FLAG.NONE, stream, block.subarray(0, cut)),
    frame(FRAME.CONTINUATION, FLAG.END_OF_HEADERS, stream, block.subarray(cut)),
    frame(FRAME.DATA, FLAG.NONE, stream, octets(random, 40)),
    random.between(0, 3) > 0
      ? frame(FRAME.DATA, FLAG.END_OF_STREAM, stream, octets(random, 40))
      : frame(FRAME.RESET, 0, stream, uint32(8)),
  ]);
}

/** Whatever a frame can be. */
function anyFrame(random: SeededRandom): Buffer {
  const block = fieldBlock(fieldsOf(random));
  return random.pick([
    () => frame(FRAME.HEADERS, flagsOf(random), streamOf(random), block.subarray(0, random.between(0, block.length))),
    () => frame(FRAME.CONTINUATION, flagsOf(random), streamOf(random), block),
    () => frame(FRAME.DATA, flagsOf(random), streamOf(random), octets(random, 40)),
    () =>
      frame(
        FRAME.SETTINGS,
        random.pick([0, 1]),
        0,
        Buffer.concat([Buffer.from([0, random.between(0, 9)]), uint32(random.pick([0, 1, 16_384, 0xff_ff_ff_ff]))]),
      ),
    () => frame(FRAME.WINDOW_UPDATE, 0, streamOf(random), uint32(random.pick([0, 1, 65_535, 0x7f_ff_ff_ff]))),
    () => frame(FRAME.RESET, 0, streamOf(random), uint32(random.between(0, 14))),
    () => frame(FRAME.PING, random.pick([0, 1]), 0, Buffer.alloc(8)),
    () => frame(FRAME.PRIORITY, 0, streamOf(random), Buffer.concat([uint32(streamOf(random)), Buffer.from([16])])),
    () => frame(FRAME.GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(0)])),
    () => frame(random.between(0, 255), flagsOf(random), streamOf(random), octets(random, 60)),
  ])();
}

function caseText(random: SeededRandom): string {
  const isWild = random.between(0, 1) === 0;
  const frames = Array.from({ length: random.between(1, 4) }, (_, at) =>
    isWild && random.between(0, 1) === 0 ? anyFrame(random) : request(random, 2 * at + 1),
  );
  const opening = [PREFACE, frame(FRAME.SETTINGS, 0, 0)];
  const text = Buffer.concat([...opening, ...frames]).toString('latin1');
  return random.between(0, 4) === 0 ? mutateText(text, random, [...'\u0000\u0001\u0080\u00ff', text.slice(24)]) : text;
}

/** The first frame that says what became of it; a text: what is wrong with what was received. */
function answeredWith(received: string): { readonly group: string } | string {
  const bytes = Buffer.from(received, 'latin1');
  let group = 'nothing';
  for (let at = 0; at < bytes.length;) {
    if (bytes.length < at + FRAME_HEAD_BYTES) return 'answered with less than a whole frame';
    const type = bytes.readUInt8(at + 3);
    const name = NAMES.find(([number]) => number === type)?.[1];
    if (name === undefined) return `answered with a frame of type ${type}`;
    if (['HEADERS', 'RESET', 'GOAWAY'].includes(name) && group === 'nothing') group = name;
    at += FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3);
    if (at > bytes.length) return 'answered with less than a whole frame';
  }
  return { group };
}

/** Its last frame ends the connection, for a fault or because all is done. */
function isGivenUp(received: Buffer): boolean {
  let type = -1;
  for (let at = 0; at + FRAME_HEAD_BYTES <= received.length; at += FRAME_HEAD_BYTES + received.readUIntBE(at, 3)) {
    type = received.readUInt8(at + 3);
  }
  return type === FRAME.GOAWAY;
}

/**
 * After a fault Node neither reads on nor tells of it: such a connection ends when it was idle for long enough. Many of
 * them may be left for that time, and at the end of the run none.
 */
const IDLE_MS = 1_000;

async function judge(under: GatewayUnderFire, fired: Fired, isTls: boolean): Promise<Judgement> {
  const left = await under.violation(fired, { waits: false });
  if (!isTls) return { group: 'no handshake', violation: left };
  const answered = answeredWith(fired.received);
  return typeof answered === 'string'
    ? { group: 'broken', violation: left ?? answered }
    : { group: answered.group, violation: left };
}

/** Handshakes with what the last one left, which is many times cheaper. */
class TlsOpener {
  private session: Buffer | undefined;

  readonly open = (port: number): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({
        ...{ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] },
        ...(this.session && { session: this.session }),
      });
      socket.on('session', (session: Buffer) => (this.session = session));
      socket.once('secureConnect', () => resolve(socket)).once('error', reject);
    });
}

const plain = (port: number): Socket => connect({ port, host: '127.0.0.1' });

/** A certificate in files of its own. */
function servedCertificate(): { readonly certificate: CertificateKeeper; readonly remove: () => void } {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-fuzz-'));
  const [certFile, keyFile] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
  const { cert, key } = selfSignedCertificate('gateway.test');
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const hooks = { onReplaced: () => undefined, onRefused: () => undefined };
  const certificate = new CertificateKeeper({ certFile, keyFile, minVersion: 'TLSv1.2' }, hooks);
  return { certificate, remove: () => rmSync(directory, { recursive: true }) };
}

/** Frames at the TLS port of the gateway, and bytes in the place of a handshake. The text is the bytes. */
export const HTTP2_FRAMES: FuzzTarget = {
  name: 'http2-frames',
  share: 2,
  groups: ['HEADERS', 'RESET', 'GOAWAY', 'no handshake'],
  prepare: async () => {
    const { certificate, remove } = servedCertificate();
    const limits = {
      ...{ clientIdleTimeoutMs: IDLE_MS, headerTimeoutMs: IDLE_MS, writeIdleTimeoutMs: IDLE_MS },
      ...{ bodyIdleTimeoutMs: IDLE_MS, bodyTimeoutMs: 2 * IDLE_MS },
    };
    const under = await GatewayUnderFire.start({ certificate, limits });
    const tls = new TlsOpener();
    return {
      next: (random) => {
        const isTls = random.between(0, 9) > 0;
        return {
          text: caseText(random),
          judge: async (text) =>
            judge(
              under,
              await under.fire([Buffer.from(text, 'latin1')], { open: isTls ? tls.open : plain, isGivenUp }),
              isTls,
            ),
        };
      },
      end: async () => {
        const areAllOver = await under.quiet();
        await under.end();
        remove();
        if (!areAllOver) throw new Error(`${under.connections} HTTP/2 connections are left open`);
      },
    };
  },
};
