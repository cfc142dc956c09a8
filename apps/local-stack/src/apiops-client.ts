import { StackFault } from './stack-fault.ts';

export type ApiopsMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What the calls of this app need from an answer. */
export interface ApiopsAnswer {
  readonly resultList: readonly Readonly<Record<string, unknown>>[];
  /** Why a deployment did not reach every gateway; null when it did, or when there was none. */
  readonly deploymentProblem: string | null;
}

export type ApiopsOutcome =
  | { readonly kind: 'done'; readonly answer: ApiopsAnswer }
  /** 409: the name is taken, so what was to be created exists. */
  | { readonly kind: 'exists' };

const ANSWER_LIMIT_MS = 60_000;

/** The apiops REST API as an administrator. */
export class ApiopsClient {
  constructor(
    private readonly baseUrl: string,
    private readonly adminToken: string,
  ) {}

  /**
   * @param path below `/apiops`, e.g. `/projects/`
   * @throws StackFault `APIOPS_REFUSED` with the answer's description, for every status but 200 and 409
   */
  async call(method: ApiopsMethod, path: string, body?: unknown): Promise<ApiopsOutcome> {
    const answer = await fetch(`${this.baseUrl}/apiops${path}`, {
      method,
      headers: { authorization: `Bearer ${this.adminToken}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const parsed = parseObject(await answer.text());
    if (answer.status === 409) return { kind: 'exists' };
    if (answer.status !== 200) {
      throw new StackFault('APIOPS_REFUSED', `${method} /apiops${path} answered ${answer.status}: ${describe(parsed)}`);
    }
    return {
      kind: 'done',
      answer: {
        resultList: Array.isArray(parsed['resultList']) ? parsed['resultList'] : [],
        deploymentProblem: deploymentProblemOf(parsed['deploymentResult']),
      },
    };
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function describe(answer: Record<string, unknown>): string {
  const faults = answer['validation_errors'];
  const parts = [answer['error_description'] ?? answer['error'] ?? 'no explanation'];
  if (Array.isArray(faults)) parts.push(...faults.map((fault) => JSON.stringify(fault)));
  return parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('; ');
}

function deploymentProblemOf(result: unknown): string | null {
  if (typeof result !== 'object' || result === null) return null;
  const { success, deploymentResults } = result as Record<string, unknown>;
  if (success !== false) return null;
  const rows = Array.isArray(deploymentResults) ? (deploymentResults as { message?: unknown }[]) : [];
  return rows.map((row) => (typeof row.message === 'string' ? row.message : '')).join('; ') || 'no reason given';
}
