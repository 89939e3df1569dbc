/**
 * Add texts in all languages; the result adds them to the table of a language, which is loaded.
 * @param {Record<string, Record<string, string>>} texts
 * @returns {(language: string) => void}
 */
export declare const extender: (texts: Record<string, Record<string, string>>) => (language: string) => void;
