import { chmodSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import {
  openArtifact,
  openRecord,
  sealRecord,
  type ChangeRecord,
  type ChannelKeys,
  type IncomingChange,
} from '#libs/config-distribution';
import { ownDirectory, SnapshotInUse } from './directory-owner.ts';
import { DRAFT_SUFFIX, writeDurably } from './durable-file.ts';
import { OrdersFile } from './orders-file.ts';

export const ADMISSION_FILE = 'admission.json';
const PROXY_FILE = /^proxy-([A-Za-z0-9_-]{1,128})\.json$/;
const READS_AT_ONCE = 32;

const admission = z.strictObject({
  formatVersion: z.literal(1),
  environment: z.string(),
  keyId: z.string(),
  /** The entry of the key ring as it was received: the environment's root key under the gateway's. */
  wrapped: z.string(),
  /** Whether everything of the environment was read at least once. */
  isComplete: z.boolean(),
});
const proxyFile = z.strictObject({
  formatVersion: z.literal(1),
  proxyId: z.string(),
  deployment: z.int().min(1),
  /** The change record, sealed with the environment's keys: says what this file stands for. */
  meta: z.string(),
  /** As received; null for a tombstone. */
  artifact: z.string().nullable(),
});

export type Admission = Omit<z.infer<typeof admission>, 'formatVersion'>;

/** The directory cannot be created, read or written. */
export class SnapshotDirectoryUnusable extends Error {
  readonly code = 'SNAPSHOT_DIRECTORY_UNUSABLE';
  constructor(
    readonly directory: string,
    cause: unknown,
  ) {
    super(`the snapshot directory ${directory} cannot be used: ${String((cause as NodeJS.ErrnoException).code)}`, {
      cause,
    });
    this.name = 'SnapshotDirectoryUnusable';
  }
}

/** A proxy id that cannot be the name of a file: whoever made it is not our control plane. */
export class UnsafeProxyId extends Error {
  readonly code = 'UNSAFE_PROXY_ID';
  constructor() {
    super('a proxy id is not a safe name for a file');
    this.name = 'UnsafeProxyId';
  }
}

/** A file that was ignored. */
export interface SnapshotFault {
  readonly file: string;
  readonly problem: 'broken' | 'altered';
}

export interface LoadedSnapshot {
  readonly changes: readonly IncomingChange[];
  readonly faults: readonly SnapshotFault[];
}

function parsed<Value>(schema: z.ZodType<Value>, text: string): Value | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Last-known-good configuration of one gateway on disk: what it needs to serve without Redis (contract 7.4). Everything
 * that decides is sealed; a file is one proxy, so one change costs the same however many proxies there are.
 */
export class SnapshotStore {
  /** What is ordered beside the proxies. */
  readonly orders: OrdersFile;
  private release: (() => void) | undefined;

  constructor(private readonly directory: string) {
    this.orders = new OrdersFile(directory);
  }

  /**
   * Creates the directory if need be and makes this process its only user.
   *
   * @throws SnapshotInUse, SnapshotDirectoryUnusable
   */
  open(): void {
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o700 });
      chmodSync(this.directory, 0o700);
      this.release = ownDirectory(this.directory);
      for (const name of readdirSync(this.directory)) {
        if (name.endsWith(DRAFT_SUFFIX)) rmSync(path.join(this.directory, name), { force: true });
      }
    } catch (error) {
      if (error instanceof SnapshotInUse) throw error;
      this.close();
      throw new SnapshotDirectoryUnusable(this.directory, error);
    }
  }

  /** Gives the directory free. */
  close(): void {
    this.release?.();
    this.release = undefined;
  }

  /** What admitted this gateway to its environment before; undefined at the first start or when it is broken. */
  async admission(): Promise<Admission | undefined> {
    const text = await this.read(ADMISSION_FILE);
    return text === undefined ? undefined : parsed(admission, text);
  }

  /** Whether there is a file of it, readable or not. */
  async hasAdmission(): Promise<boolean> {
    return (await readdir(this.directory)).includes(ADMISSION_FILE);
  }

  async saveAdmission(content: Admission): Promise<void> {
    await writeDurably(path.join(this.directory, ADMISSION_FILE), JSON.stringify({ formatVersion: 1, ...content }));
  }

  /** Everything that opens with these keys; the rest is named and left alone. */
  async load(keys: ChannelKeys): Promise<LoadedSnapshot> {
    const changes: IncomingChange[] = [];
    const faults: SnapshotFault[] = [];
    for (const part of await this.proxyFiles()) {
      const texts = await Promise.all(part.map((name) => this.read(name)));
      for (const [index, file] of part.entries()) {
        const found = this.openFile(keys, file, texts[index]);
        if (typeof found === 'string') faults.push({ file, problem: found });
        else changes.push(found);
      }
    }
    return { changes, faults };
  }

  /** As its files say, unopened: what they really hold shows when they are loaded. 0: there are none. */
  async highestDeployment(): Promise<number> {
    let highest = 0;
    for (const names of await this.proxyFiles()) {
      for (const text of await Promise.all(names.map((name) => this.read(name)))) {
        const found = text === undefined ? undefined : parsed(proxyFile, text);
        highest = Math.max(highest, found?.deployment ?? 0);
      }
    }
    return highest;
  }

  /**
   * Keeps what was applied.
   *
   * @throws UnsafeProxyId, or the file system's error
   */
  async save(keys: ChannelKeys, { change, sealedArtifact }: IncomingChange): Promise<void> {
    const { proxyId, deployment } = change;
    const name = `proxy-${proxyId}.json`;
    if (!PROXY_FILE.test(name)) throw new UnsafeProxyId();
    const meta = sealRecord(keys, change);
    const content = { formatVersion: 1, proxyId, deployment, meta, artifact: sealedArtifact };
    await writeDurably(path.join(this.directory, name), JSON.stringify(content));
  }

  /** Their names in order, as many together as are read at once. */
  private async proxyFiles(): Promise<string[][]> {
    const names = (await readdir(this.directory)).filter((name) => PROXY_FILE.test(name)).sort();
    const parts = Math.ceil(names.length / READS_AT_ONCE);
    return Array.from({ length: parts }, (_, part) => names.slice(part * READS_AT_ONCE, (part + 1) * READS_AT_ONCE));
  }

  private openFile(
    keys: ChannelKeys,
    name: string,
    text: string | undefined,
  ): IncomingChange | SnapshotFault['problem'] {
    const file = text === undefined ? undefined : parsed(proxyFile, text);
    if (file === undefined) return 'broken';
    const { proxyId, deployment, meta, artifact: sealedArtifact } = file;
    const change = openRecord(keys, { sequence: 0, proxyId, deployment, sealed: meta });
    if (change === undefined || name !== `proxy-${proxyId}.json`) return 'altered';
    const artifact =
      sealedArtifact === null ? null : openArtifact(keys, proxyId, { deployment, sealed: sealedArtifact });
    return artifact !== undefined && isWhole(change, artifact) ? { change, artifact, sealedArtifact } : 'altered';
  }

  private async read(name: string): Promise<string | undefined> {
    try {
      return await readFile(path.join(this.directory, name), 'utf8');
    } catch {
      return undefined;
    }
  }
}

const isWhole = (change: ChangeRecord, artifact: string | null): boolean =>
  (change.kind === 'tombstone') === (artifact === null);
