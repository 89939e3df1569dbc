// HTTP client of the API, whose addresses and shapes it knows; uploads are in tus.js.

/**
 * @typedef {{type?: string | null, code?: string, message: string}} Problem
 * @typedef {{code?: string, severity: "error" | "warning", message: string}} Finding
 * @typedef {"voice" | "footage" | "evidence" | "recording"} Role
 * @typedef {{id: string, clone_id: string, role: Role, name: string, size: number, media_type: string, created_at: number}} Sample
 * @typedef {{kind: string, message: string, choices: string[], url?: string | null, text?: string | null,
 *   expires_at?: number | null, recording?: "audio" | "video" | null}} Action
 * @typedef {{operation: string, provider: string, state: string, cost: string | null}} Operation
 * @typedef {{id: string, kind: "training" | "video", clone_id: string, training_id?: string | null, name: string,
 *   stack: string, consent_id: string | null, status: string, progress: number, estimated: boolean, version: number,
 *   action: Action | null, error: Problem | null, operations: Operation[], created_at: number,
 *   links: Record<string, string>, script?: string | null, estimate?: {seconds: number, basis: string}}} RecordAnswer
 * @typedef {{id: string, subject: string | null, real_person: boolean, wording_version: string,
 *   given_at: number | null, revoked_at: number | null, evidence: {size: number, media_type: string} | null}} Consent
 * @typedef {{clone_id: string, samples: number, trainings: number, created_at: number, updated_at: number}} Clone
 * @typedef {{id: string, status: "running" | "needs_person" | "completed", requested_at: number, digest: string,
 *   deleted: {where: string, what: string, count: number}[],
 *   remaining: {where: string, what: string, count: number, why: string, pending: boolean}[]}} Erasure
 * @typedef {{provider: string, event_type: string, record_id: string | null, signed: boolean, outcome: string,
 *   received_at: number}} Delivery
 * @typedef {{total: string | null, known: string, used: string, unknown: string[]}} Costs
 * @typedef {{stack: string, low: Costs, expected: Costs, high: Costs, assumptions: string[], oldest: string}} Quote
 * @typedef {{stack: string, how: string, ready: boolean, problem: string | null, quote: {expected: Costs} | null,
 *   settings: Setting[], scenes: SceneSupport | null, consent: ConsentRule[]}} Stack
 * @typedef {{together: boolean, layouts: string[], avatars: string | null, voices: string | null}} SceneSupport
 * @typedef {{id: string, name: string, gender: string | null, languages: string[]}} StockEntry
 * @typedef {{setting: string, takes: string[], minimum: number | null, maximum: number | null}} Setting
 * @typedef {{provider: string, demands: "record" | "evidence" | "action", text: string}} ConsentRule
 */
/**
 * @template T
 * @typedef {{items: T[], cursor: string | null}} Page
 */

export const FINAL = ["completed", "failed", "cancelled"];

const SILENCE = 45e3; // the server sends a heartbeat every 15 seconds

/** An error that the server told, or `network` if there was no answer. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code what is wrong, such as `consent_required`
   * @param {string} message
   * @param {Record<string, any>} [body]
   */
  constructor(status, code, message, body = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    /** @type {Finding[]} */
    this.findings = body.findings ?? [];
  }

  /**
   * @param {number} status
   * @param {unknown} body parsed JSON, if it was JSON
   * @param {string} [reason]
   */
  static of(status, body, reason = "") {
    const told = /** @type {Record<string, any>} */ (body ?? {});
    const { code = "", message = "" } = told.error ?? {};
    return new ApiError(status, code, message || `${status} ${reason}`.trim(), told);
  }
}

/**
 * Wait, but not beyond an abort or the return of the network.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export const pause = (ms, signal) =>
  new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      removeEventListener("online", end);
      done();
    };
    const timer = setTimeout(end, ms);
    if (signal?.aborted) return end();
    signal?.addEventListener("abort", end);
    addEventListener("online", end);
  });

/** Create a random name, such as an idempotency key or a clone ID. */
export const fresh = (bytes = 16) =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, "0")).join("");

/** @type {Map<string, string>} */
const keys = new Map(); // of requests without a response yet; they outlive their element
const UNDECIDED = new Set([401, 403, 408, 425, 429]); // sent before the request is processed

/**
 * Read JSON of the API: times become seconds since 1970, money its amount, and costs a text.
 * @param {string} text
 */
export const decoded = (text) =>
  JSON.parse(text, (key, value) => {
    if (/_(at|since)$/.test(key) && typeof value === "string") return Date.parse(value) / 1000;
    if (value?.currency && "amount" in value) return value.amount;
    if (key === "cost" && value?.unit) return [value.amount, value.unit].filter((part) => part != null).join(" ");
    return value;
  });

/** @param {Response} response */
export const parsed = async (response) => {
  if (response.status === 204) return null;
  if (response.ok) return decoded(await response.text());
  throw ApiError.of(response.status, await response.json().catch(() => null), response.statusText);
};

// Browsers open six connections to a server for all tabs together: four may be event streams, other
// watchers poll every three seconds. Web Locks need HTTPS; without them each page counts its own streams.
let streams = 0;
/** @param {() => Promise<void>} work */
const inSlot = async (work) => {
  if (!navigator.locks) {
    if (streams >= 4) return false;
    streams++;
    await work().finally(() => streams--);
    return true;
  }
  for (let n = 0; n < 4; n++) {
    const taken = await navigator.locks.request(`avatar-training-${n}`, { ifAvailable: true }, async (lock) =>
      lock ? ((await work()), true) : false,
    );
    if (taken) return true;
  }
  return false;
};

/** @param {Record<string, unknown>} values */
const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value != null && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
};

/**
 * Read a page of a list.
 * @param {{data: any[], cursor: string | null}} answer
 * @returns {Page<any>}
 */
const listed = ({ data, cursor }) => ({ items: data, cursor });

const p = encodeURIComponent;

/** HTTP client of the API at `base`. */
export class Client {
  /**
   * @param {string} [base] address of the API, relative to the page
   * @param {string | null} [token] bearer token; without one the browser's cookie is sent
   * @param {(() => string | null | Promise<string | null>) | null} [getToken] asked at the first request, and
   *   again after a 401
   */
  constructor(base = "./", token = null, getToken = null) {
    this.base = new URL(base.replace(/\/?$/, "/"), document.baseURI);
    this.token = token;
    this.getToken = getToken;
    /** The server's clock minus ours, in ms. */
    this.skew = 0;
  }

  /** @param {string} path */
  url(path) {
    return new URL(path, this.base).href;
  }

  /** @param {Record<string, string>} [more] */
  headers(more = {}) {
    return this.token ? { authorization: `Bearer ${this.token}`, ...more } : more;
  }

  /** Ask the page for a token; false if it has no other one. */
  async renew() {
    const token = (await this.getToken?.()) ?? null;
    if (!token || token === this.token) return false;
    this.token = token;
    return true;
  }

  /**
   * Send a request; a 401 is sent once more with a new token of `getToken`.
   * @param {string} path
   * @param {{headers?: Record<string, string>, method?: string, body?: BodyInit, signal?: AbortSignal, keepalive?: boolean}} [rest]
   * @returns {Promise<Response>}
   */
  async fetch(path, { headers, ...rest } = {}) {
    if (!this.token && this.getToken) await this.renew();
    const send = () =>
      fetch(this.url(path), { headers: this.headers(headers), cache: "no-store", ...rest }).catch((error) => {
        if (rest.signal?.aborted) throw error;
        throw new ApiError(0, "network", "The server did not answer.");
      });
    let response = await send();
    if (response.status === 401 && (await this.renew())) response = await send();
    const date = Date.parse(response.headers.get("date") ?? "");
    if (date) this.skew = date - Date.now();
    return response;
  }

  /**
   * @param {string} path
   * @param {{signal?: AbortSignal, method?: string}} [rest]
   */
  async get(path, rest) {
    return parsed(await this.fetch(path, rest));
  }

  /**
   * DELETE; what is gone already is no error.
   * @param {string} path
   */
  async delete(path) {
    const response = await this.fetch(path, { method: "DELETE" });
    return response.status === 404 ? null : parsed(response);
  }

  /**
   * POST with an idempotency key, which stays the same until a response arrives.
   * @param {string} path
   * @param {object} [body]
   */
  async post(path, body = {}) {
    const text = JSON.stringify(body);
    const request = `${this.url(path)} ${text}`;
    const key = keys.get(request) ?? fresh();
    keys.set(request, key);
    const headers = { "content-type": "application/json", "idempotency-key": key };
    try {
      const answer = await parsed(await this.fetch(path, { method: "POST", body: text, headers }));
      keys.delete(request);
      return answer;
    } catch (error) {
      // Other errors, such as a proxy's, leave open whether an earlier attempt succeeded.
      const { status = 0 } = /** @type {ApiError} */ (error);
      if (status && status < 500 && !UNDECIDED.has(status)) keys.delete(request);
      throw error;
    }
  }

  // -- stacks and prices --------------------------------------------------------------------------

  /** @returns {Promise<Stack[]>} */
  async stacks() {
    return listed(await this.get("stacks")).items;
  }

  /** List other stacks that can be used here. @param {string} stack */
  async others(stack) {
    return (await this.stacks()).filter((one) => one.ready && one.stack !== stack);
  }

  /**
   * @param {{stack?: string, script?: string, seconds?: number, trainings?: number, videos?: number,
   *   quality?: string, resolution?: string}} asked
   * @returns {Promise<Quote>}
   */
  quote(asked) {
    return this.get(`quote${query(asked)}`);
  }

  /**
   * List a provider's stock of avatars or voices.
   * @param {string} provider
   * @param {"avatar" | "voice"} kind
   * @param {{query?: string, cursor?: string | null}} [asked]
   * @returns {Promise<Page<StockEntry>>}
   */
  async stock(provider, kind, asked = {}) {
    return listed(await this.get(`catalogue/${p(provider)}/${kind}s${query(asked)}`));
  }

  // -- samples ------------------------------------------------------------------------------------

  /**
   * List a clone's samples; empty for an unknown clone.
   * @param {string} clone
   * @returns {Promise<Sample[]>}
   */
  async samples(clone) {
    try {
      return listed(await this.get(`clones/${p(clone)}/samples`)).items;
    } catch (error) {
      if (/** @type {ApiError} */ (error).status === 404) return [];
      throw error;
    }
  }

  /** List the profiles that hold recordings or trainings, the latest change first. @returns {Promise<Clone[]>} */
  async clones() {
    return listed(await this.get("clones")).items;
  }

  /**
   * Load a stored recording.
   * @param {string} clone
   * @param {string} id
   * @returns {Promise<Blob>}
   */
  async sampleContent(clone, id) {
    const response = await this.fetch(`clones/${p(clone)}/samples/${p(id)}/content`);
    if (!response.ok) await parsed(response);
    return response.blob();
  }

  /**
   * @param {string} clone
   * @param {string} id
   */
  deleteSample(clone, id) {
    return this.delete(`clones/${p(clone)}/samples/${p(id)}`);
  }

  /**
   * True if the server still has an uploaded file that no request has used yet.
   * @param {string} clone
   * @param {Role} role
   * @param {string} name
   */
  async uploaded(clone, role, name) {
    const { received } = await import("./tus.js");
    const at = await received(this, `clones/${p(clone)}/uploads/${role}/${p(name)}`);
    return at !== null && at.offset === at.length;
  }

  /**
   * Upload a file by tus 1.0; it goes on where it was cut, after a reload too if the same file is chosen.
   * @param {string} clone
   * @param {Role} role
   * @param {File} file
   * @param {{progress?: (percent: number) => void, paused?: () => void, stack?: string, signal?: AbortSignal}} [options]
   * @returns {Promise<{sample: Sample | null, findings: Finding[]}>}
   */
  async upload(clone, role, file, options = {}) {
    const { upload } = await import("./tus.js");
    return upload(this, clone, role, file, options);
  }

  // -- trainings and videos -----------------------------------------------------------------------

  /**
   * @param {{cursor?: string | null, limit?: number, status?: string, clone_id?: string}} [asked]
   * @returns {Promise<Page<RecordAnswer>>}
   */
  async trainings(asked = {}) {
    return listed(await this.get(`trainings${query(asked)}`));
  }

  /**
   * @param {"trainings" | "videos"} kind
   * @param {string} id
   * @param {AbortSignal} [signal]
   * @returns {Promise<RecordAnswer>}
   */
  record(kind, id, signal) {
    return this.get(`${kind}/${p(id)}`, { signal });
  }

  /**
   * @param {object} body
   * @returns {Promise<RecordAnswer>}
   */
  train(body) {
    return this.post("trainings", body);
  }

  /**
   * @param {string} training
   * @param {{cursor?: string | null, limit?: number}} [asked]
   * @param {AbortSignal} [signal]
   * @returns {Promise<Page<RecordAnswer>>}
   */
  async videos(training, asked = {}, signal) {
    return listed(await this.get(`trainings/${p(training)}/videos${query(asked)}`, { signal }));
  }

  /**
   * @param {string} training
   * @param {object} body
   * @returns {Promise<RecordAnswer>}
   */
  speak(training, body) {
    return this.post(`trainings/${p(training)}/videos`, body);
  }

  /**
   * Answer a required action.
   * @param {"trainings" | "videos"} kind
   * @param {string} id
   * @param {{choice: string, job_id?: string, recording?: string}} answer
   * @returns {Promise<RecordAnswer>}
   */
  act(kind, id, answer) {
    return this.post(`${kind}/${p(id)}/action`, answer);
  }

  /**
   * @param {"trainings" | "videos"} kind
   * @param {string} id
   * @returns {Promise<RecordAnswer>}
   */
  cancel(kind, id) {
    return this.post(`${kind}/${p(id)}/cancel`);
  }

  /**
   * Delete a record, a training with its videos.
   * @param {"trainings" | "videos"} kind
   * @param {string} id
   */
  remove(kind, id) {
    return this.delete(`${kind}/${p(id)}`);
  }

  // -- consents and webhook deliveries ------------------------------------------------------------

  /** @returns {Promise<Consent[]>} */
  async consents() {
    return listed(await this.get("consents")).items;
  }

  /** Withdraw a consent: nothing new is made by it. @param {string} id @returns {Promise<{consent: Consent, remaining: object[]}>} */
  withdraw(id) {
    return this.delete(`consents/${p(id)}`);
  }

  /** Delete the evidence of a consent. @param {string} id */
  deleteEvidence(id) {
    return this.delete(`consents/${p(id)}/evidence`);
  }

  /** Erase everything of the user. @returns {Promise<Erasure>} */
  erase() {
    return this.post("erasures", { confirm: true });
  }

  /** Tell how far an erasure is. @param {string} id @returns {Promise<Erasure>} */
  erasure(id) {
    return this.get(`erasures/${p(id)}`);
  }

  /**
   * @param {{cursor?: string | null, limit?: number}} [asked]
   * @returns {Promise<Page<Delivery>>}
   */
  async deliveries(asked = {}) {
    return listed(await this.get(`deliveries${query(asked)}`));
  }

  // -- watching -----------------------------------------------------------------------------------

  /**
   * Watch a record until it is final; `lost` gets true while there is no connection.
   * @param {"trainings" | "videos"} kind
   * @param {string} id
   * @param {{signal: AbortSignal, change: (record: RecordAnswer) => void, lost?: (away: boolean) => void}} heard
   */
  async watch(kind, id, { signal, change, lost = () => {} }) {
    const path = `${kind}/${p(id)}`;
    /** @type {Watch} */
    const state = { last: null, final: false, heard: false };
    /** @param {RecordAnswer} record */
    const take = (record) => {
      if (signal.aborted) return;
      state.final = FINAL.includes(record.status);
      lost(false);
      change(record);
    };
    for (let failures = 0; !signal.aborted && !state.final; ) {
      state.heard = false;
      try {
        const stream = async () => {
          if (!(await this.#stream(`${path}/events`, state, take, signal))) take(await this.get(path, { signal }));
        };
        if (!(await inSlot(stream))) {
          take(await this.get(path, { signal }));
          state.heard = true;
          if (!state.final) await pause(3000, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        if ([401, 403, 404].includes(/** @type {ApiError} */ (error).status)) throw error;
        lost(true);
      }
      failures = state.heard ? 0 : failures + 1;
      if (state.final) return;
      await pause(Math.min(8000, 250 * 2 ** failures) * (0.75 + Math.random() / 2), signal);
    }
  }

  /**
   * Watch all unfinished trainings and videos of the user, until it is aborted.
   * @param {{signal: AbortSignal, change: (record: RecordAnswer) => void, again: () => Promise<void>}} heard `again`
   *   is called where no stream is free: it asks for the records itself
   */
  async watchAll({ signal, change, again }) {
    for (let failures = 0; !signal.aborted; ) {
      /** @type {Watch} */
      const state = { last: null, final: false, heard: false };
      const take = (/** @type {RecordAnswer} */ record) => !signal.aborted && change(record);
      try {
        const streamed = await inSlot(async () => void (await this.#stream("events", state, take, signal)));
        if (!streamed) await again().then(() => pause(4000, signal));
      } catch (error) {
        if (signal.aborted || [401, 403, 404].includes(/** @type {ApiError} */ (error).status)) return;
      }
      failures = state.heard ? 0 : failures + 1;
      await pause(Math.min(8000, 250 * 2 ** failures) * (0.75 + Math.random() / 2), signal);
    }
  }

  /**
   * Read a stream of events; false if the server has no newer one.
   * @typedef {{last: string | null, final: boolean, heard: boolean}} Watch
   * @param {string} path
   * @param {Watch} state
   * @param {(record: RecordAnswer) => unknown} take
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>}
   */
  async #stream(path, state, take, signal) {
    signal.throwIfAborted(); // while a slot was awaited
    const ending = new AbortController();
    const end = () => ending.abort();
    signal.addEventListener("abort", end);
    let timer = setTimeout(end, SILENCE);
    try {
      /** @type {Record<string, string>} */
      const headers = state.last === null ? {} : { "last-event-id": state.last };
      const response = await this.fetch(path, { headers, signal: ending.signal });
      if (response.status === 204) return false;
      if (!response.ok || !response.body) await parsed(response);
      const decoder = /** @type {ReadableWritablePair<string, Uint8Array<ArrayBuffer>>} */ (
        /** @type {unknown} */ (new TextDecoderStream())
      );
      const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).pipeThrough(decoder).getReader();
      for (let rest = ""; ; ) {
        const { value, done } = await reader.read();
        if (done) return true;
        clearTimeout(timer);
        timer = setTimeout(end, SILENCE);
        const events = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
        rest = events.pop() ?? "";
        for (const event of events) {
          /** @type {Record<string, string>} */
          const fields = { data: "" };
          for (const line of event.split("\n")) {
            const [, name, text] = /^(\w+): ?(.*)$/.exec(line) ?? [];
            if (name === "data") fields.data += text;
            else if (name) fields[name] = text;
          }
          if (fields.id) state.last = fields.id;
          if (!fields.data) continue;
          state.heard = true;
          take(decoded(fields.data));
          if (state.final) {
            await reader.cancel();
            return true;
          }
        }
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }
}
