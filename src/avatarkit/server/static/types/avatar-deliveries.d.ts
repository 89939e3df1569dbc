import { AvatarElement } from "./element.js";
export type ApiError = import("./client.js").ApiError;
export type DeliveredTo = {
    id: string;
    training_id: string | null;
    name: string;
    status: string;
    own: boolean;
};
export type Entry = {
    provider: string;
    event_id: string;
    event_type: string;
    record: DeliveredTo | null;
    signed: boolean;
    outcome: string;
    received_at: number;
};
/**
 * Webhook deliveries of all users, newest first, as they arrive.
 *
 * @element avatar-deliveries
 * @attr search avatar, video or event that is searched for at first
 */
export declare class AvatarDeliveries extends AvatarElement {
    #private;
    static style: string;
    stop(): void;
    tokenChanged(): void;
    restart(): void;
    /** Load the newest deliveries, and what arrives from now on. */
    load(): Promise<void>;
}
