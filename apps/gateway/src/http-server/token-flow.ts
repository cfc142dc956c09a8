import { writeAnswer, writeLastAnswer } from './fault-answer.ts';
import type { FlowRequest } from './exchange-flow.ts';
import { gatewayFault, type GatewayFaultName } from './gateway-faults.ts';
import { holdBody } from './held-body.ts';
import type { TokenEndpointPort } from './token-endpoint.port.ts';

export interface TokenFlowContext {
  readonly tokenEndpoint: TokenEndpointPort;
  readonly maxTokenBodyBytes: number;
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
}

function refuse({ response, client }: FlowRequest, name: GatewayFaultName): void {
  const fault = gatewayFault({ name, reason: 'token endpoint' }, client.correlationId);
  writeLastAnswer(response, fault, client.correlationId);
}

/** Hands a request to the token service, its body in memory. Never rejects. */
export async function answerTokenRequest(flow: FlowRequest, context: TokenFlowContext): Promise<void> {
  const { request, response, head, client, awaitsContinue } = flow;
  try {
    if ((head.contentLengthBytes ?? 0) > context.maxTokenBodyBytes) return refuse(flow, 'bodyTooLarge');
    if (awaitsContinue) response.writeContinue();
    const held = await holdBody(request, context.maxTokenBodyBytes);
    if (held.kind === 'broken') return;
    if (held.kind === 'too-large') return refuse(flow, 'bodyTooLarge');
    const answer = await context.tokenEndpoint.handle({
      method: head.method,
      path: head.path,
      queryString: head.queryString,
      rawHeaders: request.rawHeaders,
      body: held.body,
      clientAddress: client.clientAddress,
      nowMs: context.nowMs(),
      correlationId: client.correlationId,
    });
    writeAnswer(response, answer, client.correlationId);
  } catch (error) {
    context.onError(error);
    refuse(flow, 'internalError');
  }
}
