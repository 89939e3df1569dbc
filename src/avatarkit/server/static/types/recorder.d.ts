export type AvatarElement = import("./element.js").AvatarElement;
export type Kind = "audio" | "video";
export type Asked = {
    kind: Kind;
    text: string;
    name: string;
};
/**
 * Let a person record something; null if they close the recorder.
 * @param {AvatarElement} host the element in which it opens, and whose texts it says
 * @param {Asked} asked what is recorded, the text to read, and the file's name without its ending
 * @returns {Promise<File | null>}
 */
export declare const record: (host: AvatarElement, asked: Asked) => Promise<File | null>;
