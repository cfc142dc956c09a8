import { randomUUID } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { ChannelKeys } from '#libs/config-distribution';
import { isTokenRevocation, type TokenRevocation } from '#libs/token-revocations';
import { writeDurably } from '../config-subscriber/snapshot/durable-file.ts';

export const REVOCATIONS_FILE = 'revocations.log';
const PURPOSE = 'revocations-on-disk';
/** A line of the file is opened as a whole. */
const KEPT_PER_LINE = 1_000;

const head = z.strictObject({ formatVersion: z.literal(1), file: z.string() });

export interface KeptRevocations {
  readonly revocations: readonly TokenRevocation[];
  /** Lines that are not what was written there. */
  readonly problem: 'broken' | 'altered' | undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Revocations that a gateway knows, in its snapshot directory, so that they outlive a restart without Redis. The file grows
 * by one sealed line for all that a look brought, and is written anew when most of it says nothing any more. A line opens
 * in its own file at its own place only.
 */
export class RevocationsFile {
  private readonly path: string;
  /** The file that may be continued; undefined: the next save writes a new one. */
  private file: { readonly id: string; lines: number; entries: number } | undefined;

  constructor(directory: string) {
    this.path = path.join(directory, REVOCATIONS_FILE);
  }

  /** Everything that opens; undefined: nothing was ever kept. */
  async read(keys: ChannelKeys): Promise<KeptRevocations | undefined> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
      return isAbsent ? undefined : { revocations: [], problem: 'broken' };
    }
    // What stands behind the last line end was being written when the gateway was killed: nobody relied on it.
    const [first = '', ...lines] = text.split('\n').slice(0, -1);
    const known = head.safeParse(parsed(first));
    if (!known.success) return { revocations: [], problem: 'broken' };
    const { file: id } = known.data;
    const opened = lines.map((line, index) => this.opened(keys, id, index + 1, line));
    const revocations = opened.flatMap((batch) => batch ?? []);
    const isIntact = !opened.includes(undefined);
    if (isIntact && text.endsWith('\n')) this.file = { id, lines: lines.length, entries: revocations.length };
    return { revocations, problem: isIntact ? undefined : 'altered' };
  }

  /**
   * Keeps what is new, durably.
   *
   * @param all what is known, with what is new
   * @throws the file system's error; what was new has to be given again
   */
  async save(keys: ChannelKeys, added: readonly TokenRevocation[], all: Iterable<TokenRevocation>, count: number) {
    const { file } = this;
    // Whatever fails in between: a line that is cut off must not be continued.
    this.file = undefined;
    const isWorthKeeping = file !== undefined && file.entries + added.length <= 2 * count + KEPT_PER_LINE;
    this.file = isWorthKeeping ? await this.append(keys, file, added) : await this.replace(keys, [...all]);
  }

  private async append(keys: ChannelKeys, file: NonNullable<typeof this.file>, added: readonly TokenRevocation[]) {
    const lines = this.sealed(keys, file.id, file.lines, added);
    const handle = await open(this.path, 'a', 0o600);
    try {
      await handle.writeFile(lines.join(''));
      await handle.sync();
    } finally {
      await handle.close();
    }
    return { id: file.id, lines: file.lines + lines.length, entries: file.entries + added.length };
  }

  private async replace(keys: ChannelKeys, all: readonly TokenRevocation[]) {
    const id = randomUUID();
    const lines = this.sealed(keys, id, 0, all);
    await writeDurably(this.path, [`${JSON.stringify({ formatVersion: 1, file: id })}\n`, ...lines].join(''));
    return { id, lines: lines.length, entries: all.length };
  }

  private sealed(keys: ChannelKeys, file: string, after: number, revocations: readonly TokenRevocation[]): string[] {
    const lines: string[] = [];
    for (let at = 0; at < revocations.length; at += KEPT_PER_LINE) {
      const place = { purpose: PURPOSE, subject: file, version: after + lines.length + 1 };
      lines.push(`${keys.seal(place, JSON.stringify(revocations.slice(at, at + KEPT_PER_LINE)))}\n`);
    }
    return lines;
  }

  private opened(keys: ChannelKeys, file: string, version: number, line: string): TokenRevocation[] | undefined {
    const text = keys.open({ purpose: PURPOSE, subject: file, version }, line);
    const batch = text === undefined ? undefined : parsed(text);
    return Array.isArray(batch) && batch.every(isTokenRevocation) ? batch : undefined;
  }
}
