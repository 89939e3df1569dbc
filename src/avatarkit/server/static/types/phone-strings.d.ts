/** Add these texts to the table of a language, which is loaded. */
export declare const extend: (language: string) => void;
