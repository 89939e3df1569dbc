// Queue of uploads: each chosen file is an entry at once, and knows the clone that it was chosen for.

import { ApiError } from "./client.js";

/**
 * @typedef {import("./client.js").Client} Client
 * @typedef {import("./client.js").Role} Role
 * @typedef {import("./client.js").Sample} Sample
 * @typedef {import("./client.js").Finding} Finding
 * @typedef {"waiting" | "sending" | "paused" | "checking" | "stored" | "rejected" | "failed" | "cancelled"} State
 * @typedef {Object} Upload
 * @property {string} key
 * @property {string} clone the clone that the file was chosen for; it never changes
 * @property {Role} role
 * @property {string} name
 * @property {File | null} file null for what was uploaded before a reload
 * @property {string} stack
 * @property {State} state
 * @property {number} percent
 * @property {Sample | null} sample
 * @property {Finding[]} findings
 * @property {ApiError | null} error
 * @property {string} [duplicate] name of another upload with the same bytes
 * @property {AbortController} [ending]
 */

const SENT = ["sending", "paused", "checking"];
/** States of uploads that are not finished. */
export const OPEN = ["waiting", ...SENT];
const AT_ONCE = 2; // browsers open six connections to a server, for streams too

/** Uploads of all clones; it dispatches `change` whenever one of them changes. */
export class Uploads extends EventTarget {
  /** @type {Upload[]} */
  all = [];
  #count = 0;

  /** @param {() => Client} client */
  constructor(client) {
    super();
    this.client = client;
  }

  /** @param {string} clone @param {Role} [role] */
  of(clone, role) {
    return this.all.filter((one) => one.clone === clone && (!role || one.role === role));
  }

  /** Uploads of a clone that are not finished. @param {string} clone */
  open(clone) {
    return this.of(clone).filter(({ state }) => OPEN.includes(state));
  }

  /** True while any file is on its way: leaving the page would lose it. */
  get busy() {
    return this.all.some(({ state }) => OPEN.includes(state));
  }

  /** Put a file into the queue. @param {string} clone @param {Role} role @param {File} file @param {string} [stack] */
  add(clone, role, file, stack = "") {
    for (const old of this.of(clone, role)) {
      if (old.name === file.name && ["rejected", "failed", "cancelled"].includes(old.state)) this.dismiss(old);
    }
    // Two files of one name would be one upload.
    const taken = new Set(this.of(clone, role).map(({ name }) => name));
    let { name } = file;
    for (let n = 2; taken.has(name); n++) name = file.name.replace(/(\.\w+)?$/, ` (${n})$1`);
    const renamed = name === file.name ? file : new File([file], name, { type: file.type });
    /** @type {Upload} */
    const upload = {
      ...{ key: `u${++this.#count}`, clone, role, name, file: renamed, stack, state: "waiting", percent: 0 },
      ...{ sample: null, findings: [], error: null },
    };
    if (!file.size) upload.state = "rejected";
    this.all.push(upload);
    this.#changed();
    return upload;
  }

  /** Note a sample that was uploaded before a reload. @param {Sample} sample @param {Finding[]} findings */
  known(sample, findings) {
    this.all.push({
      ...{ key: `u${++this.#count}`, clone: sample.clone_id, role: sample.role, name: sample.name, file: null, stack: "" },
      ...{ state: "stored", percent: 100, sample, findings, error: null },
    });
    this.#changed();
  }

  /** Note what a phone has uploaded. @param {string} clone @param {Role} role @param {import("./handover.js").Arrived} arrived @returns {Upload} */
  arrived(clone, role, { name, sample, findings }) {
    const there = this.all.find((one) => one.sample && one.sample.id === sample?.id);
    if (there) return there;
    if (sample) this.known(sample, findings);
    else this.held(clone, role, name);
    return this.all[this.all.length - 1];
  }

  /** Note an upload that a reload has cut off. @param {string} clone @param {Role} role @param {string} name @param {number} percent */
  cut(clone, role, name, percent) {
    this.all.push({
      ...{ key: `u${++this.#count}`, clone, role, name, file: null, stack: "" },
      ...{ state: "cancelled", percent, sample: null, findings: [], error: null },
    });
    this.#changed();
  }

  /** Note a file that was uploaded before a reload, and that no request has used. @param {string} clone @param {Role} role @param {string} name */
  held(clone, role, name) {
    this.all.push({
      ...{ key: `u${++this.#count}`, clone, role, name, file: null, stack: "" },
      ...{ state: "stored", percent: 100, sample: null, findings: [], error: null },
    });
    this.#changed();
  }

  /** @param {Upload} upload */
  cancel(upload) {
    upload.state = "cancelled";
    upload.ending?.abort();
    this.#changed();
  }

  /** @param {Upload} upload */
  retry(upload) {
    Object.assign(upload, { state: "waiting", percent: 0, error: null, findings: [] });
    this.#changed();
  }

  /** Take an upload off the list. @param {Upload} upload */
  dismiss(upload) {
    upload.ending?.abort();
    this.all = this.all.filter((one) => one !== upload);
    this.#changed();
  }

  /** Delete what was stored, and take it off the list. @param {Upload} upload */
  async remove(upload) {
    const shared = this.all.some((one) => one !== upload && one.sample && one.sample.id === upload.sample?.id);
    if (upload.sample && !shared) await this.client().deleteSample(upload.clone, upload.sample.id);
    this.dismiss(upload);
  }

  #changed() {
    const sending = this.all.filter(({ state }) => SENT.includes(state)).length;
    const next = this.all.filter(({ state }) => state === "waiting").slice(0, Math.max(0, AT_ONCE - sending));
    for (const upload of next) this.#send(upload);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Upload} upload */
  async #send(upload) {
    const ending = (upload.ending = new AbortController());
    upload.state = "sending";
    const current = () => upload.ending === ending && !ending.signal.aborted && this.all.includes(upload);
    try {
      const { sample, findings } = await this.client().upload(upload.clone, upload.role, /** @type {File} */ (upload.file), {
        stack: upload.stack,
        signal: ending.signal,
        progress: (percent) => {
          if (!current()) return;
          upload.percent = percent;
          upload.state = percent === 100 ? "checking" : "sending";
          this.dispatchEvent(new Event("change"));
        },
        paused: () => {
          if (!current()) return;
          upload.state = "paused";
          this.dispatchEvent(new Event("change"));
        },
      });
      if (!current()) return;
      Object.assign(upload, { state: "stored", percent: 100, sample, findings });
      const same = this.all.find((one) => one !== upload && sample && one.sample?.id === sample.id);
      if (same) upload.duplicate = same.name;
    } catch (caught) {
      if (!current()) return;
      const error = /** @type {ApiError} */ (caught);
      upload.error = error;
      upload.findings = error.findings ?? [];
      upload.state = upload.findings.length || error.code === "media_rejected" ? "rejected" : "failed";
    } finally {
      this.#changed();
    }
  }
}
