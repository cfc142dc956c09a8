/** A write that is done once, however often it is sent. */
export interface KeyedBody {
  /** Its `Idempotency-Key`, of this write alone. */
  readonly key: string;
  readonly body: object;
}

export interface ApiopsAnswer {
  readonly status: number;
  readonly isReplay: boolean;
  readonly text: string;
}

/** Calls apiops of a control plane as its administrator. @param callPath after `/apiops` */
export async function callApiops(
  { url, adminToken }: { readonly url: string; readonly adminToken: string },
  method: string,
  callPath: string,
  write?: KeyedBody,
): Promise<ApiopsAnswer> {
  const keyed = { 'content-type': 'application/json', 'idempotency-key': write?.key ?? '' };
  const response = await fetch(`${url}/apiops${callPath}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, ...(write === undefined ? {} : keyed) },
    ...(write === undefined ? {} : { body: JSON.stringify(write.body) }),
  });
  const isReplay = response.headers.get('idempotency-replayed') === 'true';
  return { status: response.status, isReplay, text: await response.text() };
}
