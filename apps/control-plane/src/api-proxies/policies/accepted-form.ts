/** What a client may be answered with; where it takes both, the one it likes better, and JSON where it has no liking. */
export type AcceptedForm = 'json' | 'xml' | 'xml-only';

interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

function rangeOf(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const quality = weight === undefined ? 1 : Number(weight);
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** The weight of the most specific range that fits (RFC 9110 section 12.5.1); 0: not acceptable. */
function qualityOf(ranges: readonly MediaRange[], type: string): number {
  const [group = ''] = type.split('/');
  for (const candidate of [type, `${group}/*`, '*/*']) {
    const found = ranges.find((range) => range.type === candidate);
    if (found !== undefined) return found.quality;
  }
  return 0;
}

/** Reads an `Accept` header. */
export function acceptedForm(accept: string | undefined): AcceptedForm {
  if (accept === undefined || accept.trim() === '') return 'json';
  const ranges = accept.split(',').map(rangeOf);
  const json = qualityOf(ranges, 'application/json');
  const xml = Math.max(qualityOf(ranges, 'application/xml'), qualityOf(ranges, 'text/xml'));
  if (xml <= json) return 'json';
  return json === 0 ? 'xml-only' : 'xml';
}
