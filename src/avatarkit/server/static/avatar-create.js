// Web component <avatar-create src>: recordings, consent and provider of a new avatar, and its order.

import { fresh } from "./client.js";
import { AvatarElement, define, explained, h, redraw, wait } from "./element.js";
import { OPEN, Uploads } from "./uploads.js";

/**
 * @typedef {import("./client.js").ApiError} ApiError
 * @typedef {import("./client.js").Costs} Costs
 * @typedef {import("./client.js").Role} Role
 * @typedef {import("./client.js").Stack} Stack
 * @typedef {import("./uploads.js").Upload} Upload
 * @typedef {{clone: string, evidence: string | null, footage: string | null, findings: Record<string, import("./client.js").Finding[]>,
 *   open: {role: Role, name: string, percent: number}[], who: "real" | "unreal", subject: string, agreed: boolean, given: number,
 *   reason: string, name: string, stack: string}} Draft
 */

const VOICES = 5; // an avatar is made from at most so many voice recordings
// Findings that tell operators what is not installed; and one that every recording made here has.
const UNTOLD = ["faces-not-looked-for", "not-looked-inside"];
const RECORDED = [...UNTOLD, "variable-frame-rate"];
/** @type {Role[]} */
const ROLES = ["footage", "voice", "evidence"];
const ACCEPT = { voice: "audio/*,video/*", footage: "video/*,image/*", evidence: "", recording: "" };

const STYLE = `
form { display: grid; gap: 1.25rem; }
fieldset { margin: 0; min-width: 0; }
legend { float: inline-start; width: 100%; font-size: 1.2rem; font-weight: 700; padding: 0; margin: 0 0 .75rem; }
legend + * { clear: both; }
.number { display: inline-grid; place-items: center; width: 1.9rem; height: 1.9rem; margin-inline-end: .6rem; border-radius: 50%;
  background: linear-gradient(135deg, var(--_primary), var(--_accent)); color: var(--_on); font-size: 1rem; }
.two { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); }
.drop { border: 2px dashed var(--_border); border-radius: 14px; padding: 1rem; transition: border-color .2s, background .2s; min-width: 0; }
.drop.over { border-color: var(--_primary); background: var(--_tint); }
.drop h3 { display: flex; gap: .5rem; align-items: center; }
.drop .icon { font-size: 1.6rem; line-height: 1; }
.drop input[type=file] { position: absolute; width: 1px; height: 1px; min-height: 0; overflow: hidden; clip-path: inset(50%); }
.drop label.pick { display: inline-flex; align-items: center; margin: 0; min-height: 44px; padding: .5rem 1.1rem; border-radius: 10px;
  border: 1px solid var(--_border); color: var(--_primary); cursor: pointer; }
.drop label.pick:hover { border-color: var(--_primary); }
.drop input:focus-visible + label.pick { outline: 3px solid var(--_accent); outline-offset: 2px; }
.files > li { display: grid; grid-template-columns: 3.5rem 1fr; gap: .25rem .75rem; padding: .75rem 0 0; align-items: start; }
.files .thumb { width: 3.5rem; height: 3.5rem; border-radius: 10px; object-fit: cover; background: var(--_tint); display: grid; place-items: center; font-size: 1.5rem; }
.files .unused .thumb { opacity: .55; } .files .unused strong { color: var(--_muted); text-decoration: line-through; }
.files audio { width: 100%; height: 40px; margin-top: .35rem; }
.findings { font-size: .9rem; }
.buttons button { min-height: 36px; padding: .15rem .7rem; font-size: .9rem; }
.problem { color: var(--_danger); font-weight: 600; font-size: .95rem; }
.indent { padding-inline-start: 1.85rem; }
#agreed-on { display: block; width: min(100%, 14rem); margin-bottom: 1rem; }
#costs { margin-top: .35rem; }
.ready { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0; }
.ready li::before { content: "○ "; color: var(--_muted); } .ready li.done::before { content: "✓ "; color: var(--_good); font-weight: 700; }
#train { min-height: 52px; font-size: 1.1rem; padding-inline: 2rem; }
.drop button.main { min-height: 44px; }
`;

/** Day of a moment, as date fields have it, here. @param {Date} moment */
const day = (moment) => [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()].map((n) => String(n).padStart(2, "0")).join("-");

/** Moment of an agreement on a day, in seconds since 1970: noon, or now if it is today; 0 if there is no such day. @param {string} date */
const moment = (date) => (date === day(new Date()) ? Math.floor(Date.now() / 1000) : (Date.parse(`${date}T12:00`) || 0) / 1000);

/** @param {Costs} costs */
const dollars = ({ total, known }) => ({ amount: `$${Number(known).toFixed(2)}`, least: total === null, none: total === null && !Number(known) });

/**
 * The steps of a new avatar: record or choose files, consent, provider, order.
 *
 * @element avatar-create
 * @attr clone-id use the recordings of that clone
 * @attr storage name of the draft in the browser's storage; an empty one keeps none
 * @attr phone-page address of the page that phones open to record; by default `phone` at the API
 * @fires avatar-created an avatar was ordered: `detail` is its record
 */
export class AvatarCreate extends AvatarElement {
  static observedAttributes = [...super.observedAttributes, "clone-id"];
  static properties = [...super.properties, "cloneId"];
  static style = STYLE;

  #uploads = new Uploads(() => this.api);
  /** @type {Draft} */
  #draft = this.#empty();
  /** @type {Stack[]} */
  #stacks = [];
  /** @type {Set<string>} */
  #seen = new Set(); // stored uploads that the draft knows
  #ordering = false; // Train was pressed, and uploads or the order are on their way
  /** @type {Map<string, {item: HTMLLIElement, update: () => void, end: () => void}>} */
  #rows = new Map();
  #drawn = false;

  constructor() {
    super();
    this.#uploads.addEventListener("change", () => this.#changed());
  }

  get cloneId() {
    return this.getAttribute("clone-id");
  }

  set cloneId(value) {
    this.reflect("clone-id", value || null);
  }

  /** ID of the clone that the next order is for. */
  get clone() {
    return this.#draft.clone;
  }

  // -- the draft ----------------------------------------------------------------------------------

  /** @returns {Draft} */
  #empty() {
    return {
      ...{ clone: fresh(10), evidence: null, footage: null, findings: {}, open: [], who: "real", subject: "" },
      ...{ agreed: false, given: 0, reason: "", name: "", stack: "" },
    };
  }

  get #place() {
    return this.getAttribute("storage") ?? "avatarkit-draft";
  }

  #remembered() {
    try {
      return { ...this.#empty(), ...JSON.parse(localStorage.getItem(this.#place) ?? "{}") };
    } catch {
      return this.#empty();
    }
  }

  /** @param {Partial<Draft>} [more] */
  #remember(more = {}) {
    Object.assign(this.#draft, more);
    if (this.#place) localStorage.setItem(this.#place, JSON.stringify(this.#draft));
  }

  restart() {
    const clone = this.cloneId;
    if (!this.#drawn) this.#draft = this.#remembered();
    if (clone && clone !== this.#draft.clone) this.#draft = { ...this.#empty(), clone };
    this.#remember();
    this.#draw();
    addEventListener("beforeunload", this.#leaving);
    addEventListener("paste", this.#pasted);
    this.#load();
  }

  stop() {
    removeEventListener("beforeunload", this.#leaving);
    removeEventListener("paste", this.#pasted);
  }

  tokenChanged() {
    if (this.isConnected && this.#drawn) this.#load();
  }

  #leaving = (/** @type {BeforeUnloadEvent} */ event) => {
    if (this.#uploads.busy) event.preventDefault();
  };

  #pasted = (/** @type {ClipboardEvent} */ event) => {
    if (this.getClientRects().length) this.#take([...(event.clipboardData?.files ?? [])]);
  };

  async #load() {
    const place = this.find("problem");
    this.tell(place, null);
    const { clone } = this.#draft;
    const trying = (/** @type {Promise<void>} */ work) => work.catch((error) => this.tell(place, error));
    await Promise.all([trying(this.#loadStacks()), trying(this.#loadFiles(clone))]);
  }

  async #loadStacks() {
    this.#stacks = await this.api.stacks();
    const ready = this.#stacks.filter((stack) => stack.ready);
    const select = /** @type {HTMLSelectElement} */ (this.#field("stack"));
    const options = ready.map(({ stack, quote }) => h("option", { value: stack }, [stack, quote && this.#price(quote.expected)].filter(Boolean).join(" · ")));
    select.replaceChildren(h("option", { value: "" }, this.say("stack_default")), ...options);
    if (ready.some(({ stack }) => stack === this.#draft.stack)) select.value = this.#draft.stack;
    this.#demands();
    await this.#costs();
  }

  /** Say what consent the providers of the chosen stack demand. */
  #demands() {
    const rules = this.#stacks.find(({ stack }) => stack === this.#value("stack"))?.consent ?? [];
    const told = new Set(rules.filter(({ demands }) => demands !== "record").map(({ demands, provider }) => this.say(`demands_${demands}`, { provider })));
    this.find("demands").replaceChildren(...[...told].map((text) => h("p", {}, text)));
  }

  /** @param {string} clone */
  async #loadFiles(clone) {
    const first = !this.#uploads.of(clone).length;
    const samples = await this.api.samples(clone);
    const known = this.#uploads.of(clone); // with files that were chosen meanwhile
    for (const sample of samples) {
      if (known.some(({ role, name, sample: held }) => held?.id === sample.id || (role === sample.role && name === sample.name))) continue;
      this.#uploads.known(sample, this.#draft.findings[sample.id] ?? []);
    }
    if (!first) return;
    const { evidence, open } = this.#draft;
    if (evidence) {
      if (await this.api.uploaded(clone, "evidence", evidence)) this.#uploads.held(clone, "evidence", evidence);
      else this.#remember({ evidence: null }); // unused evidence is deleted after a day
    }
    const stored = new Set(this.#uploads.of(clone).map(({ role, name }) => `${role}/${name}`));
    for (const { role, name, percent } of open) {
      if (!stored.has(`${role}/${name}`)) this.#uploads.cut(clone, role, name, percent);
    }
  }

  // -- uploads ------------------------------------------------------------------------------------

  /** Put files into the queue of this clone, by their types if no role is given. @param {File[]} files @param {Role} [role] */
  #take(files, role) {
    for (const file of files) {
      const kind = role ?? (file.type.startsWith("audio/") ? "voice" : "footage");
      this.#uploads.add(this.#draft.clone, kind, file, this.#draft.stack);
    }
  }

  #changed() {
    if (!this.#drawn) return;
    const { clone } = this.#draft;
    for (const upload of this.#uploads.of(clone)) {
      if (upload.state !== "stored" || upload.duplicate || !upload.file || this.#seen.has(upload.key)) continue;
      this.#seen.add(upload.key);
      this.#counts(upload);
    }
    if (this.#uploads.of(clone).some(({ role, state }) => role !== "evidence" && state !== "failed")) this.#flaw("recordings", "");
    const open = this.#uploads.open(clone).map(({ role, name, percent }) => ({ role, name, percent }));
    this.#remember({ open });
    this.#update();
  }

  /** Note a file that was just stored. @param {Upload} upload */
  #counts({ role, name, sample, findings }) {
    if (sample) this.#draft.findings[sample.id] = findings;
    if (role === "footage" && sample) this.#draft.footage = sample.id; // the newest one counts
    if (role === "evidence") this.#draft.evidence = name;
  }

  /** Uploads that the order would use. @param {Role} role @returns {Upload[]} */
  #used(role) {
    const stored = this.#uploads.of(this.#draft.clone, role).filter(({ state, duplicate }) => state === "stored" && !duplicate);
    // The server uses the oldest recordings.
    if (role === "voice") return stored.sort((one, other) => (one.sample?.created_at ?? 0) - (other.sample?.created_at ?? 0)).slice(0, VOICES);
    const { evidence, footage } = this.#draft;
    const chosen = stored.filter(({ name, sample }) => (role === "evidence" ? name === evidence : sample?.id === footage));
    return chosen.length ? chosen : role === "evidence" ? stored.slice(-1) : stored.slice(0, 1);
  }

  /** @param {Upload} upload */
  #unused(upload) {
    if (upload.state !== "stored" || this.#used(upload.role).includes(upload)) return "";
    if (upload.duplicate) return this.say("file_same", { name: upload.duplicate });
    if (upload.role === "voice") return this.say("file_too_many", { n: VOICES });
    return this.say(upload.role === "footage" ? "file_replaced" : "file_other", { name: this.#used(upload.role)[0]?.name ?? "" });
  }

  /** @param {Upload} upload */
  #use(upload) {
    this.#remember(upload.role === "evidence" ? { evidence: upload.name } : { footage: upload.sample?.id ?? null });
    this.#update();
  }

  /** @param {Upload} upload */
  #state(upload) {
    const { state, percent, error, file } = upload;
    if (state === "sending" || state === "paused") return this.say(`file_${state}`, { percent });
    if (state === "cancelled" && !file) return this.say("file_cut", { percent });
    if (state === "failed" && error) return `✗ ${this.say(explained(error))}`;
    if (state === "rejected" && !file?.size) return `✗ ${this.say("empty")}`;
    return this.say(`file_${state}`);
  }

  /** @param {Upload} upload */
  #row(upload) {
    const shown = upload.file && URL.createObjectURL(upload.file);
    const type = upload.file?.type ?? upload.sample?.media_type ?? "";
    const icon = h("span", { class: "thumb", "aria-hidden": "true" }, type.startsWith("audio/") ? "🎙️" : upload.role === "evidence" ? "📄" : "🎬");
    const thumb = shown && type.startsWith("image/")
      ? h("img", { class: "thumb", src: shown, alt: "" })
      : shown && type.startsWith("video/") ? h("video", { class: "thumb", src: shown, muted: true, preload: "metadata", "aria-hidden": "true" }) : icon;
    const state = h("span", { class: "state small" });
    const bar = h("progress", { max: 100, value: 0, "aria-label": this.say("file_progress", { name: upload.name }) });
    const findings = h("ul", { class: "findings" });
    const unused = h("p", { class: "small muted", hidden: true });
    const buttons = h("div", { class: "row buttons" });
    const listen = h("audio", { controls: true, preload: "none", src: shown || null, hidden: !(shown && type.startsWith("audio/")), "aria-label": upload.name });
    const item = h("li", {}, thumb, h("div", {}, h("div", {}, h("strong", {}, upload.name), " ", state), bar, findings, unused, listen, buttons));
    item.dataset.name = upload.name;
    item.dataset.id = upload.key;
    /** @param {string} name @param {() => void} act */
    const button = (name, act) =>
      h("button", { type: "button", class: "quiet", "data-act": name, "aria-label": `${this.say(name)} ${upload.name}`, on: { click: act } }, this.say(name));
    const remove = async () => {
      try {
        await this.#uploads.remove(upload);
        this.#field(upload.role).focus();
      } catch (error) {
        this.tell(this.find("problem"), /** @type {ApiError} */ (error));
      }
    };
    const dismiss = () => {
      this.#uploads.dismiss(upload);
      this.#field(upload.role).focus();
    };
    const offered = () => {
      if (upload.state === "checking") return [];
      if (OPEN.includes(upload.state)) return [button("cancel", () => this.#uploads.cancel(upload))];
      if (upload.duplicate) return [button("dismiss", dismiss)];
      if (upload.state === "stored") {
        const use = this.#unused(upload) && upload.role !== "voice" ? [button("use", () => this.#use(upload))] : [];
        return [...use, upload.sample ? button("delete", remove) : button("dismiss", dismiss)];
      }
      const again = upload.file?.size && upload.state !== "rejected" ? [button("retry", () => this.#uploads.retry(upload))] : [];
      return [...again, button("dismiss", dismiss)];
    };
    let last = "";
    const update = () => {
      bar.value = upload.percent;
      bar.hidden = !OPEN.includes(upload.state);
      state.textContent = this.#state(upload);
      state.className = `state small ${{ stored: "good", paused: "warning", failed: "error", rejected: "error" }[/** @type {string} */ (upload.state)] ?? "muted"}`;
      const why = this.#unused(upload);
      item.classList.toggle("unused", !!why);
      unused.hidden = !why;
      unused.textContent = why;
      const now = JSON.stringify([upload.state, why, upload.findings]);
      if (now === last) return; // keep the focus
      last = now;
      redraw(this.root, () => buttons.replaceChildren(...offered()), this.#field(upload.role));
      const untold = this.audience === "operator" ? [] : /^recorded-|^(voice|footage)-[0-9a-f]{8}\./.test(upload.name) ? RECORDED : UNTOLD;
      const told = upload.findings.filter(({ code }) => !untold.includes(code ?? ""));
      findings.replaceChildren(...told.map((f) => h("li", { class: f.severity }, this.say(`finding_${f.severity}`, { message: f.message }))));
    };
    return { item, update, end: () => shown && URL.revokeObjectURL(shown) };
  }

  // -- drawing ------------------------------------------------------------------------------------

  /** @param {string} id */
  #field(id) {
    return /** @type {HTMLElement} */ (this.root.getElementById(id));
  }

  /** @param {string} id */
  #value(id) {
    return /** @type {HTMLInputElement} */ (this.#field(id)).value.trim();
  }

  #draw() {
    for (const { end } of this.#rows.values()) end();
    this.#rows.clear();
    this.#drawn = true;
    const s = (/** @type {string} */ name) => this.say(name);
    const legend = (/** @type {number} */ n, /** @type {string} */ name) =>
      h("legend", {}, h("span", { class: "number", "aria-hidden": "true" }, String(n)), s(name));
    const input = (/** @type {"subject" | "reason" | "name"} */ id, /** @type {number} */ maxlength) =>
      h("input", { id, autocomplete: "off", maxlength, value: this.#draft[id], "aria-describedby": `${id}-problem`,
        on: { input: () => (this.#remember({ [id]: this.#value(id) }), this.#flaw(id, ""), this.#update()) } });
    const flaw = (/** @type {string} */ id) => h("p", { class: "problem", id: `${id}-problem`, hidden: true });
    const radio = (/** @type {"real" | "unreal"} */ value) =>
      h("label", { class: "choice" },
        h("input", { type: "radio", name: "who", value, checked: this.#draft.who === value, on: { change: () => this.#who(value) } }), s(`who_${value}`));
    const agreed = h("input", { type: "checkbox", id: "agreed", checked: this.#draft.agreed, "aria-describedby": "agreed-problem",
      on: { change: () => (this.#remember({ agreed: agreed.checked, given: moment(on.value) }), this.#flaw("agreed", ""), this.#update()) } });
    const { given } = this.#draft;
    const on = h("input", { type: "date", id: "agreed-on", max: day(new Date()), value: day(given ? new Date(given * 1000) : new Date()), required: true,
      "aria-describedby": "agreed-on-problem", on: { change: () => (this.#remember({ given: moment(on.value) }), this.#flaw("agreed-on", ""), this.#update()) } });
    const form = h("form", { part: "form", dir: this.direction, novalidate: true, on: { submit: (event) => (event.preventDefault(), this.#order()) } },
      h("div", { class: "alert", part: "problem", role: "alert", hidden: true }),
      h("fieldset", { class: "card", part: "card" }, legend(1, "recordings"),
        h("p", { class: "muted" }, s("recordings_about")),
        h("div", { class: "two" }, this.#drop("footage", "🎥"), this.#drop("voice", "🎙️")),
        h("p", { class: "warning", part: "stack-changed", role: "status", hidden: true }),
        flaw("recordings"),
        h("button", { id: "start-over", type: "button", class: "quiet", on: { click: () => this.#startOver() } }, s("start_over"))),
      h("fieldset", { class: "card", part: "card" }, legend(2, "consent"),
        radio("real"),
        h("div", { id: "real", class: "indent" },
          h("label", { for: "subject" }, s("subject")), input("subject", 200), flaw("subject"),
          h("p", {}, s("they_agree")), h("blockquote", { id: "wording" }, s("wording")),
          h("label", { class: "choice" }, agreed, s("agreed")), flaw("agreed"),
          h("label", { for: "agreed-on" }, s("agreed_on")), on, flaw("agreed-on"),
          h("div", { class: "warning", part: "demands", role: "status" }), this.#drop("evidence", "📄")),
        radio("unreal"),
        h("div", { id: "unreal", class: "indent" }, h("label", { for: "reason" }, s("reason")), input("reason", 1000), flaw("reason"))),
      h("fieldset", { class: "card", part: "card" }, legend(3, "train_step"),
        h("div", { class: "two" },
          h("div", {}, h("label", { for: "name" }, s("name")), input("name", 200), flaw("name")),
          h("div", {}, h("label", { for: "stack" }, s("stack")),
            h("select", { id: "stack", on: { change: () => this.#stacked() } }, h("option", { value: "" }, s("stack_default"))),
            h("div", { id: "costs", class: "muted small", role: "status" }))),
        h("ul", { class: "ready", part: "ready" }),
        h("div", { class: "alert", part: "form-problem", role: "alert", hidden: true }),
        h("div", { class: "row" }, h("button", { id: "train", class: "main" }, s("train")),
          h("span", { class: "muted", part: "waits", role: "status" }))),
    );
    this.root.replaceChildren(form);
    form.addEventListener("dragover", (event) => event.preventDefault());
    form.addEventListener("drop", (event) => (event.preventDefault(), this.#take([...(event.dataTransfer?.files ?? [])])));
    this.#who(this.#draft.who);
    this.#update();
  }

  /** Place to drop, choose or record files of a role. @param {"voice" | "footage" | "evidence"} role @param {string} icon */
  #drop(role, icon) {
    const file = h("input", { id: role, type: "file", accept: ACCEPT[role] || null, multiple: role === "voice", "aria-describedby": `${role}-about`,
      on: { change: () => {
        this.#take([...(file.files ?? [])], role);
        file.value = "";
      } } });
    const over = (/** @type {boolean} */ on) => (/** @type {DragEvent} */ event) => (event.preventDefault(), place.classList.toggle("over", on));
    const place = h("div", { class: "drop", on: { dragenter: over(true), dragover: over(true), dragleave: over(false) } },
      h("h3", {}, h("span", { class: "icon", "aria-hidden": "true" }, icon), this.say(`${role}_title`)),
      h("p", { class: "muted small", id: `${role}-about` }, this.say(`${role}_about`)),
      h("div", { class: "row" },
        h("button", { type: "button", class: "main small", "data-record": role, on: { click: () => this.#record(role) } }, `● ${this.say("record")}`),
        file, h("label", { class: "pick", for: role }, this.say(`${role}_choose`))),
      h("ul", { class: "files", "data-role": role, "aria-label": this.say(`${role}_files`) }));
    place.addEventListener("drop", (event) => {
      event.stopPropagation();
      over(false)(event);
      this.#take([...(event.dataTransfer?.files ?? [])], role);
    });
    return place;
  }

  /** Record a file of a role here. @param {"voice" | "footage" | "evidence"} role */
  async #record(role) {
    const { clone, stack } = this.#draft;
    const { record } = await import("./recorder.js");
    const text = this.say(role === "evidence" ? "wording" : "reading");
    const made = await record(this, { kind: role === "voice" ? "audio" : "video", text, name: `recorded-${role}`, clone, role, stack });
    if (made instanceof File) return this.#uploads.add(clone, role, made, stack);
    if (!made) return;
    const upload = this.#uploads.arrived(clone, role, made);
    if (clone === this.#draft.clone) this.#counts(upload);
    this.#changed();
  }

  /** @param {"real" | "unreal"} who */
  #who(who) {
    this.#remember({ who });
    this.#field("real").hidden = who !== "real";
    this.#field("unreal").hidden = who !== "unreal";
    this.#update();
  }

  #update() {
    const { clone } = this.#draft;
    for (const role of ROLES) {
      const list = this.root.querySelector(`.files[data-role=${role}]`);
      const shown = this.#uploads.of(clone, role).map((upload) => {
        const row = this.#rows.get(upload.key) ?? this.#row(upload);
        this.#rows.set(upload.key, row);
        row.update();
        return row.item;
      });
      const same = list?.children.length === shown.length && shown.every((item, n) => list.children[n] === item);
      if (!same) list?.replaceChildren(...shown); // else the focus stays
    }
    const alive = new Set(this.#uploads.all.map(({ key }) => key));
    for (const [key, { end }] of this.#rows) if (!alive.has(key)) (end(), this.#rows.delete(key));
    const done = {
      footage: this.#used("footage").length > 0,
      voice: this.#used("voice").length > 0,
      consent: this.#draft.who === "unreal" ? !!this.#draft.reason : !!this.#draft.subject && this.#draft.agreed && this.#dated,
    };
    const pick = this.root.querySelector("label.pick[for=footage]");
    if (pick) pick.textContent = this.say(done.footage ? "footage_replace" : "footage_choose");
    this.find("ready")?.replaceChildren(...Object.entries(done).map(([name, yes]) => h("li", { class: yes ? "done" : "" }, this.say(`ready_${name}`))));
    const open = this.#uploads.open(clone).length;
    const train = /** @type {HTMLButtonElement | null} */ (this.#field("train"));
    if (!train) return;
    wait(train, this.#ordering);
    this.find("waits").textContent = open ? this.say(open === 1 ? "waits_one" : "waits", { n: open }) : this.#ordering ? this.say("creating") : "";
  }

  #startOver() {
    this.#ordering = false;
    for (const upload of this.#uploads.open(this.#draft.clone)) this.#uploads.cancel(upload);
    this.cloneId = null;
    this.#draft = { ...this.#empty(), stack: this.#draft.stack };
    this.#remember();
    this.#draw();
    this.#load();
  }

  // -- the provider -------------------------------------------------------------------------------

  /** @param {Costs} costs */
  #price(costs) {
    const { amount, least, none } = dollars(costs);
    return none ? this.say("price_unknown") : least ? this.say("price_least", { amount }) : amount;
  }

  #stacked() {
    this.#remember({ stack: this.#value("stack") });
    this.#demands();
    const there = this.#uploads.of(this.#draft.clone).some(({ role, state }) => role !== "evidence" && state === "stored");
    this.fill("stack-changed", there ? this.say("stack_changed") : "");
    return this.#costs().catch((error) => this.tell(this.find("problem"), error));
  }

  /** Show the cost of the chosen stack and its assumptions. */
  async #costs() {
    const chosen = this.#value("stack");
    const quote = await this.api.quote({ stack: chosen });
    if (this.#value("stack") !== chosen) return; // another stack was chosen meanwhile
    const { low, expected, high, oldest } = quote;
    const prices = { expected: this.#price(expected), low: this.#price(low), high: this.#price(high), date: oldest };
    const text = dollars(expected).none ? this.say("costs_unknown") : this.say("costs", prices);
    const details = [
      ...expected.unknown.map((what) => this.say("costs_missing", { what })),
      ...quote.assumptions.map((what) => this.say("costs_assumed", { what })),
    ];
    this.#field("costs").replaceChildren(text,
      h("details", {}, h("summary", {}, this.say("assumptions")), h("ul", {}, ...details.map((one) => h("li", {}, one)))));
  }

  /**
   * Begin with the recordings of a training, and another stack than its own.
   * @param {import("./client.js").RecordAnswer} record
   */
  async tryOther({ clone_id: clone, stack }) {
    this.cloneId = clone;
    await this.#loadStacks().catch((error) => this.tell(this.find("problem"), error));
    const other = this.#stacks.find((one) => one.ready && one.stack !== stack);
    if (!other || this.cloneId !== clone) return;
    const field = /** @type {HTMLSelectElement} */ (this.#field("stack"));
    field.value = other.stack;
    field.focus();
    await this.#stacked();
  }

  // -- the order ----------------------------------------------------------------------------------

  /** Mark a field with what is wrong. @param {string} id @param {string} text */
  #flaw(id, text) {
    const place = this.#field(`${id}-problem`);
    place.textContent = text;
    place.hidden = !text;
    this.root.getElementById(id)?.setAttribute("aria-invalid", String(!!text));
  }

  /** Say what is missing, beside its field; true if nothing is. */
  #complete() {
    const { clone, who, subject, agreed, reason } = this.#draft;
    const there = this.#uploads.open(clone).length > 0 || this.#used("footage").length + this.#used("voice").length > 0;
    const failed = this.#uploads.of(clone).some(({ state }) => state === "failed");
    const real = who === "real";
    /** @type {[string, string][]} */
    const flaws = [
      ["recordings", failed ? this.say("need_upload") : there ? "" : this.say("need_recordings")],
      ["subject", real && !subject ? this.say("need_subject") : ""],
      ["agreed", real && !agreed ? this.say("need_agreed") : ""],
      ["agreed-on", real && agreed && !this.#dated ? this.say("need_agreed_on") : ""],
      ["reason", !real && !reason ? this.say("need_reason") : ""],
    ];
    for (const [id, text] of flaws) this.#flaw(id, text);
    const first = flaws.find(([, text]) => text);
    if (!first) return true;
    const field = this.#field(first[0] === "recordings" ? "footage" : first[0]);
    field.focus({ preventScroll: true });
    this.#field(`${first[0]}-problem`).scrollIntoView({ block: "center" });
    return false;
  }

  /** True if the day of the agreement is known, and not in the future. */
  get #dated() {
    const { given } = this.#draft;
    return given > 0 && day(new Date(given * 1000)) <= day(new Date());
  }

  #consent() {
    const { who, subject, given, reason } = this.#draft;
    const [evidence] = this.#used("evidence");
    if (who === "unreal") return { not_a_real_person: reason };
    const given_at = new Date(given * 1000).toISOString();
    const consent = { subject, wording: this.say("wording"), wording_version: this.say("wording_version"), given_at };
    return evidence ? { ...consent, evidence: evidence.name } : consent;
  }

  /** Wait until every file that was chosen for the clone has arrived. @param {string} clone */
  #arrived(clone) {
    return new Promise((/** @type {(value?: unknown) => void} */ done) => {
      const look = () => {
        if (this.#uploads.open(clone).length) return;
        this.#uploads.removeEventListener("change", look);
        done();
      };
      this.#uploads.addEventListener("change", look);
      look();
    });
  }

  async #order() {
    const problem = this.find("form-problem");
    this.tell(problem, null);
    if (this.#ordering || !this.#complete()) return;
    const { clone } = this.#draft;
    this.#ordering = true;
    this.#update();
    await this.#arrived(clone);
    if (!this.#ordering || this.#draft.clone !== clone) return; // begun again meanwhile
    try {
      if (!this.#complete()) return;
      await this.#dropReplaced(clone);
      const body = { clone_id: clone, consent: this.#consent(), stack: this.#draft.stack || null, name: this.#draft.name };
      const record = await this.api.train(body);
      this.#ordering = false;
      const { stack } = this.#draft;
      this.cloneId = null;
      this.#draft = { ...this.#empty(), stack };
      this.#remember();
      this.#draw();
      this.#loadStacks().catch(() => {});
      this.emit("avatar-created", record);
    } catch (error) {
      this.tell(problem, /** @type {ApiError} */ (error)); // the files stay for another attempt
    } finally {
      this.#ordering = false;
      this.#update();
    }
  }

  /** Delete recordings that were replaced: the server would use the oldest ones. @param {string} clone */
  async #dropReplaced(clone) {
    for (const upload of this.#uploads.of(clone)) {
      if (upload.role === "footage" && upload.sample && this.#unused(upload)) await this.#uploads.remove(upload);
    }
  }
}

define("avatar-create", AvatarCreate);
