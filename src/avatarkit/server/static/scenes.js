// The scenes of a script: a text each, their order, and what each of them has of its own.

import { h } from "./element.js";
import { extend } from "./scenes-strings.js";

/**
 * @typedef {import("./client.js").ApiError} ApiError
 * @typedef {import("./client.js").StockEntry} StockEntry
 * @typedef {import("./client.js").SceneSupport} SceneSupport
 * @typedef {{provider: string, id: string, name: string}} Stock
 * @typedef {{text: string, avatar?: Stock, voice?: Stock, background?: string, layout?: string}} Scene
 */

export const MOST = 50;

export const STYLE = `
.scenes { margin-bottom: .5rem; } .scenes > li + li { margin-top: 1rem; }
.scene { border: 1px solid var(--_border); border-radius: 14px; padding: .5rem 1rem 1rem; }
.scene > .row > h3 { flex: 1 1 6rem; margin: 0; }
.scene textarea { min-height: 5.5rem; }
.scene .two { align-items: end; grid-template-columns: repeat(auto-fit, minmax(min(100%, 8.5rem), 1fr)); } .scene .two button { justify-content: start; width: 100%; }
.scene .colour { display: flex; gap: .5rem; align-items: center; }
.stock { max-height: 50vh; overflow-y: auto; display: grid; gap: .25rem; margin-block: .75rem; }
.stock button { justify-content: start; text-align: start; width: 100%; }
`;

/** The list of scenes of <avatar-speak>. */
export class Scenes {
  /** @type {Scene[]} */
  list = [{ text: "" }];
  /** What the stack makes of scenes; null: no scenes. @type {SceneSupport | null} */
  support = null;
  /** True if the stack takes colours as backgrounds. */
  colours = false;

  /**
   * @param {import("./element.js").AvatarElement} host
   * @param {() => void} changed
   * @param {number} limit characters of a text
   */
  constructor(host, changed, limit) {
    this.host = host;
    this.changed = changed;
    this.limit = limit;
    this.place = h("ol", { class: "scenes", part: "scenes" });
    this.add = h("button", { type: "button", class: "quiet", part: "add-scene", hidden: true, on: { click: () => this.#add() } }, `+ ${host.say("scene_add")}`);
  }

  /** Add the texts of scenes. @param {string} language */
  static extend(language) {
    extend(language);
  }

  get several() {
    return this.list.length > 1;
  }

  /** All texts. */
  get text() {
    return this.list.map(({ text }) => text.trim()).filter(Boolean).join("\n\n");
  }

  /** Script or scenes, as the API takes them. */
  get body() {
    if (!this.several) return { text: this.list[0].text.trim() };
    const stock = (/** @type {Stock | undefined} */ one) => one && { provider: one.provider, id: one.id };
    return { scenes: this.list.map(({ text, avatar, voice, background, layout }) => ({ text: text.trim(), avatar: stock(avatar), voice: stock(voice), background, layout })) };
  }

  /** Position of the first scene without a text; -1 if all have one. */
  get empty() {
    return this.list.findIndex(({ text }) => !text.trim());
  }

  /** Offer what a stack makes; without scenes, the texts become one. @param {SceneSupport | null} support @param {boolean} colours */
  offer(support, colours) {
    this.support = support;
    this.colours = colours;
    if (!support && this.several) this.list = [{ text: this.text }];
    this.draw();
  }

  /** Begin with no text. */
  clear() {
    this.list = [{ text: "" }];
    this.draw();
  }

  /** @param {number} n */
  field(n) {
    return /** @type {HTMLTextAreaElement} */ (this.place.children[n].querySelector("textarea"));
  }

  draw() {
    this.place.replaceChildren(...this.list.map((scene, n) => h("li", {}, this.several ? this.#card(scene, n) : this.#plain(scene))));
    this.add.hidden = !this.support || this.list.length >= MOST;
  }

  /** @param {Scene} scene @param {number} n @param {string} name */
  #area(scene, n, name) {
    const text = h("textarea", { id: n ? `script-${n + 1}` : "script", part: "script", dir: "auto", maxlength: this.limit, placeholder: this.host.say("speak_hint"),
      "aria-label": this.several ? name : null, "aria-describedby": "figures problem", on: { input: () => {
        scene.text = text.value;
        text.removeAttribute("aria-invalid");
        this.changed();
      } } });
    text.value = scene.text;
    return text;
  }

  /** @param {Scene} scene */
  #plain(scene) {
    const s = this.host.say("script");
    return h("div", {}, h("label", { for: "script" }, s), this.#area(scene, 0, s));
  }

  /** @param {Scene} scene @param {number} n */
  #card(scene, n) {
    const name = this.host.say("scene", { n: n + 1 });
    const act = (/** @type {string} */ label, /** @type {string} */ sign, /** @type {() => void} */ on) =>
      h("button", { type: "button", class: "icon quiet", "data-act": label, "aria-label": `${this.host.say(label)}: ${name}`, title: this.host.say(label), on: { click: on } }, sign);
    return h("section", { class: "scene", part: "scene", "aria-label": name },
      h("div", { class: "row" }, h("h3", {}, name),
        n > 0 && act("scene_up", "↑", () => this.#move(n, -1)),
        n < this.list.length - 1 && act("scene_down", "↓", () => this.#move(n, 1)),
        act("dismiss", "✕", () => this.#remove(n))),
      this.#area(scene, n, name),
      h("div", { class: "two" }, ...this.#own(scene, n)));
  }

  /** Fields of what a scene may have of its own. @param {Scene} scene @param {number} n */
  #own(scene, n) {
    const { avatars = null, voices = null, layouts = [] } = this.support ?? {};
    const labelled = (/** @type {string} */ label, /** @type {HTMLElement} */ field, more = field) =>
      h("div", {}, h("label", { for: field.id }, label), more);
    /** @param {"avatar" | "voice"} kind @param {string | null} provider @param {string} label */
    const stock = (kind, provider, label) => {
      if (!provider) return null;
      const chosen = h("span", {}, scene[kind]?.name ?? this.host.say("scene_own"));
      const button = h("button", { type: "button", id: `${kind}-${n}`, "aria-label": `${label}: ${chosen.textContent}`, on: { click: async () => {
        const entry = await this.#pick(kind, provider);
        if (entry === undefined) return;
        if (entry) scene[kind] = entry;
        else delete scene[kind];
        this.#redrawn(n, `#${kind}-${n}`);
      } } }, chosen);
      return labelled(label, button);
    };
    return [stock("avatar", avatars, this.host.say("avatar")), stock("voice", voices, this.host.say("ready_voice")), this.#layout(scene, n, layouts, labelled), this.#background(scene, n, labelled)];
  }

  /** @param {Scene} scene @param {number} n @param {string[]} layouts @param {(label: string, field: HTMLElement) => HTMLElement} labelled */
  #layout(scene, n, layouts, labelled) {
    if (!layouts.length) return null;
    const option = (/** @type {string} */ value, /** @type {string} */ text) => h("option", { value, selected: value === (scene.layout ?? "") }, text);
    const field = h("select", { id: `layout-${n}`, on: { change: () => {
      scene.layout = field.value || undefined;
      this.changed();
    } } }, option("", this.host.say("set_default")), ...layouts.map((name) => option(name, this.host.say(`layout_${name}`))));
    return labelled(this.host.say("scene_layout"), field);
  }

  /** @param {Scene} scene @param {number} n @param {(label: string, field: HTMLElement, more: HTMLElement) => HTMLElement} labelled */
  #background(scene, n, labelled) {
    if (!this.colours) return null;
    const reset = h("button", { type: "button", class: "quiet", hidden: !scene.background, on: { click: () => {
      delete scene.background;
      this.#redrawn(n, `#background-${n}`);
    } } }, this.host.say("set_default"));
    const field = h("input", { id: `background-${n}`, type: "color", value: scene.background ?? "#ffffff", on: { input: () => {
      scene.background = field.value;
      reset.hidden = false;
      this.changed();
    } } });
    return labelled(this.host.say("set_background"), field, h("span", { class: "colour" }, field, reset));
  }

  /** Draw again, and focus a field of a scene. @param {number} n @param {string} field */
  #redrawn(n, field) {
    this.changed();
    this.draw();
    /** @type {HTMLElement | null} */ (this.place.children[n]?.querySelector(field))?.focus();
  }

  #add() {
    this.list.push({ text: "" });
    this.#redrawn(this.list.length - 1, "textarea");
  }

  /** @param {number} n @param {number} by */
  #move(n, by) {
    const to = n + by;
    this.list.splice(to, 0, ...this.list.splice(n, 1));
    const wanted = by < 0 ? "scene_up" : "scene_down";
    const end = to === 0 || to === this.list.length - 1;
    this.#redrawn(to, `[data-act=${end ? (by < 0 ? "scene_down" : "scene_up") : wanted}]`);
    this.host.announce(this.host.say("scene_moved", { n: to + 1, of: this.list.length }));
  }

  /** @param {number} n */
  #remove(n) {
    this.list.splice(n, 1);
    this.#redrawn(Math.max(0, n - 1), "textarea");
    this.host.hushed();
    this.host.announce(this.host.say("scene_removed"));
  }

  /**
   * Let the user choose from a provider's stock; null is their own, undefined nothing.
   * @param {"avatar" | "voice"} kind
   * @param {string} provider
   * @returns {Promise<Stock | null | undefined>}
   */
  #pick(kind, provider) {
    const before = /** @type {HTMLElement | null} */ (this.host.root.activeElement);
    /** @type {Stock | null | undefined} */
    let chosen;
    /** @type {string | null} */
    let cursor = null;
    let asked = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const list = h("div", { class: "stock", part: "stock" });
    const none = h("p", { class: "muted", role: "status", hidden: true }, this.host.say("stock_none"));
    const problem = h("div", { class: "alert", role: "alert", hidden: true });
    const more = h("button", { type: "button", class: "quiet", hidden: true, on: { click: () => load(true) } }, this.host.say("older"));
    const search = h("input", { type: "search", "aria-label": this.host.say("search"), placeholder: this.host.say("search"), on: { input: () => {
      clearTimeout(timer);
      timer = setTimeout(() => load(false), 300);
    } } });
    const choose = (/** @type {Stock | null} */ entry, /** @type {string} */ text) =>
      h("button", { type: "button", on: { click: () => ((chosen = entry), dialog.close()) } }, text);
    const load = async (/** @type {boolean} */ further) => {
      const number = ++asked;
      this.host.tell(problem, null);
      try {
        const page = await this.host.api.stock(provider, kind, { query: search.value.trim(), cursor: further ? cursor : null });
        if (number !== asked) return;
        if (!further) list.replaceChildren(choose(null, this.host.say("scene_own")));
        list.append(...page.items.map((entry) => choose({ provider, id: entry.id, name: entry.name }, [entry.name, entry.gender, ...entry.languages.slice(0, 3)].filter(Boolean).join(" · "))));
        none.hidden = list.children.length > 1;
        cursor = page.cursor;
        more.hidden = !cursor;
      } catch (error) {
        if (number === asked) this.host.tell(problem, /** @type {ApiError} */ (error));
      }
    };
    const title = this.host.say(`stock_${kind}`);
    const dialog = h("dialog", { part: "modal", dir: this.host.direction, "aria-label": title },
      h("h2", {}, title), search, problem, list, none, more,
      h("div", { class: "row" }, h("button", { type: "button", on: { click: () => dialog.close() } }, this.host.say("cancel"))));
    this.host.root.append(dialog);
    dialog.showModal();
    load(false);
    return new Promise((done) => dialog.addEventListener("close", () => {
      clearTimeout(timer);
      dialog.remove();
      before?.focus();
      done(chosen);
    }));
  }
}
