import { AvatarElement } from "./element.js";
export type RecordAnswer = import("./client.js").RecordAnswer;
export type ApiError = import("./client.js").ApiError;
/**
 * The avatars of a user, newest first.
 *
 * @element avatar-list
 * @attr example show "Try it with the built-in example" when there are no avatars yet
 * @fires avatar-open an avatar was chosen: `detail` is its record; its link goes to `#avatar/ID`
 * @fires avatar-new a new avatar is wanted
 * @fires avatar-example the built-in example is wanted
 */
export declare class AvatarList extends AvatarElement {
    #private;
    static observedAttributes: string[];
    static style: string;
    stop(): void;
    tokenChanged(): void;
    restart(): void;
    /** Look for changes now. */
    refresh(): Promise<void>;
    /** Note that a record was deleted. @param {string} id */
    forget(id: string): void;
}
