import { isDocumentText } from '#libs/policy-contracts';

/** Elements and attributes together; the largest policy has some 1,700. What is wrong with each of them is said, so they are few. */
export const MOST_NODES = 5_000;
/** An element has at most two of these and an attribute one; texts, comments and CDATA sections have some more. */
const MOST_MARKS = 4 * MOST_NODES;

/** `UTF-8` and its subset: what the text came in, or was as JSON. */
const DECLARATION =
  /^<\?xml\s+version\s*=\s*(["'])1\.\d+\1(?:\s+encoding\s*=\s*(["'])(?:utf-8|us-ascii)\2)?(?:\s+standalone\s*=\s*(["'])(?:yes|no)\3)?\s*\?>/i;
const XML_TARGET = /^<\?xml(?:\s|\?)/i;

/** Markup that is no element, and where it ends. */
const OTHER_MARKUP = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
] as const;

const NOT_CLOSED = 'holds a comment, CDATA section or processing instruction that is not closed';

/** What is wrong with one piece of such markup; its text begins after the opening. */
function pieceFault(opening: string, text: string): string | undefined {
  if (opening === '<!--' && (text.includes('--') || text.endsWith('-'))) return 'holds a comment with -- in it';
  if (opening === '<?' && XML_TARGET.test(`${opening}${text}?`))
    return 'may have an XML declaration at its beginning only';
  return undefined;
}

/**
 * Passes over comments, CDATA sections and processing instructions. What else begins with `<!` declares something, a
 * document type or entities: it is refused before anything is parsed, so that no entity can be expanded and nothing
 * outside be fetched.
 */
function otherMarkupFault(text: string, from: number): string | undefined {
  const start = /<[!?]/g;
  start.lastIndex = from;
  for (let found = start.exec(text); found !== null; found = start.exec(text)) {
    const at = found.index;
    const known = OTHER_MARKUP.find(([opening]) => text.startsWith(opening, at));
    if (known === undefined) return 'may not declare a document type or entities';
    const [opening, closing] = known;
    const end = text.indexOf(closing, at + opening.length);
    if (end === -1) return NOT_CLOSED;
    const fault = pieceFault(opening, text.slice(at + opening.length, end));
    if (fault !== undefined) return fault;
    start.lastIndex = end + closing.length;
  }
  return undefined;
}

/**
 * What the parser would pass over, or take long for: XML 1.0 sections 2.2 (characters), 2.5 (comments) and 2.8 (the
 * declaration), any declaration, more markup than a policy has. Undefined: nothing. Names places, never content.
 */
export function markupFault(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (!isDocumentText(text)) return 'holds a character that XML cannot have';
  if ((text.match(/[<=]/g) ?? []).length > MOST_MARKS) return `holds more than ${MOST_NODES} elements and attributes`;
  const declaration = XML_TARGET.test(text) ? DECLARATION.exec(text)?.[0] : '';
  if (declaration === undefined) return 'must have an XML declaration of version 1.0 and encoding UTF-8, or none';
  return otherMarkupFault(text, declaration.length);
}
