// Web component <avatar-training training-id src>: progress of a training, then its test video.

import { ApiError, FINAL } from "./client.js";
import { AvatarElement, busy, define, h, wait } from "./element.js";

export { Client } from "./client.js";

/**
 * @typedef {import("./client.js").RecordAnswer} RecordAnswer
 * @typedef {import("./client.js").Action} Action
 */

const SHOWN = ["processing", "training", ...FINAL];
const STEPS = ["uploaded", "voice", "avatar", "preview"];
// Choices that end users understand; the others decide about payments and accounts.
const FOR_USERS = ["done", "retry", "give_up", "wait"];
// Actions whose message is meant for the user; the others tell operators what is wrong.
const MESSAGES = ["open_url", "read_text", "captcha"];

const STYLE = `
.card { text-align: center; }
.icon { font-size: 4rem; line-height: 1; animation: pulse 2s infinite; }
@keyframes pulse { 50% { transform: scale(1.1); } }
h2 { margin: .5rem 0; }
.bar { height: 20px; border-radius: 10px; }
.steps { display: flex; flex-wrap: wrap; justify-content: center; gap: .25rem 1rem; margin: .75rem 0; font-size: .9rem; color: var(--_muted); }
.steps li { display: flex; gap: .35rem; align-items: center; }
.steps li::before { content: ""; width: .8rem; height: .8rem; border-radius: 50%; border: 2px solid var(--_border); }
.steps li[data-state=now] { color: var(--_text); font-weight: 600; }
.steps li[data-state=now]::before { border-color: var(--_accent); }
.steps li[data-state=done]::before { content: "✓"; border: 0; color: var(--_good); font-weight: 700; line-height: .8rem; }
.act { border-top: 1px solid var(--_border); margin-top: 1rem; padding-top: .5rem; }
.row { justify-content: center; margin: .75rem 0; }
.picture { max-width: 100%; background: #fff; border-radius: 8px; }
video, .still { display: block; width: 100%; max-width: 400px; border-radius: 12px; margin: .75rem auto 0; }
figure { margin: 0; } .badge { margin: .5rem 0; } dialog { text-align: center; }
`;

/**
 * Progress of a training, what the user must do, and the finished avatar.
 *
 * @element avatar-training
 * @attr training-id
 * @attr phone-page address of the page that phones open to record; by default `phone` at the API
 * @fires avatar-change the record changed: `detail` is the record
 * @fires avatar-gone the training does not exist, or the user is signed out
 * @fires avatar-other the user wants to try another provider with the same recordings: `detail` is the record
 * @fires avatar-again the user wants to train again with the same recordings: `detail` is the record
 * @fires avatar-video a test video was requested: `detail` is its record
 */
export class AvatarTraining extends AvatarElement {
  static observedAttributes = [...super.observedAttributes, "training-id"];
  static properties = [...super.properties, "trainingId"];
  static style = STYLE;

  /** @type {AbortController | null} */
  #watching = null;
  /** @type {RecordAnswer | null} */
  #record = null;
  #shown = 0;
  /** @type {{at: number, progress: number} | null} */
  #seen = null; // first progress seen, to measure its speed
  #refused = false; // watching ended: not signed in, or not found
  /** @type {{seconds: number, basis: string} | false | null} */
  #estimate = null; // the server's estimated duration; false while it is requested
  #asking = false; // a test video is being requested
  /** @type {RecordAnswer | null} */
  #film = null; // the test video being watched, kept across redraws
  /** @type {Record<string, string>} */
  #acts = {};
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #tick;
  #asked = 0; // time of the last request for new links
  /** @type {string | null} */
  #known = null; // the ID that is shown

  /** Latest state of the training, as the API returns it. */
  get record() {
    return this.#record;
  }

  get trainingId() {
    return this.getAttribute("training-id");
  }

  set trainingId(value) {
    this.reflect("training-id", value || null);
  }

  tokenChanged() {
    if (this.#refused) this.restart();
  }

  /** Start a training by `POST /trainings` and watch it; shows an error if it cannot be started. @param {object} body */
  async create(body) {
    this.stop();
    this.#forget();
    this.#draw(true);
    this.fill("status", this.say("creating"));
    this.announce(this.say("creating"));
    try {
      const record = await this.api.train(body);
      this.trainingId = record.id;
      return record;
    } catch (error) {
      this.#problem(/** @type {ApiError} */ (error), "creation_failed");
      this.find("progress").hidden = true;
      throw error;
    }
  }

  /** @param {import("./client.js").Problem & {status?: number} | null} error @param {"creation_failed" | "test_failed"} [frame] */
  #problem(error, frame) {
    this.tell(this.find("error"), error, frame);
  }

  #forget() {
    this.#record = this.#seen = this.#film = this.#estimate = null;
    this.#shown = 0;
    this.#asking = false;
    this.#known = this.trainingId;
  }

  stop() {
    this.#watching?.abort();
    this.#watching = null;
    this.#estimate ||= null;
    clearInterval(this.#tick);
  }

  restart() {
    this.stop();
    if (this.#known !== this.trainingId) this.#forget();
    this.#refused = false;
    if (!this.trainingId) return this.#draw();
    this.#watching = new AbortController(); // before #draw, which may watch a test video
    this.#draw();
    this.#tick = setInterval(() => this.#time(), 1000);
    this.#follow(this.#watching.signal);
  }

  /** @param {AbortSignal} signal */
  async #follow(signal) {
    const { token } = this;
    try {
      await this.api.watch("trainings", this.#id(), {
        signal,
        change: (record) => {
          this.#show(record);
          this.#measured(record, signal);
        },
        lost: (away) => this.fill("connection", away ? this.say("lost") : ""),
      });
    } catch (caught) {
      const error = /** @type {ApiError} */ (caught);
      if (signal.aborted) return;
      if (token !== this.token) return this.restart(); // another token was set meanwhile
      this.#refused = true;
      this.find("progress").hidden = true;
      this.find("error").replaceChildren(this.say(error.status === 404 ? "gone" : "error_sign_in"));
      this.find("error").hidden = false;
      this.emit("avatar-gone", error);
      if (error.status === 401) this.emit("avatar-unauthorized", error);
    }
  }

  /** Request the estimated duration once: events do not include it. @param {RecordAnswer} record @param {AbortSignal} signal */
  async #measured(record, signal) {
    if (this.#estimate !== null || FINAL.includes(record.status)) return;
    this.#estimate = record.estimate ?? false;
    if (record.estimate) return this.#time();
    const told = await this.api.record("trainings", this.#id(), signal).catch(() => null);
    if (signal.aborted) return;
    this.#estimate = told?.estimate ?? false;
    this.#time();
  }

  #id() {
    return this.trainingId ?? "";
  }

  #draw(starting = false) {
    const s = (/** @type {keyof import("./element.js").Strings} */ name) => this.say(name);
    this.#acts = {};
    this.hushed();
    const running = starting || !!this.trainingId;
    this.root.replaceChildren(
      h("div", { class: "card", part: "card", role: "group", dir: this.direction, "aria-labelledby": running ? "title" : null },
        h("p", { class: "muted", part: "nothing", hidden: running }, s("nothing")),
        h("div", { part: "progress", hidden: !running },
          h("div", { class: "icon", part: "icon", "aria-hidden": "true" }, "🎭"),
          h("h2", { id: "title", part: "title" }, s("title")),
          h("p", { part: "status" }, s("other")),
          h("div", { class: "bar", part: "bar", role: "progressbar", "aria-labelledby": "title",
            "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 },
            h("div", { class: "fill", part: "fill" })),
          h("ol", { class: "steps", part: "steps", hidden: true }),
          h("p", { class: "muted", part: "time" }, s("usually"))),
        h("div", { part: "preview", hidden: true }),
        h("div", { class: "alert", part: "error", role: "alert", hidden: true }),
        h("p", { class: "muted", part: "hint", hidden: true }),
        h("div", { class: "row", part: "again", hidden: true },
          h("button", { type: "button", class: "main", on: { click: () => this.emit("avatar-again", this.#record) } }, s("again")),
          h("button", { type: "button", part: "other", hidden: true, on: { click: () => this.emit("avatar-other", this.#record) } }, s("other_provider"))),
        h("div", { class: "act", part: "action", role: "group", hidden: true }),
        h("div", { class: "act", part: "test-action", role: "group", hidden: true }),
        h("p", { class: "muted", part: "connection", role: "status", hidden: true })),
      h("p", { class: "live", "aria-live": "polite" }),
    );
    if (this.#record) this.#show(this.#record);
  }

  /** @param {RecordAnswer} record */
  #show(record) {
    if (record.version < (this.#record?.version ?? 0)) return; // an answer already had a newer version
    const { status } = record;
    this.#record = record;
    this.#shown = Math.max(this.#shown, record.progress ?? 0);
    const waiting = !!record.action && !FINAL.includes(status);
    const text = this.say(waiting ? "waiting" : SHOWN.includes(status) ? status : "other", { progress: this.#shown });
    this.fill("title", this.#title(record, waiting));
    this.fill("status", text);
    const bar = this.find("bar");
    bar.setAttribute("aria-valuenow", String(this.#shown));
    this.find("fill").style.width = `${this.#shown}%`;
    bar.hidden = this.find("icon").hidden = FINAL.includes(status) || waiting;
    this.#steps(record);
    this.#failed(record);
    const spoken = this.say("training", { progress: this.#shown - (this.#shown % 25) });
    this.announce(status === "training" && !waiting ? spoken : text);
    if (status === "training" && !record.estimated) this.#seen ??= { at: Date.now(), progress: this.#shown };
    this.#act("action", record);
    this.#time();
    if (status === "completed") this.#finished(record);
    this.emit("avatar-change", record);
  }

  /** @param {RecordAnswer} record @param {boolean} waiting */
  #title({ status }, waiting) {
    if (waiting) return this.say("title_action");
    if (status === "completed") return ""; // "Avatar ready!" is the heading
    return this.say(status === "failed" ? "title_failed" : status === "cancelled" ? "title_cancelled" : "title");
  }

  /** @param {RecordAnswer} record */
  #failed({ status, error, stack }) {
    const ended = ["failed", "cancelled"].includes(status);
    if (ended && this.find("again").hidden) this.api.others(stack).then((others) => (this.find("other").hidden = !others.length), () => {});
    this.find("again").hidden = !ended;
    if (!error) {
      this.#problem(null);
      return this.fill("hint", "");
    }
    this.#problem(error);
    const hint = `hint_${error.type}`;
    this.fill("hint", this.say(this.has(hint) ? hint : "hint"));
  }

  /** Show which steps are done: those of the operations, between the upload and the result. @param {RecordAnswer} record */
  #steps({ status, operations = [] }) {
    const steps = this.find("steps");
    steps.hidden = FINAL.includes(status) || !operations.length;
    const finished = operations.filter(({ state }) => ["succeeded", "done"].includes(state)).map(({ operation }) => operation);
    const shown = STEPS.filter((step) => !["voice", "avatar"].includes(step) || operations.some((o) => o.operation === step));
    const done = (/** @type {string} */ step) => step === "uploaded" || finished.includes(step);
    const now = shown.find((step) => !done(step));
    steps.replaceChildren(
      ...shown.map((step) => {
        const state = done(step) ? "done" : step === now ? "now" : "later";
        return h("li", { "data-state": state, "aria-current": state === "now" ? "step" : null }, this.say(`step_${step}`));
      }),
    );
  }

  #now() {
    return (Date.now() + this.api.skew) / 1000;
  }

  #time() {
    const record = this.#record;
    if (!record) return;
    const away = !this.find("connection").hidden;
    this.fill("time", FINAL.includes(record.status) || record.action || away ? "" : this.#left(record));
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (this.root.querySelectorAll("[data-expires]"))) {
      const seconds = Math.max(0, Math.floor(Number(part.dataset.expires) - this.#now()));
      const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      part.textContent = seconds ? this.say("time_left", { time }) : this.say("expired");
    }
  }

  /** Format the remaining time: the server's estimate, else the speed measured here, else a default. @param {RecordAnswer} record */
  #left({ created_at: created }) {
    const { basis, seconds: total } = this.#estimate || { basis: "", seconds: 0 };
    let seconds = basis === "measured" ? created + total - this.#now() : null;
    const moved = this.#seen ? this.#shown - this.#seen.progress : 0;
    if (seconds === null && this.#seen && moved >= 5) {
      seconds = ((Date.now() - this.#seen.at) / 1000 / moved) * (100 - this.#shown);
    }
    if (seconds === null || seconds < 0) return basis === "typical" && total < 240 ? "" : this.say("usually");
    return seconds < 60 ? this.say("minute") : this.say("minutes", { n: Math.ceil(seconds / 60) });
  }

  // -- required actions -------------------------------------------------------------------------

  /** @param {"action" | "test-action"} name @param {RecordAnswer} record */
  #act(name, record) {
    const { action } = record;
    const key = JSON.stringify(action);
    if (this.#acts[name] === key) return; // keep what is being typed
    this.#acts[name] = key;
    const part = this.find(name);
    part.hidden = !action;
    part.replaceChildren();
    if (!action) return;
    const title = `${name}-title`;
    part.setAttribute("aria-labelledby", title);
    const url = action.url ?? "";
    const safe = /^https?:\/\//i.test(url);
    const picture = /^data:image\/(png|jpeg|webp);base64,/.test(url); // no SVG: it may contain scripts
    const operator = this.audience === "operator";
    const told = operator || MESSAGES.includes(action.kind) || !this.has(`act_${action.kind}`);
    const message = told ? action.message : this.say(`act_${action.kind}`);
    const open = action.choices.filter((choice) => operator || FOR_USERS.includes(choice));
    const folded = action.choices.filter((choice) => !open.includes(choice));
    /** @type {unknown[]} */
    const parts = [
      h("h3", { id: title }, this.say("act")),
      h("p", {}, message),
      action.text && h("p", {}, this.say("read")),
      action.text && h("blockquote", { part: "text" }, action.text),
      action.expires_at && h("p", { class: "muted", part: "countdown", role: "timer", "data-expires": action.expires_at }),
      picture && h("img", { class: "picture", part: "picture", src: url, alt: this.say("picture") }),
      safe && h("div", { class: "row" },
        h("a", { class: "open", part: "link", href: url, target: "_blank", rel: "noopener noreferrer" }, this.say("open"))),
      ...(action.recording ? this.#recording(record, name, part) : []),
      this.#choices(open, record, name, part),
    ];
    if (!told || folded.length) {
      const details = this.folded(told ? "" : action.message);
      const more = this.#choices(folded, record, name, part);
      if (more) details.append(more);
      parts.push(details);
    }
    part.append(...parts.filter((one) => one instanceof Node));
    if (!record.training_id) this.announce(`${this.say("act")}: ${message}`);
    this.#time();
  }

  /** Buttons for choices, and the field that one of them needs. @param {string[]} choices @param {RecordAnswer} record @param {string} name @param {HTMLElement} part */
  #choices(choices, record, name, part) {
    if (!choices.length) return null;
    const id = h("input", { id: `${name}-job`, part: "input", autocomplete: "off" });
    /** @param {string} choice */
    const choose = (choice) => (/** @type {MouseEvent} */ { currentTarget }) => {
      const button = /** @type {HTMLButtonElement} */ (currentTarget);
      if (busy(button)) return;
      const answer = choice === "adopt" ? { choice, job_id: id.value.trim() } : { choice };
      return this.#answer(record, answer, button, part);
    };
    const buttons = choices.map((choice) =>
      h("button", { type: "button", part: "choice", "data-choice": choice, on: { click: choose(choice) } },
        this.say(`choice_${choice}`).replace(/^choice_/, "").replaceAll("_", " ")));
    const field = choices.includes("adopt") ? [h("label", { for: id.id }, this.say("job_id")), id] : [];
    return h("div", {}, ...field, h("div", { class: "row" }, ...buttons));
  }

  /** @param {RecordAnswer} record @param {string} name @param {HTMLElement} part */
  #recording(record, name, part) {
    const recording = record.action?.recording ?? "audio";
    const file = h("input", { type: "file", part: "file", id: `${name}-file`, accept: `${recording}/*` });
    let arrived = ""; // name of what a phone has uploaded
    const send = async () => {
      const button = /** @type {HTMLButtonElement} */ (this.find("send"));
      const chosen = file.files?.[0];
      if (busy(button)) return;
      if (!chosen && !arrived) return file.focus();
      if (chosen && !chosen.size) return this.#said(this.say("empty"));
      this.#problem(null);
      wait(button, true);
      try {
        const progress = (/** @type {number} */ percent) => {
          button.textContent = this.say("sending", { progress: percent });
        };
        if (chosen) await this.api.upload(record.clone_id, "recording", chosen, { progress });
        await this.#answer(record, { choice: "done", recording: chosen?.name ?? arrived }, button, part);
      } catch (error) {
        this.#problem(/** @type {ApiError} */ (error));
      }
      wait(button, false);
      button.textContent = this.say("send");
    };
    const capture = async () => {
      const { record: capturing } = await import("./recorder.js");
      const asked = { kind: recording, text: record.action?.text ?? "", name: "recording", clone: record.clone_id, role: /** @type {const} */ ("recording") };
      const made = await capturing(this, asked);
      if (!made) return;
      const given = new DataTransfer();
      if (made instanceof File) given.items.add(made);
      else arrived = made.name;
      file.files = given.files;
      if (arrived) return send();
      this.find("send").focus();
    };
    return [
      h("label", { for: file.id }, this.say("recording")),
      file,
      h("div", { class: "row" },
        h("button", { type: "button", part: "record", on: { click: capture } }, `● ${this.say("record")}`),
        h("button", { type: "button", class: "main", part: "send", on: { click: send } }, this.say("send"))),
    ];
  }

  /** Show a text in the place of errors. @param {string} text */
  #said(text) {
    const place = this.find("error");
    place.replaceChildren(text);
    place.hidden = !text;
  }

  /** @param {RecordAnswer} record @param {{choice: string, job_id?: string, recording?: string}} answer @param {HTMLButtonElement} button @param {HTMLElement} part */
  async #answer(record, answer, button, part) {
    wait(button, true);
    this.#problem(null);
    try {
      const changed = await this.api.act(record.training_id ? "videos" : "trainings", record.id, answer);
      if (part === this.find("action")) this.#show(changed);
    } catch (error) {
      this.#problem(/** @type {ApiError} */ (error));
    }
    wait(button, false);
  }

  // -- the finished avatar ----------------------------------------------------------------------

  /** @param {RecordAnswer} record */
  async #finished(record) {
    const place = this.find("preview");
    if (!place.hidden) return;
    place.hidden = false;
    place.append(
      h("h2", { part: "ready" }, this.say("ready")),
      h("figure", { part: "figure" }),
      h("div", { class: "row" }, h("button", { type: "button", class: "main", part: "test",
        on: { click: () => this.#test() } }, this.say("test"))),
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
    const page = await this.api.videos(this.#id(), { limit: 1 }, signal).catch(() => null);
    const last = page?.items[0];
    if (!last || signal?.aborted || this.#asking || this.#film) return;
    if (!FINAL.includes(last.status)) this.#tested(last);
    else if (!film && last.links?.video) this.#figure(record, last.links.video);
  }

  /** @param {RecordAnswer} record @param {string} [film] */
  #figure({ links = {} }, film) {
    const still = links.thumbnail && this.api.url(links.thumbnail);
    const shown = film
      ? this.#video(film, still, () => this.#renew())
      : still && h("img", { class: "still", part: "still", src: still, alt: this.say("preview") });
    this.find("figure").replaceChildren(...[shown, this.#badge()].filter((one) => one instanceof Node));
  }

  /** Request the record again for new links, which expire after hours; once a minute at most. */
  async #renew() {
    if (Date.now() - this.#asked < 60e3) return;
    this.#asked = Date.now();
    const record = await this.api.record("trainings", this.#id()).catch(() => null);
    if (record?.links?.preview) this.#figure(record, record.links.preview);
  }

  #badge() {
    return h("figcaption", { class: "badge", part: "label" }, this.say("generated"));
  }

  /** @param {string} film @param {string} [poster] @param {() => void} [failed] */
  #video(film, poster, failed = () => {}) {
    return h("video", { part: "video", controls: true, playsinline: true, preload: poster ? "none" : "metadata", poster,
      src: this.api.url(film), "aria-label": this.say("preview"), on: { error: failed } });
  }

  async #test() {
    if (busy(this.find("test"))) return;
    const id = this.trainingId;
    this.#problem(null);
    this.#waits();
    this.#asking = true;
    /** @type {RecordAnswer | null} */
    let video = null;
    /** @type {ApiError | null} */
    let problem = null;
    try {
      video = await this.api.speak(this.#id(), { text: this.say("test_text") });
    } catch (error) {
      problem = /** @type {ApiError} */ (error);
    }
    if (id !== this.trainingId) return;
    this.#asking = false;
    if (!video) return this.#untested(problem);
    this.emit("avatar-video", video);
    this.#tested(video);
  }

  #waits(progress = 0) {
    wait(this.find("test"), true);
    this.fill("test-status", progress > 0 ? this.say("generating_at", { progress }) : this.say("generating"));
  }

  /** @param {import("./client.js").Problem | null} error */
  #untested(error) {
    this.#film = null;
    this.fill("test-status", "");
    wait(this.find("test"), false);
    this.#problem(error ?? { message: "" }, "test_failed");
  }

  /** @param {RecordAnswer} video */
  async #tested(video) {
    this.#film = video;
    const signal = this.#watching?.signal;
    if (!signal) return; // not connected to a page; resumes when it is
    this.#waits();
    try {
      await this.api.watch("videos", video.id, {
        signal,
        change: (record) => {
          video = record;
          this.#waits(record.status === "processing" ? record.progress : 0);
          this.#act("test-action", record);
        },
        lost: (away) => this.fill("connection", away ? this.say("lost") : ""),
      });
    } catch (error) {
      if (!signal.aborted) this.#untested(/** @type {ApiError} */ (error));
      return;
    }
    if (signal.aborted) return;
    this.#film = null;
    if (video.status !== "completed") return this.#untested(video.error ?? { message: video.status });
    this.fill("test-status", "");
    wait(this.find("test"), false);
    const record = /** @type {RecordAnswer} */ (this.#record);
    const { links = {} } = record;
    if (!links.preview && !links.video) this.#figure(record, video.links.video);
    this.#modal(video);
    this.emit("avatar-video", video);
  }

  /** @param {RecordAnswer} video */
  #modal(video) {
    const poster = this.#record?.links?.thumbnail;
    const film = this.#video(video.links.video, poster && this.api.url(poster));
    film.setAttribute("aria-label", this.say("test_title"));
    const dialog = h("dialog", { part: "modal", "aria-labelledby": "test-title" },
      h("h2", { id: "test-title" }, this.say("test_title")),
      h("figure", {}, film, this.#badge(), h("p", { class: "muted", part: "script" }, video.script ?? "")),
      h("div", { class: "row" }, h("button", { type: "button", part: "close",
        on: { click: () => dialog.close() } }, this.say("close"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      this.find("test")?.focus();
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    this.root.append(dialog);
    dialog.showModal(); // makes the page inert; Escape closes the dialog
    film.play().catch(() => {}); // autoplay may be blocked: the person starts it
  }
}

define("avatar-training", AvatarTraining);
