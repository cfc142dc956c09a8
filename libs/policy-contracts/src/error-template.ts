/** What `#{…}` in an error template may name (Apinizer's own names). */
export const ERROR_TEMPLATE_VARIABLES = [
  'error.defaultErrorCode',
  'error.defaultMessage',
  'error.defaultHttpCode',
  'error.customizedErrorCode',
  'error.customizedMessage',
  'error.customizedHttpCode',
  'request.method',
  'request.uri',
  'request.contentType',
  'request.remoteAddress',
  'request.queryString',
  'request.pathInfo',
  'request.contextPath',
  'message.correlationId',
  'apiProxy.id',
  'apiProxy.name',
] as const;
export type ErrorTemplateVariable = (typeof ERROR_TEMPLATE_VARIABLES)[number];

/**
 * The vendor's older placeholders, `#FAULTCODE#`, which its `json-error-template` call documents. An answer of the
 * upstream is never part of a fault, so the two that would show it stay empty.
 */
const PLACEHOLDERS: ReadonlyMap<string, ErrorTemplateVariable | undefined> = new Map([
  ['CORRELATIONID', 'message.correlationId'],
  ['FAULTCODE', 'error.customizedErrorCode'],
  ['FAULTMESSAGE', 'error.customizedMessage'],
  ['FAULTMESSAGE_FIRSTLINE', 'error.customizedMessage'],
  ['FAULTSTATUSCODE', 'error.customizedHttpCode'],
  ['RESPONSEFROMAPI', undefined],
  ['RESPONSEFROMAPI_FIRSTLINE', undefined],
]);
/** As they are written: `#CORRELATIONID#`. */
export const ERROR_TEMPLATE_PLACEHOLDERS: readonly string[] = [...PLACEHOLDERS.keys()].map((name) => `#${name}#`);

export type ErrorTemplateValues = (name: ErrorTemplateVariable) => string;

const REFERENCE = /#\{([^{}]*)\}|#([A-Z_]+)#/g;
const VARIABLES: ReadonlySet<string> = new Set(ERROR_TEMPLATE_VARIABLES);
const isVariable = (name: string): name is ErrorTemplateVariable => VARIABLES.has(name);

/** What a `#{…}` of the template names and nobody knows, each once. Unknown `#WORDS#` are plain text. */
export function unknownTemplateVariables(template: string): string[] {
  const names = [...template.matchAll(REFERENCE)].flatMap(([, name]) => (name === undefined ? [] : [name.trim()]));
  return [...new Set(names.filter((name) => !isVariable(name)))];
}

const XML_REFERENCES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' },
};
/** Characters that XML 1.0 cannot hold, even as a reference (section 2.2); halves of a surrogate pair among them. */
const NOT_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** As a value may stand in the text, whatever is in it. */
const ESCAPES = {
  /** Inside a string. */
  json: (text: string): string => JSON.stringify(text).slice(1, -1),
  /** Inside an element or an attribute. */
  xml: (text: string): string =>
    text.replace(NOT_IN_XML, '\ufffd').replace(/[&<>"']/g, (sign) => XML_REFERENCES[sign] ?? ''),
} as const;
export type ErrorTemplateKind = keyof typeof ESCAPES;

/** Text, or the variable whose value stands there. */
type Piece = { readonly text: string } | { readonly variable: ErrorTemplateVariable };

function pieceOf(whole: string, name: string | undefined, placeholder: string | undefined): Piece {
  const variable = name?.trim() ?? '';
  if (isVariable(variable)) return { variable };
  if (placeholder === undefined || !PLACEHOLDERS.has(placeholder)) return { text: name === undefined ? whole : '' };
  const known = PLACEHOLDERS.get(placeholder);
  return known === undefined ? { text: '' } : { variable: known };
}

function piecesOf(template: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of template.matchAll(REFERENCE)) {
    const [whole, name, placeholder] = match;
    pieces.push({ text: template.slice(end, match.index) }, pieceOf(whole, name, placeholder));
    end = match.index + whole.length;
  }
  pieces.push({ text: template.slice(end) });
  return pieces;
}

/** Reads a template once; values are escaped as its kind demands. An unknown variable is empty. */
export function compileErrorTemplate(
  template: string,
  kind: ErrorTemplateKind = 'json',
): (values: ErrorTemplateValues) => string {
  const pieces = piecesOf(template);
  const escaped = ESCAPES[kind];
  return (values) => pieces.map((piece) => ('text' in piece ? piece.text : escaped(values(piece.variable)))).join('');
}

const isHttpCode = (name: ErrorTemplateVariable): boolean => name.endsWith('HttpCode');

/**
 * Whether the template gives JSON whatever the values are: only the status may stand outside quotes, since every other
 * value is text. The sample begins with a letter that completes no escape of the template's own.
 */
export function makesJson(template: string): boolean {
  try {
    JSON.parse(compileErrorTemplate(template)((name) => (isHttpCode(name) ? '500' : 'sample "text"')));
    return true;
  } catch {
    return false;
  }
}
