import { AvatarElement } from "./element.js";
export type RecordAnswer = import("./client.js").RecordAnswer;
export type ApiError = import("./client.js").ApiError;
/**
 * The videos of an avatar: progress, play, download, link, delete.
 *
 * @element avatar-gallery
 * @attr training-id
 * @attr poster picture of videos that have none
 */
export declare class AvatarGallery extends AvatarElement {
    #private;
    static observedAttributes: string[];
    static properties: string[];
    static style: string;
    get trainingId(): string | null;
    set trainingId(value: string | null);
    stop(): void;
    tokenChanged(): void;
    attributeChangedCallback(/** @type {string} */ name: string, /** @type {string | null} */ old: string | null, /** @type {string | null} */ value: string | null): void;
    restart(): void;
    /** Show a video that was just ordered. @param {RecordAnswer} video */
    add(video: RecordAnswer): void;
}
