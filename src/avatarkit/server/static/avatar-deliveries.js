// Web component <avatar-deliveries src>: webhook deliveries of all users, for operators.

import { pause } from "./client.js";
import { AvatarElement, busy, define, h, redraw, wait } from "./element.js";
import { extend } from "./operations-strings.js";
import { TABLE, head, row } from "./table.js";

/** @typedef {import("./client.js").ApiError} ApiError */
/**
 * @typedef {{id: string, training_id: string | null, name: string, status: string, own: boolean}} DeliveredTo
 * @typedef {{provider: string, event_id: string, event_type: string, record: DeliveredTo | null, signed: boolean,
 *   outcome: string, received_at: number}} Entry
 */

const LIVE = 5000; // milliseconds between two looks for new deliveries
const LIMIT = 25; // entries of a page
const PAGES = 10; // read at most for a search
const OUTCOMES = ["applied", "poll_triggered", "received", "unmatched", "expired", "ignored"];
const COLOURS = { applied: "good", poll_triggered: "good", unmatched: "warning", expired: "error" };

const STYLE = `${TABLE}
.tools { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; } .tools h2 { flex: 1 1 auto; margin: 0; }
.tools input, .tools select { width: min(14rem, 100%); flex: 1 1 10rem; }
a { color: var(--_primary); } pre { max-height: 60vh; overflow: auto; font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; direction: ltr; text-align: left; }
td .row { gap: 0; } td button { min-height: 36px; padding: .1rem .5rem; } dialog { width: min(48rem, 94vw); }
`;

const key = (/** @type {Entry} */ { provider, event_id }) => `${provider}:${event_id}`;

/**
 * Webhook deliveries of all users, newest first, as they arrive.
 *
 * @element avatar-deliveries
 * @attr search avatar, video or event that is searched for at first
 */
export class AvatarDeliveries extends AvatarElement {
  static style = STYLE;

  /** @type {string | null} */
  #cursor = null;
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {string[]} */
  #columns = [];
  /** @type {AbortController | null} */
  #running = null;
  #drawn = ""; // entries that are shown

  stop() {
    this.#running?.abort();
    this.#running = null;
  }

  tokenChanged() {
    if (this.isConnected && this.#running) this.restart();
  }

  restart() {
    this.stop();
    this.#drawn = "";
    extend(this.language);
    this.#columns = ["received", "record", "provider", "event", "signed", "outcome", "actions"].map((name) => this.say(`delivery_${name}`));
    const search = h("input", { type: "search", id: "search", placeholder: this.say("delivery_search"), "aria-label": this.say("delivery_search"), value: this.getAttribute("search"),
      on: { input: () => this.#search() } });
    const select = (/** @type {string} */ id, /** @type {string[]} */ values, /** @type {(value: string) => string} */ shown) =>
      h("select", { id, "aria-label": this.say(`delivery_${id}`), on: { change: () => this.load() } },
        h("option", { value: "" }, `${this.say(`delivery_${id}`)}: ${this.say("filter_all")}`), ...values.map((value) => h("option", { value }, shown(value))));
    this.root.replaceChildren(
      h("section", { class: "card", part: "card", dir: this.direction, "aria-labelledby": "title" },
        h("div", { class: "tools" }, h("h2", { id: "title" }, this.say("deliveries_title")), h("span", { class: "badge", part: "live", hidden: true })),
        h("p", { class: "muted" }, this.say("deliveries_about")),
        h("div", { class: "tools" }, search, select("provider", [], String), select("outcome", OUTCOMES, (value) => this.say(`outcome_${value}`))),
        h("div", { class: "alert", part: "problem", role: "alert", hidden: true }),
        h("div", { class: "table", role: "group", "aria-label": this.say("deliveries_title"), tabindex: 0, part: "table", hidden: true },
          h("table", {}, head(this.#columns), h("tbody", { part: "entries" }))),
        h("p", { class: "muted", part: "none", hidden: true }, this.say("deliveries_none")),
        h("button", { type: "button", class: "quiet", part: "more", hidden: true, on: { click: () => this.#page(true) } }, this.say("older"))),
      h("p", { class: "live", "aria-live": "polite" }),
    );
    this.load();
    this.#providers();
  }

  /** Load the newest deliveries, and what arrives from now on. */
  async load() {
    this.stop();
    this.#running = new AbortController();
    this.#entries.clear();
    this.#cursor = null;
    const { signal } = this.#running;
    if (!(await this.#page(true))) return;
    await this.#search();
    this.#follow(signal);
  }

  /** @param {string} id */
  #field(id) {
    return /** @type {HTMLInputElement} */ (this.root.getElementById(id));
  }

  /** Offer the providers that are set up here. */
  async #providers() {
    const stacks = await this.api.stacks().catch(() => []);
    this.#offer(stacks.filter(({ ready }) => ready).flatMap(({ stack }) => stack.split(/[+,=]/)).filter((name) => !/^(voice|avatar|video|speech)$/.test(name)));
  }

  /** @param {string[]} names */
  #offer(names) {
    const field = /** @type {HTMLSelectElement} */ (this.root.getElementById("provider"));
    const known = new Set([...field.options].map(({ value }) => value));
    field.append(...[...new Set(names)].filter((name) => !known.has(name)).map((value) => h("option", { value }, value)));
  }

  /** Read a page, the next or the newest one; false if that failed. @param {boolean} further @param {boolean} [quiet] */
  async #page(further, quiet = false) {
    const running = this.#running;
    const asked = new URLSearchParams({ limit: `${LIMIT}` });
    for (const name of ["provider", "outcome"]) if (this.#field(name).value) asked.set(name, this.#field(name).value);
    if (further && this.#cursor) asked.set("cursor", this.#cursor);
    try {
      const { data, cursor } = await this.api.get(`operator/deliveries?${asked}`, { signal: running?.signal });
      if (running !== this.#running) return false;
      if (quiet && data.length === LIMIT && !data.some((/** @type {Entry} */ entry) => this.#entries.has(key(entry)))) {
        this.#entries.clear(); // more have arrived than a page holds
        this.#cursor = cursor;
      }
      if (further) this.#cursor = cursor;
      for (const entry of data) this.#entries.set(key(entry), entry);
      this.#offer(data.map((/** @type {Entry} */ { provider }) => provider));
      this.tell(this.find("problem"), null);
      this.#live(true);
    } catch (error) {
      if (running !== this.#running) return false;
      const { code, status = 0 } = /** @type {ApiError} */ (error);
      const away = quiet && (!status || status === 429 || status >= 500);
      if (code === "operators_only") this.fill("problem", this.say("ops_refused"));
      else if (away) this.#live(false);
      else this.tell(this.find("problem"), /** @type {ApiError} */ (error));
      return away;
    }
    this.#show();
    return true;
  }

  /** @param {boolean} on */
  #live(on) {
    this.fill("live", on ? `● ${this.say("delivery_live")}` : this.say("lost"));
  }

  /** Look for new deliveries while the page is seen. @param {AbortSignal} signal */
  async #follow(signal) {
    for (;;) {
      await pause(LIVE, signal);
      if (signal.aborted) return;
      if (document.visibilityState === "visible") await this.#page(false, true);
    }
  }

  /** Show what matches; older pages are read until something does. */
  async #search() {
    this.#show();
    const running = this.#running;
    for (let n = 0; n < PAGES && this.#cursor && !this.#shown.length && running === this.#running; n++) {
      if (!(await this.#page(true))) return;
    }
  }

  get #shown() {
    const asked = this.#field("search").value.trim().toLowerCase();
    const all = [...this.#entries.values()].sort((one, other) => other.received_at - one.received_at);
    return all.filter(({ event_type: event, event_id: id, record }) =>
      [event, id, record?.name, record?.id, record?.training_id].some((text) => text?.toLowerCase().includes(asked)));
  }

  #show() {
    const shown = this.#shown;
    const drawn = JSON.stringify(shown);
    if (drawn !== this.#drawn) redraw(this.root, () => this.find("entries").replaceChildren(...shown.map((entry) => this.#row(entry))));
    this.#drawn = drawn;
    this.find("table").hidden = !shown.length;
    this.find("none").hidden = shown.length > 0;
    this.fill("none", shown.length ? "" : this.say(this.#entries.size ? "deliveries_nothing" : "deliveries_none"));
    this.find("more").hidden = !this.#cursor;
  }

  /** @param {Entry} entry */
  #row(entry) {
    const { received_at: at, record, provider, event_type: event, signed, outcome } = entry;
    const about = record?.name || record?.id.slice(0, 8) || "";
    const act = (/** @type {string} */ name, /** @type {(button: HTMLElement) => void} */ on) => {
      const label = this.say(name);
      const button = h("button", { type: "button", class: "quiet", "aria-label": `${label}: ${event}, ${about || provider}`, on: { click: () => on(button) } }, label);
      return button;
    };
    const made = row(this.#columns, [
      new Date(at * 1000).toLocaleString(this.language),
      !record ? h("span", { class: "muted" }, this.say("delivery_gone"))
        : record.own && record.training_id ? h("a", { href: `#avatar/${encodeURIComponent(record.training_id)}`, title: record.id }, about) : h("span", { title: record.id }, about),
      provider,
      event,
      this.say(signed ? "yes" : "no"),
      h("span", { class: COLOURS[/** @type {"applied"} */ (outcome)] ?? "muted" }, this.say(`outcome_${outcome}`)),
      h("div", { class: "row" }, act("delivery_payload", () => this.#payload(entry)), act("delivery_replay", (button) => this.#replay(entry, button))),
    ]);
    made.dataset.id = key(entry);
    return made;
  }

  /** @param {Entry} entry */
  async #payload({ provider, event_id, event_type }) {
    const before = /** @type {HTMLElement | null} */ (this.root.activeElement);
    try {
      const { payload } = await this.api.get(`operator/payload?${new URLSearchParams({ provider, event_id })}`);
      const dialog = h("dialog", { part: "modal", dir: this.direction, "aria-labelledby": "payload-title" },
        h("h2", { id: "payload-title" }, event_type),
        h("pre", { tabindex: 0, role: "group", "aria-label": this.say("delivery_payload") }, payload),
        h("p", { class: "muted small" }, this.say("payload_about")),
        h("div", { class: "row" }, h("button", { type: "button", on: { click: () => dialog.close() } }, this.say("close"))));
      dialog.addEventListener("close", () => {
        dialog.remove();
        before?.focus();
      });
      this.root.append(dialog);
      dialog.showModal();
    } catch (error) {
      this.tell(this.find("problem"), /** @type {ApiError} */ (error));
    }
  }

  /** Apply a delivery again. @param {Entry} entry @param {HTMLElement} button */
  async #replay({ provider, event_id }, button) {
    if (busy(button)) return;
    wait(button, true);
    this.tell(this.find("problem"), null);
    try {
      const entry = await this.api.post("operator/replays", { provider, event_id });
      this.#entries.set(key(entry), entry);
      this.#show();
      const text = this.say("delivery_replayed", { outcome: this.say(`outcome_${entry.outcome}`) });
      this.hushed();
      this.announce(text);
      this.emit("avatar-notice", text);
    } catch (error) {
      this.tell(this.find("problem"), /** @type {ApiError} */ (error));
    }
    wait(button, false);
  }
}

define("avatar-deliveries", AvatarDeliveries);
