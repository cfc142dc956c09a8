/** A text, or undefined for a variable that is not set. */
export type Argument = string | undefined;

/** A call with what its arguments hold in one request. */
export type Call = (values: readonly Argument[]) => string;

/**
 * A function of message templates (`verify-jwt.md` 9.1). What makes no sense gives the empty text; only an expression that
 * takes too long throws (RegexWorkExceeded), which ends the request.
 */
export interface TemplateFunction {
  /** How many arguments it takes. */
  readonly least: number;
  readonly most: number;
  /** Prepares one place where it is called; `written` holds the arguments that stand in the template itself. */
  readonly prepare: (written: readonly Argument[]) => Call;
}

/** A function of texts, for which a variable that is not set is the empty text. */
export const onTexts = (least: number, most: number, call: (...texts: string[]) => string): TemplateFunction => ({
  least,
  most,
  prepare: () => (values) => call(...values.map((value) => value ?? '')),
});

/** A call by names, as the table of all functions holds them. */
export type NamedFunctions = readonly (readonly [string, TemplateFunction])[];
