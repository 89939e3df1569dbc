// Texts of all elements, by language: English is built in, others are loaded when they are needed.

import { EN } from "./strings/en.js";

export { EN };

/** @typedef {{[Name in keyof typeof EN]: string}} Strings */

/** Default texts; a page may replace them for all elements. @type {Strings} */
export const STRINGS = { ...EN };

/** Languages with texts, by their names in themselves. */
export const LANGUAGES = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  ar: "العربية",
  zh: "中文",
  ja: "日本語",
};

/** @type {Record<string, () => Promise<{default: Partial<Strings>}>>} */
const LOADERS = {
  de: () => import("./strings/de.js"),
  es: () => import("./strings/es.js"),
  fr: () => import("./strings/fr.js"),
  ar: () => import("./strings/ar.js"),
  zh: () => import("./strings/zh.js"),
  ja: () => import("./strings/ja.js"),
};

/** @type {Map<string, Partial<Strings>>} */
const tables = new Map([["en", STRINGS]]);

/** @param {string} tag */
const short = (tag) => {
  const [name] = tag.toLowerCase().split("-");
  return name in LANGUAGES ? name : "en";
};

/** Texts of a language, if they are loaded. @param {string} tag */
export const loaded = (tag) => tables.get(short(tag));

/** Load the texts of a language; English if they cannot be loaded. @param {string} tag */
export const language = async (tag) => {
  const name = short(tag);
  const table = loaded(name) ?? (await LOADERS[name]().then((m) => m.default, () => STRINGS));
  tables.set(name, table);
  return table;
};

/** @param {string} tag */
export const direction = (tag) => (short(tag) === "ar" ? "rtl" : "ltr");
