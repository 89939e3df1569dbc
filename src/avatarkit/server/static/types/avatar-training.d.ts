import { AvatarElement } from "./element.js";
export { Client } from "./client.js";
export type RecordAnswer = import("./client.js").RecordAnswer;
export type Action = import("./client.js").Action;
/**
 * Progress of a training, what the user must do, and the finished avatar.
 *
 * @element avatar-training
 * @attr training-id
 * @attr phone-page address of the page that phones open to record; by default `phone` at the API
 * @fires avatar-change the record changed: `detail` is the record
 * @fires avatar-gone the training does not exist, or the user is signed out
 * @fires avatar-other the user wants to try another provider with the same recordings: `detail` is the record
 * @fires avatar-again the user wants to train again with the same recordings: `detail` is the record
 * @fires avatar-video a test video was requested: `detail` is its record
 */
export declare class AvatarTraining extends AvatarElement {
    #private;
    static observedAttributes: string[];
    static properties: string[];
    static style: string;
    /** Latest state of the training, as the API returns it. */
    get record(): import("./client.js").RecordAnswer | null;
    get trainingId(): string | null;
    set trainingId(value: string | null);
    tokenChanged(): void;
    /** Start a training by `POST /trainings` and watch it; shows an error if it cannot be started. @param {object} body */
    create(body: object): Promise<import("./client.js").RecordAnswer>;
    stop(): void;
    restart(): void;
}
