export { load } from '../support/typescript-hooks.mjs';
