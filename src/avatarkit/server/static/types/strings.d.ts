import { EN } from "./strings/en.js";
export { EN };
export type Strings = {
    [Name in keyof typeof EN]: string;
};
/** @typedef {{[Name in keyof typeof EN]: string}} Strings */
/** Default texts; a page may replace them for all elements. @type {Strings} */
export declare const STRINGS: Strings;
/** Languages with texts, by their names in themselves. */
export declare const LANGUAGES: {
    en: string;
    de: string;
    es: string;
    fr: string;
    ar: string;
    zh: string;
    ja: string;
};
/** Texts of a language, if they are loaded. @param {string} tag */
export declare const loaded: (tag: string) => Partial<Strings> | undefined;
/** Load the texts of a language; English if they cannot be loaded. @param {string} tag */
export declare const language: (tag: string) => Promise<Partial<Strings>>;
/** @param {string} tag */
export declare const direction: (tag: string) => "ltr" | "rtl";
