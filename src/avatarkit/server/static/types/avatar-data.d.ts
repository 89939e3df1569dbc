import { AvatarElement } from "./element.js";
export type ApiError = import("./client.js").ApiError;
export type Consent = import("./client.js").Consent;
export type Erasure = import("./client.js").Erasure;
export type Sample = import("./client.js").Sample;
/**
 * Recordings and consents of a user: play, delete, withdraw, erase everything.
 *
 * @element avatar-data
 * @attr training-id only the recordings and the consent of that avatar
 * @fires avatar-erased everything of the user was erased: `detail` is the receipt
 */
export declare class AvatarData extends AvatarElement {
    #private;
    static observedAttributes: string[];
    static properties: string[];
    static style: string;
    get trainingId(): string | null;
    set trainingId(value: string | null);
    stop(): void;
    tokenChanged(): void;
    restart(): void;
}
