import { AvatarElement } from "./element.js";
export type ApiError = import("./client.js").ApiError;
export type Check = {
    subject: string;
    verdict: "ok" | "warning" | "error";
    detail: string;
};
export type Backlog = {
    provider: string;
    waiting: number;
    due: number;
    held: number;
    due_since: number | null;
};
export type Spending = {
    month: string;
    spent: string;
    reserved: string;
    budgets: {
        amount: string;
        left: string;
    }[];
};
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
