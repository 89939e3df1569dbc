// Base of the elements: texts, attributes, properties, errors and style that they share.

import { ApiError, Client } from "./client.js";
import { EN } from "./strings/en.js";

export { EN };

/** @typedef {import("./client.js").Problem} Problem */

// -- texts: English is built in, other languages are loaded when they are needed -------------------

/** @typedef {{[Name in keyof typeof EN]: string}} Strings */

/** Default texts; a page may replace them for all elements. @type {Strings} */
export const STRINGS = { ...EN };

/** Languages with texts, by their names in themselves. */
export const LANGUAGES = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  ar: "العربية",
  zh: "中文",
  ja: "日本語",
};

/** @type {Record<string, () => Promise<{default: Partial<Strings>}>>} */
const LOADERS = {
  de: () => import("./strings/de.js"),
  es: () => import("./strings/es.js"),
  fr: () => import("./strings/fr.js"),
  ar: () => import("./strings/ar.js"),
  zh: () => import("./strings/zh.js"),
  ja: () => import("./strings/ja.js"),
};

/** @type {Map<string, Partial<Strings>>} */
const tables = new Map([["en", STRINGS]]);

/** @param {string} tag */
const short = (tag) => {
  const [name] = tag.toLowerCase().split("-");
  return name in LANGUAGES ? name : "en";
};

/** Texts of a language, if they are loaded. @param {string} tag */
export const loaded = (tag) => tables.get(short(tag));

/** Load the texts of a language; English if they cannot be loaded. @param {string} tag */
export const language = async (tag) => {
  const name = short(tag);
  const table = loaded(name) ?? (await LOADERS[name]().then((m) => m.default, () => STRINGS));
  tables.set(name, table);
  return table;
};

/** @param {string} tag */
export const direction = (tag) => (short(tag) === "ar" ? "rtl" : "ltr");

// -- elements ---------------------------------------------------------------------------------------

// Servers that render pages import this file too: they have no HTMLElement.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

export const STYLE = `
:host { color-scheme: light dark; display: block; container-type: inline-size;
  --_bg: var(--avatar-bg, light-dark(#fff, #1b1c22));
  --_text: var(--avatar-text, light-dark(#1b1c22, #f1f1f4));
  --_muted: var(--avatar-muted, light-dark(#595b66, #b2b4c0));
  --_border: var(--avatar-border, light-dark(#d5d7e0, #3b3d49));
  --_field: var(--avatar-field, light-dark(#7d8090, #777a8c));
  --_primary: var(--avatar-primary, light-dark(#4f46e5, #a5b4fc));
  --_accent: var(--avatar-accent, light-dark(#c026d3, #f0abfc));
  --_on: var(--avatar-on-primary, light-dark(#fff, #16171d));
  --_danger: var(--avatar-danger, light-dark(#b3152a, #ff9aa5));
  --_good: var(--avatar-good, light-dark(#146c2e, #7ee2a0));
  --_warn: var(--avatar-warn, light-dark(#8a4b00, #ffc078));
  --_tint: color-mix(in srgb, var(--_primary) 9%, var(--_bg));
  --_radius: var(--avatar-radius, 16px); }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
.card { background: var(--_bg); color: var(--_text); border: 1px solid var(--_border);
  border-radius: var(--_radius); padding: clamp(1rem, 4cqi, 2rem);
  font: inherit; line-height: 1.5; overflow-wrap: anywhere; }
h2, h3 { margin: 0 0 .5rem; line-height: 1.25; } h2 { font-size: 1.3rem; } h3 { font-size: 1.05rem; }
p { margin: .5rem 0; } ul, ol { list-style: none; padding: 0; margin: 0; }
.muted { color: var(--_muted); } .alert, .error { color: var(--_danger); } .alert { font-weight: 600; }
.good { color: var(--_good); } .warning { color: var(--_warn); } .small { font-size: .9rem; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
button, a.open { font: inherit; font-weight: 600; min-height: 44px; padding: .5rem 1.1rem;
  border-radius: 10px; border: 1px solid var(--_border); cursor: pointer;
  background: var(--_bg); color: var(--_primary); text-decoration: none; max-width: 100%;
  display: inline-flex; align-items: center; justify-content: center; gap: .4rem; }
button:hover:not(:disabled, [aria-disabled=true]), a.open:hover { border-color: var(--_primary); }
button.main, a.open { background: var(--_primary); border-color: var(--_primary); color: var(--_on); }
button.main:hover:not(:disabled, [aria-disabled=true]) { filter: brightness(1.08); }
button.quiet { border-color: transparent; background: transparent; padding-inline: .5rem; }
button.danger { color: var(--_danger); } button:disabled, button[aria-disabled=true] { opacity: .6; cursor: progress; }
button.icon { width: 44px; padding: 0; font-size: 1.1rem; line-height: 1; }
label { display: block; font-weight: 600; margin: .75rem 0 .25rem; }
label.choice { font-weight: 400; display: flex; gap: .6rem; align-items: center; min-height: 44px; margin: 0; }
input, select, textarea { font: inherit; max-width: 100%; min-height: 44px; color: inherit; }
input:not([type]), input[type=text], input[type=date], input[type=search], select, textarea { width: 100%; padding: .5rem .75rem;
  border: 1px solid var(--_field); border-radius: 10px; background: var(--_bg); color: var(--_text); }
input[type=checkbox], input[type=radio] { width: 1.25rem; height: 1.25rem; min-height: 0; margin: 0;
  accent-color: var(--_primary); flex: none; }
input[aria-invalid=true], textarea[aria-invalid=true] { border-color: var(--_danger); box-shadow: 0 0 0 1px var(--_danger); }
input[type=file]::file-selector-button { font: inherit; font-weight: 600; margin-inline-end: .75rem; min-height: 36px;
  padding: .3rem 1rem; cursor: pointer; border: 1px solid var(--_primary); border-radius: 10px; background: transparent;
  color: var(--_primary); }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
progress { width: 100%; height: .5rem; accent-color: var(--_primary); }
blockquote { margin: .75rem 0; padding: .75rem 1rem; text-align: start; white-space: pre-wrap;
  border-inline-start: 4px solid var(--_primary); border-radius: 0 10px 10px 0; background: var(--_tint); }
.bar { height: 14px; border-radius: 7px; overflow: hidden; margin: 1rem 0;
  background: color-mix(in srgb, var(--_text) 14%, transparent); }
.fill { height: 100%; width: 0; border-radius: inherit; transition: width .5s ease;
  background: linear-gradient(90deg, var(--_primary), var(--_accent)); }
.badge { display: inline-flex; gap: .35rem; align-items: center; padding: .1rem .6rem; border-radius: 99px;
  border: 1px solid var(--_border); font-size: .85rem; color: var(--_muted); }
video { background: #000; border-radius: 12px; display: block; max-width: 100%; }
details > summary { cursor: pointer; min-height: 32px; color: var(--_muted); }
details code { font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; }
dialog { background: var(--_bg); color: var(--_text); border: 1px solid var(--_border);
  border-radius: var(--_radius); padding: 1.25rem; width: min(32rem, 92vw); }
dialog::backdrop { background: rgb(0 0 0 / .8); }
.live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { *, *::before { animation: none !important; transition: none !important; } }
`;

/** @type {Map<string, CSSStyleSheet>} */
const sheets = new Map();

/** @param {string} css */
export const sheet = (css) => {
  const known = sheets.get(css);
  if (known) return known;
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  sheets.set(css, made);
  return made;
};

/**
 * Create an element; text is never parsed as HTML.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{on?: Record<string, (event: any) => void>, [attribute: string]: unknown}} [given]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const h = (tag, given = {}, ...children) => {
  const { on = {}, ...rest } = given;
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(rest)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, String(value));
  }
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
};

// What end users read of an error, by its code; everything else is the operator's business.
/** @type {Record<string, keyof Strings>} */
const FOR_USERS = {
  network: "error_network",
  not_authenticated: "error_sign_in",
  media_rejected: "error_media",
  consent_required: "error_consent",
  moderation_refused: "error_moderation",
  refused: "error_refused",
  conflict: "error_conflict",
  illegal_transition: "error_conflict",
  not_found: "error_gone",
  allowance_exceeded: "error_full",
  too_large: "error_full",
  rate_limited: "error_busy",
  unavailable: "error_busy",
  not_sent: "error_busy",
  provider_busy: "error_busy",
  server_busy: "error_busy",
  storage_error: "error_busy",
  storage_unavailable: "error_busy",
};

/**
 * Text of an error for end users: its name in the table of texts.
 * @param {{type?: string | null, code?: string, status?: number}} error of a record, or of the API
 * @returns {keyof Strings}
 */
export const explained = ({ type, code, status }) => {
  if (status === 401) return "error_sign_in";
  const word = code || (type ?? "").replace(/(?!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase(); // MediaRejected: media_rejected
  return FOR_USERS[word] ?? "error_operator";
};

/** True if a button waits for what it began. @param {HTMLElement} button */
export const busy = (button) => button.ariaDisabled === "true";

/** Let a button wait, or end that; unlike a disabled one it keeps the focus. @param {HTMLElement} button @param {boolean} on */
export const wait = (button, on) => {
  button.ariaDisabled = on ? "true" : null;
};

/**
 * Redraw a list without losing the focus: what stands in its place gets it, or else the first of its row.
 * @param {ShadowRoot} root
 * @param {() => void} draw
 * @param {HTMLElement} [last] what gets it if the row has nothing
 */
export const redraw = (root, draw, last) => {
  const before = /** @type {HTMLElement | null} */ (root.activeElement);
  const row = before?.closest("[data-id]")?.getAttribute("data-id");
  draw();
  if (!before || !row || root.activeElement === before) return;
  const places = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(`[data-id="${CSS.escape(row)}"] :is(a, button)`)]);
  (places.find(({ ariaLabel }) => ariaLabel === before.ariaLabel) ?? places[0] ?? last)?.focus({ preventScroll: true });
};

/** @param {unknown} one @param {unknown} other */
const equal = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/**
 * Base of the elements.
 *
 * @fires avatar-unauthorized the user is signed out, or the token has expired
 */
export class AvatarElement extends Base {
  /** @type {string[]} */
  static observedAttributes = ["src", "strings", "lang", "audience"];
  /** Default texts of all elements; an element's own `strings` override them. */
  static strings = STRINGS;
  /** Properties that may be set before the element's script has loaded. */
  static properties = ["src", "token", "getToken", "strings", "lang", "audience"];
  static style = "";

  /** @type {Partial<Strings>} */
  #strings = {};
  /** @type {string | null} */
  #token = null;
  /** @type {(() => string | null | Promise<string | null>) | null} */
  #getToken = null;
  /** @type {Client | null} */
  #client = null;
  #announced = "";
  #spoken = ""; // language of the texts that are shown
  #ready = false; // connected, and its properties are read

  constructor() {
    super();
    const own = /** @type {typeof AvatarElement} */ (this.constructor);
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet(STYLE), sheet(own.style)];
  }

  /** @returns {ShadowRoot} */
  get root() {
    return /** @type {ShadowRoot} */ (this.shadowRoot);
  }

  /** Address of the API; by default the folder of the page. */
  get src() {
    return this.getAttribute("src");
  }

  set src(value) {
    this.reflect("src", value);
  }

  /** "operator" shows errors in full and decisions about payments; by default they are folded away. */
  get audience() {
    return this.getAttribute("audience");
  }

  set audience(value) {
    this.reflect("audience", value);
  }

  /** Bearer token of further requests; without one the browser's cookie is sent. */
  get token() {
    return this.#token;
  }

  set token(value) {
    const given = value ?? null;
    if (given === this.#token) return;
    this.#token = given;
    if (this.#client) this.#client.token = given;
    this.tokenChanged();
  }

  /** Function that returns a token; it is asked at the first request, and again after a 401. */
  get getToken() {
    return this.#getToken;
  }

  set getToken(value) {
    this.#getToken = value ?? null;
    if (this.#client) this.#client.getToken = this.#getToken;
    else this.tokenChanged();
  }

  /** Texts of this element, by the names of `strings`. */
  get strings() {
    return this.#strings;
  }

  set strings(value) {
    const given = value ?? {};
    if (equal(given, this.#strings)) return;
    this.#strings = given;
    if (this.#ready) this.restart();
  }

  /** HTTP client of the element. */
  get api() {
    this.#client ??= new Client(this.src || "./", this.#token, this.#getToken);
    return this.#client;
  }

  connectedCallback() {
    for (const name of /** @type {typeof AvatarElement} */ (this.constructor).properties) this.#upgrade(name);
    this.#ready = true;
    this.#begin();
  }

  disconnectedCallback() {
    this.#ready = false;
    this.stop();
  }

  /** @param {string} name @param {string | null} old @param {string | null} value */
  attributeChangedCallback(name, old, value) {
    if (old === value) return;
    if (name === "strings") {
      try {
        this.#strings = JSON.parse(value ?? "{}") ?? {};
      } catch {
        this.#strings = {};
      }
    }
    if (name === "src") this.#client = null;
    if (name === "lang" && this.language === this.#spoken) return;
    if (this.#ready) this.#begin();
  }

  /** Draw the element, and do what it does, from the beginning. */
  restart() {}

  /** End what runs. */
  stop() {}

  /** Note that the token changed. */
  tokenChanged() {}

  /** Read a property that was set before the element's script has loaded. @param {string} name */
  #upgrade(name) {
    if (!Object.hasOwn(this, name)) return;
    const own = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (this));
    const value = own[name];
    delete own[name];
    own[name] = value;
  }

  /** Language of the texts: of the element, or of what it is in. @returns {string} */
  get language() {
    return /** @type {HTMLElement | null} */ (this.closest("[lang]"))?.lang || "en";
  }

  #begin() {
    const tag = (this.#spoken = this.language);
    if (loaded(tag)) return this.restart();
    language(tag).then(() => this.#ready && this.restart());
  }

  /** Set an attribute; null and undefined remove it. @param {string} name @param {unknown} value */
  reflect(name, value) {
    if (value == null) this.removeAttribute(name);
    else this.setAttribute(name, String(value));
  }

  /**
   * Text of that name, in the element's words or language.
   * @param {keyof Strings | (string & {})} name
   * @param {Record<string, unknown>} [values]
   */
  say(name, values = {}) {
    const key = /** @type {keyof Strings} */ (name);
    const changed = STRINGS[key] !== EN[key] ? STRINGS[key] : undefined;
    const text = this.#strings[key] ?? changed ?? loaded(this.language)?.[key] ?? STRINGS[key] ?? name;
    return text.replace(/\{(\w+)\}/g, (all, part) => String(values[part] ?? all));
  }

  /** Direction of the element's language. @returns {"ltr" | "rtl"} */
  get direction() {
    return direction(this.language);
  }

  /** True if a text of that name exists. @param {string} name */
  has(name) {
    return name in STRINGS || name in this.#strings;
  }

  /** @param {string} name */
  find(name) {
    return /** @type {HTMLElement} */ (this.root.querySelector(`[part~="${name}"]`));
  }

  /** Set the text of a part; an empty one hides it. @param {string} name @param {string} text */
  fill(name, text) {
    const part = this.find(name);
    if (part.textContent !== text) part.textContent = text;
    part.hidden = !text;
  }

  /**
   * Show an error in a part: the user's text, and the server's own words folded away.
   * @param {HTMLElement} place
   * @param {Problem & {status?: number} | null} error
   * @param {keyof Strings} [frame] a text with {message}
   */
  tell(place, error, frame) {
    place.hidden = !error;
    if (!error) return place.replaceChildren();
    if (error instanceof ApiError && error.status === 401) this.emit("avatar-unauthorized", error);
    const known = this.say(explained(error));
    const message = this.audience === "operator" && error.message ? error.message : known;
    const text = frame ? this.say(frame, { message }) : message;
    const folded = message !== error.message && explained(error) !== "error_network" && error.status !== 401;
    place.replaceChildren(h("span", {}, text), ...(folded && error.message ? [this.folded(error.message)] : []));
  }

  /** Details for operators. @param {string} message */
  folded(message) {
    return h("details", { class: "small" }, h("summary", {}, this.say("for_operators")), h("code", {}, message));
  }

  /** Announce a text to screen readers, once. @param {string} text */
  announce(text) {
    const live = this.root.querySelector(".live");
    if (!live || text === this.#announced) return;
    this.#announced = text;
    live.textContent = text;
  }

  /** Forget what was announced. */
  hushed() {
    this.#announced = "";
  }

  /** @param {string} name @param {unknown} [detail] */
  emit(name, detail) {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  /**
   * Ask before something that cannot be undone.
   * @param {{title: string, text: string, yes: string}} asked
   * @returns {Promise<boolean>}
   */
  sure({ title, text, yes }) {
    const before = /** @type {HTMLElement | null} */ (this.root.activeElement);
    return new Promise((done) => {
      /** @param {string} label @param {string} value @param {string} kind */
      const button = (label, value, kind) =>
        h("button", { type: "button", class: kind, part: "choice", on: { click: () => dialog.close(value) } }, label);
      const dialog = h("dialog", { part: "modal", "aria-labelledby": "sure-title" },
        h("h2", { id: "sure-title" }, title), h("p", {}, text),
        h("div", { class: "row" }, button(this.say("keep"), "no", ""), button(yes, "yes", "danger")));
      dialog.addEventListener("close", () => {
        dialog.remove();
        before?.focus();
        done(dialog.returnValue === "yes");
      });
      this.root.append(dialog);
      dialog.showModal();
    });
  }
}

/** Define an element, unless there is one. @param {string} name @param {CustomElementConstructor} made */
export const define = (name, made) => {
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, made);
};
