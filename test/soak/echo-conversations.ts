import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** A text that asks the upstream to end the conversation with this code. */
export const endWith = (code: number): string => `end ${code}`;
const END = /^end (\d+)$/;

/** The upstream's side of WebSocket: gives every message back, and remembers how conversations end. */
export class EchoConversations {
  private readonly server = new WebSocketServer({ noServer: true });
  private readonly awaited = new Map<string, (code: number) => void>();

  /** The close code that comes here in the conversation of this id, which has not begun yet. */
  endOf(id: string): Promise<number> {
    return new Promise((resolve) => this.awaited.set(id, resolve));
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const id = new URL(request.url ?? '/', 'http://upstream').searchParams.get('id') ?? '';
    this.server.handleUpgrade(request, socket, head, (conversation) => this.hold(conversation, id));
  }

  close(): void {
    for (const conversation of this.server.clients) conversation.terminate();
    this.server.close();
  }

  private hold(conversation: WebSocket, id: string): void {
    conversation.on('error', () => undefined);
    conversation.on('message', (data: Buffer, isBinary) => {
      const code = isBinary ? undefined : END.exec(data.toString('utf8'))?.[1];
      if (code === undefined) conversation.send(data, { binary: isBinary });
      else conversation.close(Number(code), 'as asked');
    });
    conversation.on('close', (code) => {
      this.awaited.get(id)?.(code);
      this.awaited.delete(id);
    });
  }
}
