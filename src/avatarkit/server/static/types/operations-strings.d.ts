/** Add these texts to the table of a language, which is loaded. @param {string} language */
export declare const extend: (language: string) => void;
