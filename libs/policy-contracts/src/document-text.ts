import { z } from 'zod';

/** Characters that no XML 1.0 document can carry, not even as references (XML 1.0 section 2.2); half a surrogate pair is one. */
// eslint-disable-next-line no-control-regex -- naming them is the point
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

/** A text that JSON and XML can both carry, so that one policy has one stored form whichever way it came. */
export const documentText = (minimum: number, maximum: number) =>
  (minimum === 0 ? z.string() : z.string().min(minimum))
    .max(maximum)
    .refine((text) => !UNWRITABLE.test(text), { error: 'must hold no control characters' });
