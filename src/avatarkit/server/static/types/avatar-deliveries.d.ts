import { AvatarElement } from "./element.js";
export type Delivery = import("./client.js").Delivery;
/**
 * Webhook deliveries about a user's records, newest first.
 *
 * @element avatar-deliveries
 */
export declare class AvatarDeliveries extends AvatarElement {
    #private;
    static style: string;
    restart(): void;
    /** Load the newest deliveries, or older ones. */
    load(further?: boolean): Promise<void>;
}
