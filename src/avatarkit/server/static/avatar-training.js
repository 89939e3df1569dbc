// Web component <avatar-training training-id src>: progress of a training, then its test video.

const STRINGS = {
  title: "Creating Your AI Avatar",
  creating: "🎬 Creating your AI avatar...",
  creation_failed: "Avatar creation failed: {message}",
  processing: "Processing your media files...",
  training: "Training your avatar... {progress}%",
  completed: "✅ Avatar ready!",
  failed: "❌ Training failed",
  cancelled: "Cancelled",
  other: "Processing...",
  usually: "This usually takes 5-10 minutes",
  minutes: "About {n} min left",
  minute: "Less than a minute left",
  ready: "🎉 Your AI Avatar is Ready!",
  generated: "AI-generated",
  preview: "Preview of your avatar",
  test: "Test Avatar",
  generating: "Generating test video...",
  test_failed: "Test failed: {message}",
  test_title: "Test video",
  test_text: "Hello! I'm your AI clone. I'm ready to attend meetings on your behalf.",
  close: "Close",
  lost: "Connection lost. Trying again...",
  gone: "This training was deleted.",
  sign_in: "You are not signed in. Open this page again by its link.",
  act: "Action required",
  open: "Open the page",
  read: "Read this aloud",
  picture: "Picture with the lines to read aloud",
  time_left: "{time} left",
  expired: "This text has expired. A new one will appear automatically.",
  recording: "Your recording",
  send: "Send the recording",
  empty: "This file is empty. Choose another one.",
  sending: "Sending... {progress}%",
  job_id: "Job ID at the provider",
  choice_done: "I have done it",
  choice_retry: "Try again",
  choice_give_up: "Give up",
  choice_adopt: "It exists: use it",
  choice_not_made: "It does not exist",
  choice_same_account: "This is the same account",
  choice_wait: "Keep waiting",
  choice_keep: "Keep all",
  choice_delete: "Delete all but the first",
  hint: "You can train again with the same files. If it fails again, contact the operator of this service.",
  hint_MediaRejected: "Record or choose another file, and train again.",
  hint_ModerationRefused: "The provider rejected this content. Choose other files.",
  hint_ConsentRequired: "Give consent, and train again.",
};

const FINAL = ["completed", "failed", "cancelled"];
const SILENCE = 45e3; // the server sends a heartbeat every 15 seconds

const STYLE = `
:host { color-scheme: light dark; display: block; container-type: inline-size;
  --_bg: var(--avatar-bg, light-dark(#fff, #1b1c22));
  --_text: var(--avatar-text, light-dark(#1b1c22, #f1f1f4));
  --_muted: var(--avatar-muted, light-dark(#595b66, #b2b4c0));
  --_border: var(--avatar-border, light-dark(#d5d7e0, #3b3d49));
  --_primary: var(--avatar-primary, light-dark(#4f46e5, #a5b4fc));
  --_accent: var(--avatar-accent, light-dark(#c026d3, #f0abfc));
  --_on: var(--avatar-on-primary, light-dark(#fff, #16171d));
  --_danger: var(--avatar-danger, light-dark(#b3152a, #ff9aa5));
  --_radius: var(--avatar-radius, 16px); }
:host([hidden]), [hidden] { display: none !important; }
.card { background: var(--_bg); color: var(--_text); border: 1px solid var(--_border);
  border-radius: var(--_radius); padding: clamp(1rem, 5cqi, 2rem); text-align: center;
  font: inherit; line-height: 1.5; overflow-wrap: anywhere; }
.icon { font-size: 3rem; line-height: 1; animation: pulse 2s infinite; }
@keyframes pulse { 50% { transform: scale(1.1); } }
h2, h3 { margin: .5rem 0; line-height: 1.25; } h2 { font-size: 1.3rem; } h3 { font-size: 1.05rem; }
p { margin: .5rem 0; }
.bar { height: 14px; border-radius: 7px; overflow: hidden; margin: 1rem 0;
  background: color-mix(in srgb, var(--_text) 14%, transparent); }
.fill { height: 100%; width: 0; border-radius: inherit; transition: width .5s ease;
  background: linear-gradient(90deg, var(--_primary), var(--_accent)); }
.muted { color: var(--_muted); } .alert { color: var(--_danger); font-weight: 600; }
.act { border-top: 1px solid var(--_border); margin-top: 1rem; padding-top: .5rem; }
.act label { display: block; margin: .75rem 0 .25rem; font-weight: 600; }
blockquote { margin: .75rem 0; padding: .75rem 1rem; text-align: start; white-space: pre-wrap;
  border-inline-start: 4px solid var(--_primary); font-size: 1.1rem;
  background: color-mix(in srgb, var(--_text) 6%, transparent); }
.row { display: flex; flex-wrap: wrap; gap: .5rem; justify-content: center; margin: .75rem 0; }
button, a.open { font: inherit; font-weight: 600; min-height: 44px; padding: .5rem 1.1rem;
  border-radius: 10px; border: 1px solid var(--_primary); cursor: pointer; box-sizing: border-box;
  background: transparent; color: var(--_primary); text-decoration: none; }
button.main, a.open { background: var(--_primary); color: var(--_on); }
button:disabled { opacity: .6; cursor: progress; }
input { font: inherit; max-width: 100%; min-height: 44px; box-sizing: border-box; color: inherit; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
.picture { max-width: 100%; background: #fff; border-radius: 8px; }
video, .still { display: block; width: 100%; max-width: 400px; border-radius: 12px;
  margin: .75rem auto 0; }
figure { margin: 0; }
.badge { display: inline-block; margin: .5rem 0; padding: .1rem .6rem; border-radius: 99px;
  border: 1px solid var(--_border); font-size: .85rem; color: var(--_muted); }
dialog { background: var(--_bg); color: var(--_text); border: 1px solid var(--_border);
  border-radius: var(--_radius); padding: 1.25rem; width: min(32rem, 92vw); box-sizing: border-box;
  text-align: center; }
dialog::backdrop { background: rgb(0 0 0 / .8); }
.live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { .icon { animation: none; } .fill { transition: none; } }
`;

let sheet;

/** Create an element; text is never parsed as HTML. */
const h = (tag, given = {}, ...children) => {
  const { on = {}, ...rest } = given;
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(rest)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  made.append(...children.filter((child) => child != null));
  return made;
};

const pause = (ms, signal) =>
  new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      removeEventListener("online", end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    addEventListener("online", end);
  });

/** Create an idempotency key. */
const fresh = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

const keys = new Map(); // of requests without a response yet; they outlive their element
const UNDECIDED = new Set([401, 403, 408, 425, 429]); // sent before the request is processed

/** Parse a response; throw an Error with the server's message. */
const parsed = async (response) => {
  if (response.ok) return response.json();
  const body = await response.json().catch(() => ({}));
  const error = new Error(body.error?.message || `${response.status} ${response.statusText}`);
  throw Object.assign(error, { status: response.status, body });
};

// Browsers open six connections to a server for all tabs together: four may be event streams, other
// watchers poll every three seconds. Web Locks need HTTPS; without them each page counts its own streams.
let streams = 0;
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

/** HTTP client of the API at `base`, with an optional bearer `token`. */
export class Client {
  constructor(base = "./", token = null) {
    this.base = new URL(base.replace(/\/?$/, "/"), document.baseURI);
    this.token = token;
    this.skew = 0; // the server's clock minus ours, in ms
  }

  url(path) {
    return new URL(path, this.base).href;
  }

  headers(more = {}) {
    return this.token ? { authorization: `Bearer ${this.token}`, ...more } : more;
  }

  async fetch(path, { headers, ...rest } = {}) {
    const response = await fetch(this.url(path), { headers: this.headers(headers), cache: "no-store", ...rest });
    const date = Date.parse(response.headers.get("date"));
    if (date) this.skew = date - Date.now();
    return response;
  }

  async get(path, rest) {
    return parsed(await this.fetch(path, rest));
  }

  /** POST with an idempotency key, which stays the same until a response arrives. */
  async post(path, body) {
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
      if (error.status < 500 && !UNDECIDED.has(error.status)) keys.delete(request);
      throw error;
    }
  }

  /** Upload a file, and resume after a disconnect. `progress` gets 0 to 100. */
  async upload(clone, role, file, progress = () => {}, query = "") {
    const path = `clones/${encodeURIComponent(clone)}/samples/${role}/${encodeURIComponent(file.name)}${query}`;
    let offset = null; // restart at first: earlier bytes may be another file's
    for (let tries = 0; ; tries++) {
      const { status, body, at } = await this._put(path, file, offset, progress);
      if (status === 201) return body;
      if (tries < 5 && (status === 409 || status === 0 || status >= 500 || status === 200)) {
        if (status === 409 && at === null) await new Promise((done) => setTimeout(done, 1000));
        if (status === 0 || status >= 500) {
          await new Promise((done) => setTimeout(done, 1000 * 2 ** tries));
          const seen = await this.fetch(path, { method: "HEAD" }).catch(() => null);
          offset = Number(seen?.headers.get("upload-offset") ?? 0);
        } else offset = Number(body.offset ?? at ?? 0);
        continue;
      }
      throw Object.assign(new Error(body.error?.message || `${status}`), { status, body });
    }
  }

  _put(path, file, offset, progress) {
    return new Promise((done) => {
      const request = new XMLHttpRequest(); // fetch does not report upload progress
      request.open("PUT", this.url(path));
      const sizes = { "upload-length": file.size, ...(offset === null ? {} : { "upload-offset": offset }) };
      for (const [name, value] of Object.entries(this.headers(sizes))) request.setRequestHeader(name, value);
      request.upload.onprogress = (e) => progress(Math.floor((100 * ((offset ?? 0) + e.loaded)) / file.size));
      request.onloadend = () => {
        let body = {};
        try {
          body = JSON.parse(request.responseText);
        } catch {} // not JSON: the status is enough
        done({ status: request.status, body, at: request.getResponseHeader("upload-offset") });
      };
      request.send(file.slice(offset ?? 0));
    });
  }

  /** Watch a record until it is final; `lost` gets true while there is no connection. */
  async watch(path, { signal, change, lost = () => {} }) {
    const state = { last: null, final: false, heard: false };
    const take = (record) => {
      if (signal.aborted) return;
      state.final = FINAL.includes(record.status);
      lost(false);
      change(record);
    };
    for (let failures = 0; !signal.aborted && !state.final; ) {
      state.heard = false;
      try {
        if (!(await inSlot(() => this._stream(path, state, take, signal)))) {
          take(await this.get(path, { signal }));
          state.heard = true;
          if (!state.final) await pause(3000, signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        if ([401, 403, 404].includes(error.status)) throw error;
        lost(true);
      }
      failures = state.heard ? 0 : failures + 1;
      if (state.final) return;
      await pause(Math.min(8000, 250 * 2 ** failures) * (0.75 + Math.random() / 2), signal);
    }
  }

  async _stream(path, state, take, signal) {
    const ending = new AbortController();
    const end = () => ending.abort();
    signal.addEventListener("abort", end);
    let timer = setTimeout(end, SILENCE);
    try {
      const headers = state.last === null ? {} : { "last-event-id": state.last };
      const response = await this.fetch(`${path}/events`, { headers, signal: ending.signal });
      if (response.status === 204) return take(await this.get(path, { signal }));
      if (!response.ok) await parsed(response);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(end, SILENCE);
        const events = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
        rest = events.pop();
        for (const event of events) {
          const fields = { data: "" };
          for (const line of event.split("\n")) {
            const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
            if (name === "data") fields.data += value;
            else if (name) fields[name] = value;
          }
          if (fields.id) state.last = fields.id;
          if (!fields.data) continue;
          state.heard = true;
          take(JSON.parse(fields.data));
          if (state.final) return reader.cancel();
        }
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }
}

export class AvatarTraining extends HTMLElement {
  static observedAttributes = ["training-id", "src", "strings"];
  /** Default texts; an element's own `strings` override them. */
  static strings = STRINGS;

  #strings = {};
  #token = null;
  #client = null;
  #watching = null;
  #record = null;
  #shown = 0;
  #seen = null; // first progress seen, to measure its speed
  #refused = false; // watching ended: not signed in, or not found
  #estimate = null; // the server's estimated duration; false while it is requested
  #asking = false; // a test video is being requested
  #film = null; // the test video being watched, kept across redraws
  #acts = {};
  #announced = "";
  #tick = null;

  constructor() {
    super();
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(STYLE);
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
  }

  /** Latest state of the training, as the API returns it. */
  get record() {
    return this.#record;
  }

  get token() {
    return this.#token;
  }

  /** Set the bearer token of further requests; without a token the browser's cookie is used. */
  set token(value) {
    this.#token = value;
    if (this.#client) this.#client.token = value;
    if (this.#refused) this.#restart();
  }

  get strings() {
    return this.#strings;
  }

  /** Set translated texts, by the names of `AvatarTraining.strings`. */
  set strings(value) {
    this.#strings = value ?? {};
    this.#restart();
  }

  get trainingId() {
    return this.getAttribute("training-id");
  }

  set trainingId(value) {
    this.setAttribute("training-id", value);
  }

  connectedCallback() {
    this.#restart();
  }

  disconnectedCallback() {
    this.#stop();
  }

  attributeChangedCallback(name, old, value) {
    if (old === value) return;
    if (name === "strings") {
      try {
        this.#strings = JSON.parse(value) ?? {};
      } catch {
        this.#strings = {};
      }
    }
    if (name === "training-id") this.#forget();
    this.#restart();
  }

  /** Start a training by `POST /trainings` and watch it; shows an error if it cannot be started. */
  async create(body) {
    this.#stop();
    this.#forget();
    this.#draw();
    this.#set("status", this.#say("creating"));
    this.#announce(this.#say("creating"));
    try {
      const record = await this.#api().post("trainings", body);
      this.trainingId = record.id;
      return record;
    } catch (error) {
      this.#problem(this.#say("creation_failed", { message: error.message }));
      this.#part("progress").hidden = true;
      throw error;
    }
  }

  #api() {
    this.#client ??= new Client(this.getAttribute("src") || "./", this.#token);
    return this.#client;
  }

  #say(name, values = {}) {
    const text = this.#strings[name] ?? AvatarTraining.strings[name] ?? STRINGS[name] ?? name;
    return text.replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
  }

  #part(name) {
    return this.shadowRoot.querySelector(`[part~="${name}"]`);
  }

  #set(name, text) {
    const part = this.#part(name);
    if (part.textContent !== text) part.textContent = text;
    part.hidden = !text;
  }

  #problem(text) {
    this.#set("error", text);
  }

  /** Announce a text to screen readers, once. */
  #announce(text) {
    if (text === this.#announced) return;
    this.#announced = text;
    this.shadowRoot.querySelector(".live").textContent = text;
  }

  #forget() {
    this.#record = this.#seen = this.#film = this.#estimate = null;
    this.#shown = 0;
    this.#asking = false;
  }

  #stop() {
    this.#watching?.abort();
    this.#watching = null;
    this.#estimate ||= null;
    clearInterval(this.#tick);
  }

  #restart() {
    this.#stop();
    if (!this.isConnected) return;
    this.#client = null;
    this.#refused = false;
    if (!this.trainingId) return this.#draw();
    this.#watching = new AbortController(); // before #draw, which may watch a test video
    this.#draw();
    this.#tick = setInterval(() => this.#time(), 1000);
    this.#follow(this.#watching.signal);
  }

  async #follow(signal) {
    const token = this.#token;
    try {
      await this.#api().watch(this.#path(), {
        signal,
        change: (record) => {
          this.#show(record);
          this.#measured(record, signal);
        },
        lost: (away) => this.#set("connection", away ? this.#say("lost") : ""),
      });
    } catch (error) {
      if (signal.aborted) return;
      if (token !== this.#token) return this.#restart(); // another token was set meanwhile
      this.#refused = true;
      this.#part("progress").hidden = true;
      this.#problem(this.#say(error.status === 404 ? "gone" : "sign_in"));
      this.dispatchEvent(new CustomEvent("avatar-gone", { detail: error, bubbles: true, composed: true }));
    }
  }

  /** Request the estimated duration once: events do not include it. */
  async #measured(record, signal) {
    if (this.#estimate !== null || FINAL.includes(record.status)) return;
    this.#estimate = record.estimate ?? false;
    if (record.estimate) return this.#time();
    const { estimate } = await this.#api().get(this.#path(), { signal }).catch(() => ({}));
    if (signal.aborted) return;
    this.#estimate = estimate ?? false;
    this.#time();
  }

  #path(kind = "trainings", id = this.trainingId) {
    return `${kind}/${encodeURIComponent(id)}`;
  }

  #draw() {
    const s = (name) => this.#say(name);
    this.#acts = {};
    this.#announced = "";
    this.shadowRoot.replaceChildren(
      h("div", { class: "card", part: "card", role: "group", "aria-labelledby": "title" },
        h("div", { part: "progress" },
          h("div", { class: "icon", part: "icon", "aria-hidden": "true" }, "🎭"),
          h("h2", { id: "title", part: "title" }, s("title")),
          h("p", { part: "status" }, s("other")),
          h("div", { class: "bar", part: "bar", role: "progressbar", "aria-labelledby": "title",
            "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 },
            h("div", { class: "fill", part: "fill" })),
          h("p", { class: "muted", part: "time" }, s("usually"))),
        h("div", { part: "preview", hidden: true }),
        h("p", { class: "alert", part: "error", role: "alert", hidden: true }),
        h("p", { class: "muted", part: "hint", hidden: true }),
        h("div", { class: "act", part: "action", role: "group", hidden: true }),
        h("div", { class: "act", part: "test-action", role: "group", hidden: true }),
        h("p", { class: "muted", part: "connection", role: "status", hidden: true })),
      h("p", { class: "live", "aria-live": "polite" }),
    );
    if (this.#record) this.#show(this.#record);
  }

  #show(record) {
    if (record.version < this.#record?.version) return; // an answer already had a newer version
    const { status, error } = record;
    this.#record = record;
    this.#shown = Math.max(this.#shown, record.progress ?? 0);
    const known = ["processing", "training", "completed", "failed", "cancelled"].includes(status);
    const text = this.#say(known ? status : "other", { progress: this.#shown });
    this.#set("status", text);
    const bar = this.#part("bar");
    bar.setAttribute("aria-valuenow", this.#shown);
    this.#part("fill").style.width = `${this.#shown}%`;
    bar.hidden = this.#part("icon").hidden = FINAL.includes(status);
    this.#problem(error?.message ?? "");
    const hint = `hint_${error?.type}`;
    this.#set("hint", error ? this.#say(hint in STRINGS || hint in this.#strings ? hint : "hint") : "");
    this.#announce(status === "training" ? this.#say("training", { progress: this.#shown - (this.#shown % 25) }) : text);
    if (status === "training" && !record.estimated) this.#seen ??= { at: Date.now(), progress: this.#shown };
    this.#act("action", record);
    this.#time();
    if (status === "completed") this.#finished(record);
    this.dispatchEvent(new CustomEvent("avatar-change", { detail: record, bubbles: true, composed: true }));
  }

  #now() {
    return (Date.now() + this.#api().skew) / 1000;
  }

  #time() {
    const record = this.#record;
    if (!record) return;
    this.#set("time", FINAL.includes(record.status) || record.action ? "" : this.#left(record));
    const left = this.shadowRoot.querySelectorAll("[data-expires]");
    for (const part of left) {
      const seconds = Math.max(0, Math.floor(part.dataset.expires - this.#now()));
      const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      part.textContent = seconds ? this.#say("time_left", { time }) : this.#say("expired");
    }
  }

  /** Format the remaining time: the server's estimate, else the speed measured here, else a default. */
  #left({ created_at: created }) {
    const { basis, seconds: total } = this.#estimate || {};
    let seconds = basis === "measured" ? created + total - this.#now() : null;
    const moved = this.#seen ? this.#shown - this.#seen.progress : 0;
    if (seconds === null && moved >= 5) {
      seconds = ((Date.now() - this.#seen.at) / 1000 / moved) * (100 - this.#shown);
    }
    if (seconds === null || seconds < 0) return this.#say("usually");
    return seconds < 60 ? this.#say("minute") : this.#say("minutes", { n: Math.ceil(seconds / 60) });
  }

  // -- required actions -------------------------------------------------------------------------

  #act(name, record) {
    const { action } = record;
    const key = JSON.stringify(action);
    if (this.#acts[name] === key) return; // keep what is being typed
    this.#acts[name] = key;
    const part = this.#part(name);
    part.hidden = !action;
    part.replaceChildren();
    if (!action) return;
    const title = `${name}-title`;
    part.setAttribute("aria-labelledby", title);
    const url = action.url ?? "";
    const safe = /^https?:\/\//i.test(url);
    const picture = /^data:image\/(png|jpeg|webp);base64,/.test(url); // no SVG: it may contain scripts
    const id = h("input", { id: `${name}-job`, part: "input", autocomplete: "off" });
    const choose = (choice) => async (event) => {
      const answer = choice === "adopt" ? { choice, job_id: id.value.trim() } : { choice };
      await this.#answer(record, answer, event.currentTarget, part);
    };
    part.append(
      ...[
        h("h3", { id: title }, this.#say("act")),
        h("p", {}, action.message),
        action.text && h("p", {}, this.#say("read")),
        action.text && h("blockquote", { part: "text" }, action.text),
        action.expires_at && h("p", { class: "muted", part: "countdown", role: "timer", "data-expires": action.expires_at }),
        picture && h("img", { class: "picture", part: "picture", src: url, alt: this.#say("picture") }),
        safe && h("div", { class: "row" },
          h("a", { class: "open", part: "link", href: url, target: "_blank", rel: "noopener noreferrer" }, this.#say("open"))),
        ...(action.recording ? this.#recording(record, name, part) : []),
        ...(action.choices.includes("adopt") ? [h("label", { for: id.id }, this.#say("job_id")), id] : []),
        action.choices.length && h("div", { class: "row" }, ...action.choices.map((choice) =>
          h("button", { type: "button", part: "choice", "data-choice": choice, on: { click: choose(choice) } },
            this.#say(`choice_${choice}`).replace(/^choice_/, "").replaceAll("_", " ")))),
      ].filter(Boolean),
    );
    if (!record.training_id) this.#announce(`${this.#say("act")}: ${action.message}`);
    this.#time();
  }

  #recording(record, name, part) {
    const { recording } = record.action;
    const file = h("input", { type: "file", part: "file", id: `${name}-file`, accept: `${recording}/*` });
    const send = async ({ currentTarget: button }) => {
      const [chosen] = file.files;
      if (!chosen) return file.focus();
      if (!chosen.size) return this.#problem(this.#say("empty"));
      this.#problem("");
      button.disabled = true;
      try {
        await this.#api().upload(record.clone_id, "recording", chosen, (progress) => {
          button.textContent = this.#say("sending", { progress });
        });
        await this.#answer(record, { choice: "done", recording: chosen.name }, button, part);
      } catch (error) {
        this.#problem(error.message);
      }
      button.disabled = false;
      button.textContent = this.#say("send");
    };
    return [
      h("label", { for: file.id }, this.#say("recording")),
      file,
      h("div", { class: "row" }, h("button", { type: "button", class: "main", part: "send", on: { click: send } }, this.#say("send"))),
    ];
  }

  async #answer(record, answer, button, part) {
    button.disabled = true;
    this.#problem("");
    try {
      const path = this.#path(record.training_id ? "videos" : "trainings", record.id);
      const changed = await this.#api().post(`${path}/action`, answer);
      if (part === this.#part("action")) this.#show(changed);
    } catch (error) {
      this.#problem(error.message);
    }
    button.disabled = false;
  }

  // -- the finished avatar ----------------------------------------------------------------------

  async #finished(record) {
    const place = this.#part("preview");
    if (!place.hidden) return;
    place.hidden = false;
    this.#part("title").hidden = true;
    place.append(
      h("h2", { part: "ready" }, this.#say("ready")),
      h("figure", { part: "figure" }),
      h("div", { class: "row" }, h("button", { type: "button", class: "main", part: "test",
        on: { click: () => this.#test() } }, this.#say("test"))),
      h("p", { class: "muted", part: "test-status", role: "status", hidden: true }),
    );
    const { links = {} } = record;
    const film = links.preview ?? links.video;
    this.#figure(record, film);
    if (this.#asking) return this.#waits();
    if (this.#film) return this.#tested(this.#film);
    // Resume a test video that was requested before a reload; a finished one replaces a missing
    // preview.
    const signal = this.#watching?.signal;
    const { videos } = await this.#api().get(`${this.#path()}/videos?limit=1`, { signal }).catch(() => ({ videos: [] }));
    const [last] = videos;
    if (!last || signal?.aborted || this.#asking || this.#film) return;
    if (!FINAL.includes(last.status)) this.#tested(last);
    else if (!film && last.links?.video) this.#figure(record, last.links.video);
  }

  #figure({ links = {} }, film) {
    const still = links.thumbnail && this.#api().url(links.thumbnail);
    const shown = film
      ? this.#video(film, still, () => this.#again())
      : still && h("img", { class: "still", part: "still", src: still, alt: this.#say("preview") });
    this.#part("figure").replaceChildren(...[shown, this.#badge()].filter(Boolean));
  }

  /** Request the record again for new links, which expire after hours; once a minute at most. */
  async #again() {
    if (Date.now() - (this.#asked ?? 0) < 60e3) return;
    this.#asked = Date.now();
    const record = await this.#api().get(this.#path()).catch(() => null);
    if (record?.links?.preview) this.#figure(record, record.links.preview);
  }

  #asked;

  #badge() {
    return h("figcaption", { class: "badge", part: "label" }, this.#say("generated"));
  }

  #video(film, poster, failed = () => {}) {
    return h("video", { part: "video", controls: true, playsinline: true, preload: "metadata", poster,
      src: this.#api().url(film), "aria-label": this.#say("preview"), on: { error: failed } });
  }

  async #test() {
    const id = this.trainingId;
    this.#problem("");
    this.#waits();
    this.#asking = true;
    const [video, error] = await this.#api()
      .post(`${this.#path()}/videos`, { text: this.#say("test_text") })
      .then((made) => [made], (problem) => [null, problem]);
    if (id !== this.trainingId) return;
    this.#asking = false;
    if (error) this.#untested(error.message);
    else this.#tested(video);
  }

  #waits() {
    this.#part("test").disabled = true;
    this.#set("test-status", this.#say("generating"));
  }

  #untested(message) {
    this.#film = null;
    this.#set("test-status", "");
    this.#part("test").disabled = false;
    this.#problem(this.#say("test_failed", { message }));
  }

  async #tested(video) {
    this.#film = video;
    const signal = this.#watching?.signal;
    if (!signal) return; // not connected to a page; resumes when it is
    this.#waits();
    try {
      await this.#api().watch(this.#path("videos", video.id), {
        signal,
        change: (record) => ((video = record), this.#act("test-action", record)),
        lost: (away) => this.#set("connection", away ? this.#say("lost") : ""),
      });
    } catch (error) {
      if (!signal.aborted) this.#untested(error.message);
      return;
    }
    if (signal.aborted) return;
    this.#film = null;
    if (video.status !== "completed") return this.#untested(video.error?.message ?? video.status);
    this.#set("test-status", "");
    this.#part("test").disabled = false;
    const { links = {} } = this.#record;
    if (!links.preview && !links.video) this.#figure(this.#record, video.links.video);
    this.#modal(video);
  }

  #modal(video) {
    const poster = this.#record.links?.thumbnail;
    const film = this.#video(video.links.video, poster && this.#api().url(poster));
    film.setAttribute("aria-label", this.#say("test_title"));
    const dialog = h("dialog", { part: "modal", "aria-labelledby": "test-title" },
      h("h2", { id: "test-title" }, this.#say("test_title")),
      h("figure", {}, film, this.#badge(), h("p", { class: "muted", part: "script" }, video.script ?? "")),
      h("div", { class: "row" }, h("button", { type: "button", part: "close",
        on: { click: () => dialog.close() } }, this.#say("close"))));
    dialog.addEventListener("close", () => (dialog.remove(), this.#part("test")?.focus()));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    this.shadowRoot.append(dialog);
    dialog.showModal(); // makes the page inert; Escape closes the dialog
    film.play().catch(() => {}); // autoplay may be blocked: the person starts it
  }
}

if (!customElements.get("avatar-training")) customElements.define("avatar-training", AvatarTraining);
