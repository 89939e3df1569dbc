/** @type {Record<string, Record<string, string>>} */
export declare const TEXTS: Record<string, Record<string, string>>;
