import { AvatarElement } from "./element.js";
export type ApiError = import("./client.js").ApiError;
export type Costs = import("./client.js").Costs;
export type Role = import("./client.js").Role;
export type Stack = import("./client.js").Stack;
export type Upload = import("./uploads.js").Upload;
export type Draft = {
    clone: string;
    evidence: string | null;
    footage: string | null;
    findings: Record<string, import("./client.js").Finding[]>;
    open: {
        role: Role;
        name: string;
        percent: number;
    }[];
    who: "real" | "unreal";
    subject: string;
    agreed: boolean;
    given: number;
    reason: string;
    name: string;
    stack: string;
};
/**
 * The steps of a new avatar: record or choose files, consent, provider, order.
 *
 * @element avatar-create
 * @attr clone-id use the recordings of that clone
 * @attr storage name of the draft in the browser's storage; an empty one keeps none
 * @attr phone-page address of the page that phones open to record; by default `phone` at the API
 * @fires avatar-created an avatar was ordered: `detail` is its record
 */
export declare class AvatarCreate extends AvatarElement {
    #private;
    static observedAttributes: string[];
    static properties: string[];
    static style: string;
    constructor();
    get cloneId(): string | null;
    set cloneId(value: string | null);
    /** ID of the clone that the next order is for. */
    get clone(): string;
    restart(): void;
    stop(): void;
    tokenChanged(): void;
    /**
     * Begin with the recordings of a training, and another stack than its own.
     * @param {import("./client.js").RecordAnswer} record
     */
    tryOther({ clone_id: clone, stack }: import("./client.js").RecordAnswer): Promise<void>;
}
