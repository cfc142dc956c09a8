import { encodeAttribute, encodeText } from './xml-text.ts';

/** An element to write: with text or with children, never both. Attributes that are undefined are left out. */
export interface XmlOutput {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | undefined>>;
  readonly content?: string | readonly XmlOutput[];
}

const INDENT = '    ';

function lineOf({ name, attributes = {}, content = [] }: XmlOutput, indent: string): string {
  const written = Object.entries(attributes).flatMap(([attribute, value]) =>
    value === undefined ? [] : [` ${attribute}="${encodeAttribute(value)}"`],
  );
  const opening = `${indent}<${name}${written.join('')}`;
  if (typeof content === 'string') {
    return content === '' ? `${opening}/>\n` : `${opening}>${encodeText(content)}</${name}>\n`;
  }
  if (content.length === 0) return `${opening}/>\n`;
  return `${opening}>\n${content.map((child) => lineOf(child, indent + INDENT)).join('')}${indent}</${name}>\n`;
}

/** A whole document in UTF-8. Texts stand exactly as they are, without blanks around them. */
export const writeXml = (root: XmlOutput): string =>
  `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${lineOf(root, '')}`;
