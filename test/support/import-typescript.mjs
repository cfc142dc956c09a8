// Jest turns the global set-up into CommonJS, import() included: the real import() is here.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);

/** Imports a lib of the project from source. */
export const importLib = (specifier) => import(specifier);
