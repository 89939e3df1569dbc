export type Client = import("./client.js").Client;
export type Role = import("./client.js").Role;
/**
 * Upload a file; after a reload it goes on if the same file is chosen.
 * @param {Client} client
 * @param {string} clone
 * @param {Role} role
 * @param {File} file
 * @param {{progress?: (percent: number) => void, paused?: () => void, stack?: string, signal?: AbortSignal}} options
 * @returns {Promise<{sample: import("./client.js").Sample | null, findings: import("./client.js").Finding[]}>}
 */
export declare const upload: (client: Client, clone: string, role: Role, file: File, { progress, paused, stack, signal }?: {
    progress?: (percent: number) => void;
    paused?: () => void;
    stack?: string;
    signal?: AbortSignal;
}) => Promise<{
    sample: import("./client.js").Sample | null;
    findings: import("./client.js").Finding[];
}>;
/**
 * Bytes that the server has of an upload, and its length; null if there is no such upload.
 * @param {Client} client
 * @param {string} where
 * @param {AbortSignal} [signal]
 */
export declare const received: (client: Client, where: string, signal?: AbortSignal) => Promise<{
    offset: number;
    length: number;
} | null>;
