import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { markupFault, MOST_NODES } from './check-markup.ts';
import { decodeReferences } from './xml-text.ts';

/** One element with its local name; prefixes and namespaces say nothing here (`verify-jwt.md` 2.1). */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** All text of the element's own, references replaced, not trimmed. */
  readonly text: string;
}

/** A document, or one sentence on why there is none. It names places, never content: that may be secret. */
export type ReadXml =
  { readonly ok: true; readonly root: XmlElement } | { readonly ok: false; readonly message: string };

/** VerifyJWT needs five. */
const DEEPEST_NESTING = 16;
const ATTRIBUTE_PREFIX = '@';
const ATTRIBUTES = ':@';
const TEXT = '#text';
const CDATA = '#cdata';

type Node = Readonly<Record<string, unknown>>;

class UnreadableXml extends Error {}

function decoded(raw: string, where: string): string {
  const text = decodeReferences(raw);
  if (text !== undefined) return text;
  throw new UnreadableXml(
    `${where} holds a reference other than &lt; &gt; &amp; &apos; &quot; or the number of a character that XML can have`,
  );
}

/** XML 1.0 section 2.4: it ends CDATA sections, and stands nowhere else. */
function decodedText(raw: string, element: string): string {
  if (raw.includes(']]>')) throw new UnreadableXml(`element ${element} holds ]]> outside of a CDATA section`);
  return decoded(raw, `element ${element}`);
}

/** Attributes that belong to XML itself or to schemas: `xmlns`, `xml:space`, `xsi:schemaLocation`. */
const OF_XML = /^(?:xmlns$|xmlns:|xml:|xsi:)/;
const localName = (name: string): string => name.slice(name.lastIndexOf(':') + 1);

function attributesOf(node: Node, element: string): Map<string, string> {
  const raw = Object.entries((node[ATTRIBUTES] ?? {}) as Record<string, string>);
  const found = raw.map(([key, value]) => [key.slice(ATTRIBUTE_PREFIX.length), value] as const);
  return new Map(
    found
      .filter(([name]) => !OF_XML.test(name))
      .map(([name, value]) => {
        if (value.includes('<')) throw new UnreadableXml(`attribute ${name} of ${element} holds a bare <`);
        return [name, decoded(value.replaceAll(/[\t\n]/g, ' '), `attribute ${name} of ${element}`)];
      }),
  );
}

const textOf = (node: Node): string => {
  const text = node[TEXT];
  return typeof text === 'string' ? text : '';
};

/** Builds the elements of one document, and counts what it makes. */
class ElementReader {
  private count = 0;

  read(node: Node, tag: string): XmlElement {
    const name = localName(tag);
    const attributes = attributesOf(node, name);
    this.count += 1 + attributes.size;
    if (this.count > MOST_NODES) throw new UnreadableXml(`holds more than ${MOST_NODES} elements and attributes`);
    const children: XmlElement[] = [];
    let text = '';
    for (const inner of node[tag] as readonly Node[]) {
      const key = Object.keys(inner).find((candidate) => candidate !== ATTRIBUTES) ?? TEXT;
      if (key === TEXT) text += decodedText(textOf(inner), name);
      else if (key === CDATA) text += (inner[CDATA] as readonly Node[]).map(textOf).join('');
      else children.push(this.read(inner, key));
    }
    return { name, attributes, children, text };
  }
}

/** Text stays text, where it stands; references are replaced by `decodeReferences` alone. */
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: ATTRIBUTE_PREFIX,
  textNodeName: TEXT,
  cdataPropName: CDATA,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: DEEPEST_NESTING,
  // Its own answer to `toString` and its like is another name; here no name is looked up along a prototype.
  onDangerousProperty: (name) => name,
});

function rootOf(text: string): XmlElement {
  const nodes = parser.parse(text) as readonly Node[];
  const tags = nodes.flatMap((node) => {
    const tag = Object.keys(node).find((key) => key !== ATTRIBUTES);
    const isBlank = tag === undefined || (tag === TEXT && textOf(node).trim() === '');
    return isBlank ? [] : [{ node, tag }];
  });
  const [root] = tags;
  // The parser says nothing of what follows the last tag.
  if (root === undefined || tags.length > 1 || root.tag === TEXT || !text.endsWith('>')) {
    throw new UnreadableXml('must have one outermost element and no text beside it');
  }
  return new ElementReader().read(root.node, root.tag);
}

/** Reads an XML 1.0 document of elements, attributes and text. */
export function readXml(document: string): ReadXml {
  const text = document.replace(/^\ufeff/, '').trim();
  const fault = markupFault(text);
  if (fault !== undefined) return { ok: false, message: fault };
  const validity = XMLValidator.validate(text);
  if (validity !== true) {
    const { line, col } = validity.err;
    return { ok: false, message: `is not well-formed XML at line ${line}, column ${col}` };
  }
  try {
    return { ok: true, root: rootOf(text) };
  } catch (reason) {
    const message =
      reason instanceof UnreadableXml ? reason.message : 'is not XML that can be read, or is nested too deeply';
    return { ok: false, message };
  }
}
