export type AvatarElement = import("./element.js").AvatarElement;
export type Kind = "audio" | "video";
export type Arrived = import("./handover.js").Arrived;
export type Asked = {
    kind: Kind;
    /**
     * to read aloud
     */
    text: string;
    /**
     * of the file, without its ending
     */
    name: string;
    /**
     * with a role: a phone may record instead, and upload the file for this clone
     */
    clone?: string;
    role?: import("./client.js").Role;
    stack?: string;
};
/**
 * Let a person record something; null if they close the recorder.
 * @param {AvatarElement} host the element in which it opens, and whose texts it says
 * @param {Asked} asked
 * @returns {Promise<File | Arrived | null>} what a phone has recorded is uploaded already
 */
export declare const record: (host: AvatarElement, asked: Asked) => Promise<File | Arrived | null>;
