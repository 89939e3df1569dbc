// Texts that some elements bring along: they are loaded with their element.

import { EN, STRINGS, loaded } from "./element.js";

/**
 * Add texts in all languages; the result adds them to the table of a language, which is loaded.
 * @param {Record<string, Record<string, string>>} texts
 * @returns {(language: string) => void}
 */
export const extender = (texts) => {
  Object.assign(EN, texts.en);
  Object.assign(STRINGS, { ...texts.en, ...STRINGS }); // a page's own texts stay
  return (language) => {
    const tag = language.toLowerCase().split("-")[0];
    const table = loaded(tag);
    if (table && table !== STRINGS) Object.assign(table, { ...texts[tag], ...table });
  };
};
