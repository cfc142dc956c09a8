import { compileMessageTemplate } from '../linking/message-template.ts';
import { exchangeFor, linked } from './artifacts.ts';

/** Fills message templates in for a request in which these variables are set. */
export function templateFiller(values: Readonly<Record<string, string>>): (template: string) => string {
  const exchange = exchangeFor(linked({}));
  for (const [name, value] of Object.entries(values)) exchange.setVariable(name, value);
  return (template) => compileMessageTemplate(template)(exchange);
}
