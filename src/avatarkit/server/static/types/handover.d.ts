export { extend } from "./phone-strings.js";
export type ApiError = import("./client.js").ApiError;
export type Finding = import("./client.js").Finding;
export type Sample = import("./client.js").Sample;
export type AvatarElement = import("./element.js").AvatarElement;
export type Asked = import("./recorder.js").Asked;
export type Arrived = {
    name: string;
    sample: Sample | null;
    findings: Finding[];
};
export type Answer = {
    id: string;
    status: "waiting" | "opened" | "completed" | "expired";
    name: string | null;
    percent: number;
    upload: {
        sample: Sample | null;
        findings: Finding[];
    } | null;
    link: string;
    qr: string[];
};
/**
 * @typedef {import("./client.js").ApiError} ApiError
 * @typedef {import("./client.js").Finding} Finding
 * @typedef {import("./client.js").Sample} Sample
 * @typedef {import("./element.js").AvatarElement} AvatarElement
 * @typedef {import("./recorder.js").Asked} Asked
 * @typedef {{name: string, sample: Sample | null, findings: Finding[]}} Arrived
 * @typedef {{id: string, status: "waiting" | "opened" | "completed" | "expired", name: string | null, percent: number,
 *   upload: {sample: Sample | null, findings: Finding[]} | null, link: string, qr: string[]}} Answer
 */
export declare const CSS = "\n.handover { display: grid; gap: .75rem; justify-items: center; padding: 1rem; background: var(--_tint); width: 100%; text-align: center; }\n.handover svg { width: min(17rem, 72vw); border-radius: 12px; background: #fff; } .handover .big { font-size: 4rem; line-height: 1; }\n.handover code { font-size: .85rem; overflow-wrap: anywhere; user-select: all; } .handover progress { width: min(20rem, 90%); }\n";
/**
 * Let a phone record: show the code, and wait until the recording has arrived; null if it never does.
 * @param {AvatarElement} host
 * @param {Asked} asked
 * @param {HTMLElement} stage what shows the code and its state
 * @param {AbortSignal} signal ends the hand-over, and with it the link
 * @returns {Promise<Arrived | null>}
 */
export declare const handOver: (host: AvatarElement, asked: Asked, stage: HTMLElement, signal: AbortSignal) => Promise<Arrived | null>;
