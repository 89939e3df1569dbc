import { AvatarElement } from "./element.js";
export type ApiError = import("./client.js").ApiError;
export type Claim = {
    clone_id: string;
    role: import("./client.js").Role;
    name: string;
    media: "audio" | "video";
    text: string;
    language: string;
    stack: string | null;
    expires_at: number;
    token: string;
};
/**
 * Records on a phone what another device asked for, and uploads it there. It reads the secret of the
 * page's address, and takes it out of the address.
 *
 * @element avatar-phone
 * @fires avatar-handed-over the recording has arrived
 */
export declare class AvatarPhone extends AvatarElement {
    #private;
    static style: string;
    restart(): void;
    stop(): void;
}
