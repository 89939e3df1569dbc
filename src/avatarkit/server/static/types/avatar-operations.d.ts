import { AvatarElement } from "./element.js";
export type ApiError = import("./client.js").ApiError;
export type Spending = import("./client.js").Spending;
/**
 * State of the deployment: checks, the backlog of workers, and this month's spending.
 *
 * @element avatar-operations
 */
export declare class AvatarOperations extends AvatarElement {
    #private;
    static style: string;
    tokenChanged(): void;
    restart(): void;
    /** Load all parts; one that fails leaves the others. */
    load(): Promise<void>;
}
