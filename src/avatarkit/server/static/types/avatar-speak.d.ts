import { AvatarElement } from "./element.js";
export type ApiError = import("./client.js").ApiError;
export type Draft = {
    scenes: import("./scenes.js").Scene[];
    title?: string;
    language?: string;
};
/**
 * A script that an avatar speaks, with its expected length and price before the order.
 *
 * @element avatar-speak
 * @attr training-id
 * @attr stack stack of the training, for the price
 * @fires avatar-video a video was ordered: `detail` is its record
 */
export declare class AvatarSpeak extends AvatarElement {
    #private;
    static observedAttributes: string[];
    static properties: string[];
    static style: string;
    get trainingId(): string | null;
    set trainingId(value: string | null);
    get stack(): string | null;
    set stack(value: string | null);
    stop(): void;
    restart(): void;
}
