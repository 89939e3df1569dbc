import { ApiError } from "./client.js";
export type Client = import("./client.js").Client;
export type Role = import("./client.js").Role;
export type Sample = import("./client.js").Sample;
export type Finding = import("./client.js").Finding;
export type State = "waiting" | "sending" | "paused" | "checking" | "stored" | "rejected" | "failed" | "cancelled";
export type Upload = {
    key: string;
    /**
     * the clone that the file was chosen for; it never changes
     */
    clone: string;
    role: Role;
    name: string;
    /**
     * null for what was uploaded before a reload
     */
    file: File | null;
    stack: string;
    state: State;
    percent: number;
    sample: Sample | null;
    findings: Finding[];
    error: ApiError | null;
    /**
     * name of another upload with the same bytes
     */
    duplicate?: string;
    ending?: AbortController;
};
/** States of uploads that are not finished. */
export declare const OPEN: string[];
/** Uploads of all clones; it dispatches `change` whenever one of them changes. */
export declare class Uploads extends EventTarget {
    #private;
    client: () => Client;
    /** @type {Upload[]} */
    all: Upload[];
    /** @param {() => Client} client */
    constructor(client: () => Client);
    /** @param {string} clone @param {Role} [role] */
    of(clone: string, role?: Role): Upload[];
    /** Uploads of a clone that are not finished. @param {string} clone */
    open(clone: string): Upload[];
    /** True while any file is on its way: leaving the page would lose it. */
    get busy(): boolean;
    /** Put a file into the queue. @param {string} clone @param {Role} role @param {File} file @param {string} [stack] */
    add(clone: string, role: Role, file: File, stack?: string): Upload;
    /** Note a sample that was uploaded before a reload. @param {Sample} sample @param {Finding[]} findings */
    known(sample: Sample, findings: Finding[]): void;
    /** Note what a phone has uploaded. @param {string} clone @param {Role} role @param {import("./handover.js").Arrived} arrived @returns {Upload} */
    arrived(clone: string, role: Role, { name, sample, findings }: import("./handover.js").Arrived): Upload;
    /** Note an upload that a reload has cut off. @param {string} clone @param {Role} role @param {string} name @param {number} percent */
    cut(clone: string, role: Role, name: string, percent: number): void;
    /** Note a file that was uploaded before a reload, and that no request has used. @param {string} clone @param {Role} role @param {string} name */
    held(clone: string, role: Role, name: string): void;
    /** @param {Upload} upload */
    cancel(upload: Upload): void;
    /** @param {Upload} upload */
    retry(upload: Upload): void;
    /** Take an upload off the list. @param {Upload} upload */
    dismiss(upload: Upload): void;
    /** Delete what was stored, and take it off the list. @param {Upload} upload */
    remove(upload: Upload): Promise<void>;
}
