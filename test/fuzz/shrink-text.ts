import { type FuzzCase, type Judgement } from './fuzz-target.ts';

/** Enough to come from a token of some hundred characters to what matters in it. */
const MOST_ATTEMPTS = 3_000;
/** Some attempts wait for a connection that never ends. */
const LONGEST_MS = 20_000;

/** Judges a text; what is thrown is a violation like any other. */
export async function judgeText({ judge }: Pick<FuzzCase, 'judge'>, text: string): Promise<Judgement> {
  try {
    return await judge(text);
  } catch (reason) {
    return { group: 'thrown', violation: `threw ${String(reason)}` };
  }
}

/**
 * Drops as much of a text as can go while the same thing stays wrong with it: halves first, then ever smaller pieces, down
 * to single characters.
 */
export async function shrinkText(found: FuzzCase, violation: string): Promise<string> {
  let { text } = found;
  let attempts = 0;
  const endMs = performance.now() + LONGEST_MS;
  for (let size = text.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < text.length && attempts < MOST_ATTEMPTS && performance.now() < endMs;) {
      const shorter = text.slice(0, at) + text.slice(at + size);
      attempts += 1;
      if ((await judgeText(found, shorter)).violation === violation) text = shorter;
      else at += size;
    }
  }
  return text;
}
