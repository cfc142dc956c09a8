import { z } from 'zod';

/** A member that may be left out or null; both read as undefined. */
export const optional = <Output, Input>(schema: z.ZodType<Output, Input>) =>
  schema.nullish().transform((value): Output | undefined => value ?? undefined);

/** A member with a default; null counts as left out, as the vendor's clients send it. */
export const withDefault = <Output, Input>(schema: z.ZodType<Output, Input>, value: Output) =>
  schema
    .nullish()
    .meta({ default: value })
    .transform((given): Output => given ?? value);

/** A whole number that JSON can carry without loss (at most 2^53 - 1). */
export const wholeNumber = (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER) =>
  z.int().min(minimum).max(maximum);
