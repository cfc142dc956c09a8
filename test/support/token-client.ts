export interface TokenAnswer {
  readonly status: number;
  readonly body: any;
}

/** A form-encoded request to a gateway's token endpoint. */
export async function requestToken(gatewayUrl: string, form: Readonly<Record<string, string>>): Promise<TokenAnswer> {
  const response = await fetch(`${gatewayUrl}/auth/jwt`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: await response.json() };
}

/** An API call with a bearer token, or without one. */
export function call(url: string, token?: string): Promise<Response> {
  return fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
}

/** An answer's body as JSON. */
export const json = async (response: Response): Promise<any> => response.json();
