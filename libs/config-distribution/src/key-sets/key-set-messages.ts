import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { parsedJson } from '../parsed-json.ts';
import type { ChannelKeys } from '../sealing/sealed-box.ts';
import type { KeySetEntry } from './key-set-shelf.port.ts';

const timeMs = z.number().min(0);
/** Not strict: a gateway of another version may say more. */
const attempt = z.object({
  /** When it began; later than every attempt before it. Milliseconds since the epoch, by the clock of whoever began it. */
  beganAtMs: timeMs,
  /** The last flush that whoever began it knew of. */
  flush: z.int().min(0),
  /** When an attempt for the sake of an unknown key last began, this one or one before it; null: none that is known. */
  unknownKeyAtMs: timeMs.nullable(),
  /** null: under way. */
  result: z
    .discriminatedUnion('kind', [
      /** The document lies beside it. */
      z.object({ kind: z.literal('document') }),
      z.object({ kind: z.literal('failed'), failure: z.string(), detail: z.string().optional(), atMs: timeMs }),
      /** Ended without anything that is of use to others, who may try themselves. */
      z.object({ kind: z.literal('nothing') }),
    ])
    .nullable(),
});
const documentHead = z.object({
  /** `beganAtMs` of the attempt that brought it. */
  fetchedAtMs: timeMs,
  freshForSeconds: z.number().min(0),
  flush: z.int().min(0),
});

/** What gateways tell each other of a fetch. */
export type KeySetAttempt = z.infer<typeof attempt>;

/** What they tell each other of what it brought. */
export type SharedKeySet = z.infer<typeof documentHead> & { readonly text: string };

/** One set, by what is told of it nowhere in clear. */
export interface KeySetSubject {
  readonly origin: KeySetEntry['origin'];
  /** What tells fetches of one address that must not be shared: how far they may lead. */
  readonly reach: string;
  /** May hold a secret. */
  readonly address: string;
}

const subjectText = ({ origin, reach, address }: KeySetSubject): string => JSON.stringify([origin, reach, address]);

/** Where the set lies; only who holds the environment's keys can tell which one it is. */
export const keySetEntry = (keys: ChannelKeys, subject: KeySetSubject): KeySetEntry => ({
  origin: subject.origin,
  name: createHmac('sha256', keys.keyFor('key-set/name')).update(subjectText(subject)).digest('base64url'),
});

const place = (what: 'attempt' | 'document', subject: KeySetSubject) => ({
  purpose: `key-set/${what}`,
  subject: subjectText(subject),
  version: 1,
});

export const sealKeySetAttempt = (keys: ChannelKeys, subject: KeySetSubject, content: KeySetAttempt): string =>
  keys.seal(place('attempt', subject), JSON.stringify(content));

/** The attempt, or undefined when it is not one that a gateway of the environment sealed for this set. */
export function openKeySetAttempt(
  keys: ChannelKeys,
  subject: KeySetSubject,
  sealed: string,
): KeySetAttempt | undefined {
  const parsed = attempt.safeParse(parsedJson(keys.open(place('attempt', subject), sealed)));
  return parsed.success ? parsed.data : undefined;
}

/** The text stands as it is behind one line: as a member of JSON it would be half as long again. */
export const sealKeySet = (keys: ChannelKeys, subject: KeySetSubject, { text, ...head }: SharedKeySet): string =>
  keys.seal(place('document', subject), `${JSON.stringify(head)}\n${text}`);

/** The document, or undefined when it is not one that a gateway of the environment sealed for this set. */
export function openKeySet(keys: ChannelKeys, subject: KeySetSubject, sealed: string): SharedKeySet | undefined {
  const opened = keys.open(place('document', subject), sealed);
  if (opened === undefined) return undefined;
  const lineEnd = opened.indexOf('\n');
  const head = documentHead.safeParse(parsedJson(opened.slice(0, Math.max(lineEnd, 0))));
  return head.success ? { ...head.data, text: opened.slice(lineEnd + 1) } : undefined;
}
