/** Every sentence of ours is shorter; what a client named may not be. */
const LONGEST_SHOWN = 1_500;
/** What would break a line of a log or a terminal, or turn its writing round: names that a client made up may hold it. */
// eslint-disable-next-line no-control-regex -- naming them is the point
const UNSHOWABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** A text for an answer, however long and odd the names in it are. */
export function shownText(text: string): string {
  const whole = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  return whole.replace(UNSHOWABLE, '\ufffd');
}
