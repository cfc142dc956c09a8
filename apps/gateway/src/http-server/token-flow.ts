import { writeAnswer, writeLastAnswer } from './fault-answer.ts';
import type { FlowRequest } from './exchange-flow.ts';
import { hostNameOf } from '../router/host-name.ts';
import { bodyTooLarge } from '../token-endpoint/protocol/form-parameters.ts';
import { refusalAnswer, serverError, type OAuthRefusal } from '../token-endpoint/protocol/oauth-refusal.ts';
import { holdBody } from './held-body.ts';
import type { TokenEndpointPort } from './token-endpoint.port.ts';

export interface TokenFlowContext {
  readonly tokenEndpoint: TokenEndpointPort;
  readonly maxTokenBodyBytes: number;
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
}

/** In the form that clients of a token service read. */
const refuse = ({ answer, client }: FlowRequest, refusal: OAuthRefusal): void =>
  writeLastAnswer(answer, refusalAnswer(refusal), client.correlationId);

/** By what a client reached the gateway; what is no authority is never repeated to anybody. */
function publicOriginOf({ head, client }: FlowRequest): string | undefined {
  const authority = [client.forwardedHost, head.host].find((text) => hostNameOf(text) !== undefined);
  return authority && `${client.scheme}://${authority}`;
}

/** Hands a request to the token service, its body in memory. Never rejects. */
export async function answerTokenRequest(flow: FlowRequest, context: TokenFlowContext): Promise<void> {
  const { request, answer: to, head, client } = flow;
  try {
    if ((head.contentLengthBytes ?? 0) > context.maxTokenBodyBytes) return refuse(flow, bodyTooLarge());
    if (request.awaitsContinue) to.continue();
    const held = await holdBody(request.body, context.maxTokenBodyBytes);
    if (held.kind === 'broken') return;
    if (held.kind === 'too-large') return refuse(flow, bodyTooLarge());
    const answer = await context.tokenEndpoint.handle({
      method: head.method,
      path: head.path,
      queryString: head.queryString,
      rawHeaders: request.rawHeaders,
      body: held.body,
      clientAddress: client.clientAddress,
      publicOrigin: publicOriginOf(flow),
      nowMs: context.nowMs(),
      correlationId: client.correlationId,
    });
    writeAnswer(to, answer, client.correlationId);
  } catch (error) {
    context.onError(error);
    refuse(flow, serverError());
  }
}
