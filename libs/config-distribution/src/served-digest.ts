import { createHash } from 'node:crypto';

/** A proxy as a gateway serves it: by which deployment, and which bytes. */
export interface ServedProxy {
  readonly proxyId: string;
  readonly deployment: number;
  /** `artifactHash` of the artifact. */
  readonly hash: string;
}

const DIGEST_BYTES = 16;

const digestOf = ({ proxyId, deployment, hash }: ServedProxy): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([proxyId, deployment, hash]))
    .digest()
    .subarray(0, DIGEST_BYTES);

/**
 * Names a set of served proxies in a few bytes, whatever order they come in: one change costs the same however many there
 * are. It shows what went wrong by accident; who reads it must know from elsewhere that nobody forged it.
 */
export class ServedDigest {
  private readonly sum = Buffer.alloc(DIGEST_BYTES);
  private count = 0;

  static of(proxies: Iterable<ServedProxy>): ServedDigest {
    const digest = new ServedDigest();
    for (const proxy of proxies) digest.add(proxy);
    return digest;
  }

  /** How many proxies there are. */
  get proxies(): number {
    return this.count;
  }

  /** Of a proxy that is not there yet. */
  add(proxy: ServedProxy): void {
    this.toggle(proxy);
    this.count += 1;
  }

  /** Of a proxy exactly as it was added. */
  remove(proxy: ServedProxy): void {
    this.toggle(proxy);
    this.count -= 1;
  }

  /** base64url. */
  text(): string {
    return this.sum.toString('base64url');
  }

  private toggle(proxy: ServedProxy): void {
    digestOf(proxy).forEach((byte, index) => (this.sum[index] = (this.sum[index] ?? 0) ^ byte));
  }
}
