// Web component <avatar-list src>: the avatars of a user, as a grid with search and filter.

import { FINAL } from "./client.js";
import { AvatarElement, define, h, redraw } from "./element.js";

/**
 * @typedef {import("./client.js").RecordAnswer} RecordAnswer
 * @typedef {import("./client.js").ApiError} ApiError
 */

const FILTERS = { all: "", running: "training", completed: "completed", action: "action_required", failed: "failed" };

const STYLE = `
.tools { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin-bottom: 1rem; }
.tools h2 { flex: 1 1 auto; margin: 0; font-size: 1.5rem; } .tools input { width: min(16rem, 100%); } .tools select { width: auto; }
@container (max-width: 31rem) { .tools h2, .tools input { flex: 1 1 100%; width: 100%; } .tools select { flex: 1; } }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); }
.grid > li { content-visibility: auto; contain-intrinsic-size: auto 20rem; }
a.tile { display: block; border: 1px solid var(--_border); border-radius: var(--_radius); overflow: hidden; background: var(--_bg); color: var(--_text);
  text-decoration: none; transition: transform .15s, border-color .15s; height: 100%; }
a.tile:hover { border-color: var(--_primary); transform: translateY(-2px); }
.poster { aspect-ratio: 1; display: grid; place-items: center; background: linear-gradient(145deg, var(--_tint), color-mix(in srgb, var(--_accent) 12%, var(--_bg))); font-size: 4rem; }
.poster img { width: 100%; height: 100%; object-fit: cover; display: block; }
@container (max-width: 31rem) { .poster:not(:has(img)) { aspect-ratio: 2; } }
.about { padding: .75rem 1rem 1rem; display: grid; gap: .3rem; }
.about h3 { margin: 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.chip { justify-self: start; border-radius: 99px; padding: .1rem .65rem; font-size: .85rem; font-weight: 600; background: var(--_tint); color: var(--_text); }
.chip.completed { color: var(--_good); } .chip.failed { color: var(--_danger); } .chip.action_required { color: var(--_warn); }
.bar { height: 8px; margin: .2rem 0 0; }
.empty { display: grid; gap: 1.25rem; justify-items: center; text-align: center; padding: clamp(1.5rem, 6cqi, 4rem) 1rem; }
.empty .icon { font-size: 4.5rem; line-height: 1; } .empty h2 { font-size: 1.7rem; margin: 0; } .empty p { max-width: 34rem; margin: 0; }
.empty .row { justify-content: center; } .empty button.main { min-height: 52px; font-size: 1.1rem; }
`;

/**
 * The avatars of a user, newest first.
 *
 * @element avatar-list
 * @attr example show "Try it with the built-in example" when there are no avatars yet
 * @fires avatar-open an avatar was chosen: `detail` is its record; its link goes to `#avatar/ID`
 * @fires avatar-new a new avatar is wanted
 * @fires avatar-example the built-in example is wanted
 */
export class AvatarList extends AvatarElement {
  static observedAttributes = [...super.observedAttributes, "example"];
  static style = STYLE;

  /** @type {AbortController | null} */
  #running = null;
  /** @type {Map<string, RecordAnswer>} */
  #records = new Map();
  /** @type {string | null} */
  #cursor = null;
  /** @type {keyof typeof FILTERS} */
  #filter = "all";
  #search = "";

  stop() {
    this.#running?.abort();
    this.#running = null;
  }

  tokenChanged() {
    if (this.isConnected && this.#running) this.restart();
  }

  restart() {
    this.stop();
    this.#running = new AbortController();
    this.#draw();
    const { signal } = this.#running;
    this.#begin(signal).then(() => this.#follow(signal));
  }

  /** Look for changes now. */
  refresh() {
    return this.#running ? this.#ask(null, this.#running.signal, false) : Promise.resolve();
  }

  #draw() {
    const option = (/** @type {string} */ name) => h("option", { value: name, selected: name === this.#filter }, this.say(`filter_${name}`));
    const search = h("input", { type: "search", id: "search", hidden: true, placeholder: this.say("search"), "aria-label": this.say("search"), value: this.#search,
      on: { input: () => {
        this.#search = search.value.trim().toLowerCase();
        this.#show();
      } } });
    const filter = h("select", { id: "filter", hidden: true, "aria-label": this.say("filter"), on: { change: () => {
      this.#filter = /** @type {keyof typeof FILTERS} */ (filter.value);
      if (this.#running) this.#begin(this.#running.signal);
    } } }, ...Object.keys(FILTERS).map(option));
    const create = (/** @type {string} */ kind) =>
      h("button", { type: "button", class: kind, part: "new", on: { click: () => this.emit("avatar-new") } }, `+ ${this.say("new_avatar")}`);
    this.root.replaceChildren(
      h("section", { dir: this.direction, "aria-labelledby": "title" },
        h("div", { class: "tools", part: "tools" }, h("h2", { id: "title" }, this.say("avatars")), search, filter, create("main")),
        h("div", { class: "alert", part: "problem", role: "alert", hidden: true }),
        h("p", { class: "muted", part: "none", hidden: true }, this.say("none_found")),
        h("div", { class: "card empty", part: "empty", hidden: true },
          h("div", { class: "icon", "aria-hidden": "true" }, "🎭"),
          h("h2", {}, this.say("empty_title")),
          h("p", { class: "muted" }, this.say("empty_about")),
          h("div", { class: "row" }, create("main"),
            this.hasAttribute("example") && h("button", { type: "button", part: "example", on: { click: () => this.emit("avatar-example") } }, `✨ ${this.say("try_example")}`))),
        h("ul", { class: "grid", part: "grid" }),
        h("button", { type: "button", class: "quiet", part: "more", hidden: true, on: { click: () => this.#running && this.#page(this.#running.signal) } }, this.say("older"))),
    );
  }

  /** @param {AbortSignal} signal */
  async #begin(signal) {
    this.#records.clear();
    this.#cursor = null;
    this.find("grid").replaceChildren();
    await this.#page(signal);
  }

  /** @param {AbortSignal} signal */
  async #page(signal) {
    await this.#ask(this.#cursor, signal, true);
  }

  /** Hear of all changes by one stream. @param {AbortSignal} signal */
  async #follow(signal) {
    const change = (/** @type {RecordAnswer} */ record) => {
      const known = this.#records.get(record.id);
      if (record.kind !== "training" || (known ? record.version <= known.version : this.#filter !== "all")) return;
      this.#records.set(record.id, record);
      this.#show();
    };
    await this.api.watchAll({ signal, change, again: () => this.refresh() });
  }

  /** @param {string | null} cursor @param {AbortSignal} signal @param {boolean} further */
  async #ask(cursor, signal, further) {
    try {
      const page = await this.api.trainings({ cursor, limit: 48, status: FILTERS[this.#filter] });
      if (signal.aborted) return;
      if (further) this.#cursor = page.cursor;
      for (const record of page.items) this.#records.set(record.id, record);
      this.tell(this.find("problem"), null);
      this.#show();
    } catch (error) {
      if (!signal.aborted) this.tell(this.find("problem"), /** @type {ApiError} */ (error));
    }
  }

  #show() {
    const all = [...this.#records.values()].sort((one, other) => other.created_at - one.created_at);
    const shown = all.filter(({ name, stack }) => !this.#search || `${name} ${stack}`.toLowerCase().includes(this.#search));
    const grid = this.find("grid");
    const there = new Map([...grid.children].map((child) => [/** @type {HTMLElement} */ (child).dataset.id, child]));
    const items = shown.map((record) => {
      const known = /** @type {HTMLElement | undefined} */ (there.get(record.id));
      return known?.dataset.version === String(record.version) ? known : this.#tile(record);
    });
    if (items.length !== grid.children.length || items.some((item, n) => grid.children[n] !== item)) redraw(this.root, () => grid.replaceChildren(...items));
    const empty = !all.length && this.#filter === "all";
    const tools = this.find("tools");
    const focused = tools.contains(this.root.activeElement);
    this.find("empty").hidden = !empty;
    tools.hidden = empty;
    for (const tool of /** @type {NodeListOf<HTMLElement>} */ (tools.querySelectorAll("input, select"))) tool.hidden = empty;
    if (empty && focused) this.find("empty").querySelector("button")?.focus();
    this.find("none").hidden = empty || shown.length > 0;
    this.find("more").hidden = !this.#cursor;
  }

  /** @param {RecordAnswer} record */
  #tile(record) {
    const { id, name, status, progress, links = {}, created_at: created, action } = record;
    const title = name || this.say("avatar");
    const waiting = !!action && !FINAL.includes(status);
    const poster = links.thumbnail && h("img", { src: this.api.url(links.thumbnail), alt: "", loading: "lazy" });
    const bar = h("div", { class: "bar", "aria-hidden": "true" }, h("div", { class: "fill" }));
    /** @type {HTMLElement} */ (bar.firstElementChild).style.width = `${progress}%`;
    const state = waiting ? "action_required" : status;
    const text = this.say(`status_${state}`, { progress });
    const tile = h("a", { class: "tile", part: "tile", href: `#avatar/${encodeURIComponent(id)}`, on: { click: () => this.emit("avatar-open", record) } },
      h("div", { class: "poster" }, poster || "🎭"),
      h("div", { class: "about" }, h("h3", {}, title),
        h("span", { class: `chip ${state}` }, text),
        FINAL.includes(status) || waiting ? null : bar,
        h("span", { class: "muted small" }, new Date(created * 1000).toLocaleDateString(this.language, { dateStyle: "medium" }))));
    return h("li", { "data-id": id, "data-version": record.version }, tile);
  }

  /** Note that a record was deleted. @param {string} id */
  forget(id) {
    this.#records.delete(id);
    this.#show();
  }
}

define("avatar-list", AvatarList);
