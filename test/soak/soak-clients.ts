import { speaksTls, type SoakGround } from './soak-system.ts';
import { Http1Connection, type SoakAnswer, type SoakQuestion } from './soak-ask.ts';
import { Http2Connection } from './soak-http2.ts';
import { HTTP1_KINDS, pick, TRAFFIC_KINDS, type TrafficKind } from './traffic-kinds.ts';
import { WEBSOCKET_KINDS } from './websocket-kinds.ts';

interface Connection {
  ask(question: SoakQuestion): Promise<SoakAnswer>;
  close(): void;
}

/** Somebody who does one kind of thing at one gateway, over and over. */
export interface SoakClient {
  readonly gatewayId: string;
  readonly gatewayUrl: string;
  readonly name: string;
  readonly kind: TrafficKind;
  readonly connection: Connection;
}

const OVER_HTTP2 = 'everything in turn over HTTP/2';
/** So many requests are under way at a time on the one connection. */
const HTTP2_CLIENTS = 4;

/** What each kind of traffic is counted as. */
export const KIND_NAMES: readonly string[] = [TRAFFIC_KINDS, HTTP1_KINDS, WEBSOCKET_KINDS]
  .flatMap((kinds) => Object.keys(kinds))
  .concat(OVER_HTTP2);

/** One of each kind, each with a connection of its own; where HTTP/2 is spoken, some more that share one. */
export function clientsAt(
  gateway: { readonly id: string; readonly url: string },
  trusted: string,
): readonly SoakClient[] {
  const isTls = speaksTls(gateway.id);
  const place = { gatewayId: gateway.id, gatewayUrl: isTls ? gateway.url.replace('http:', 'https:') : gateway.url };
  const kinds = Object.entries({ ...TRAFFIC_KINDS, ...HTTP1_KINDS, ...WEBSOCKET_KINDS });
  const connected = (): Connection => new Http1Connection(place.gatewayUrl, isTls ? trusted : undefined);
  const clients = kinds.map(([name, kind]) => ({ ...place, name, kind, connection: connected() }));
  if (!isTls) return clients;
  const connection = new Http2Connection(place.gatewayUrl, trusted);
  const further = Array.from({ length: HTTP2_CLIENTS }, (_none, index) => ({
    ...{ ...place, name: OVER_HTTP2, kind: inTurn(index), connection },
  }));
  return [...clients, ...further];
}

/** Each kind after the other; clients of different numbers are at different ones. */
function inTurn(number: number): TrafficKind {
  const kinds = Object.entries(TRAFFIC_KINDS);
  const apart = Math.floor((number * kinds.length) / HTTP2_CLIENTS);
  return async (visit) => {
    const [name, kind] = pick(kinds, visit.turn + apart);
    await kind({ ...visit, turn: Math.floor(visit.turn / kinds.length) }).catch((error: Error) => {
      throw new Error(`${name}: ${error.message}`, { cause: error });
    });
  };
}

export const visitOnce = (ground: SoakGround, client: SoakClient, turn: number): Promise<void> =>
  client.kind({
    ...{ ground, turn, gatewayId: client.gatewayId, gatewayUrl: client.gatewayUrl },
    ask: (question) => client.connection.ask(question),
  });
