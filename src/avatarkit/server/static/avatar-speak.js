// Web component <avatar-speak training-id src>: a script, its price, and the order of a video.

import { AvatarElement, busy, define, h, wait } from "./element.js";
import { LANGUAGES } from "./strings.js";

/** @typedef {import("./client.js").ApiError} ApiError */

const LIMIT = 20_000; // characters of a script
const PER_SECOND = { zh: 4.5, ja: 6.5 }; // spoken characters; other languages: 15
const DRAFT = "avatarkit-script-";

/** Settings of a video that can be chosen, and their values; a stack may take fewer. @type {Record<string, string[]>} */
const CHOICES = {
  aspect: ["16:9", "9:16", "1:1", "4:5", "5:4"],
  resolution: ["360p", "480p", "540p", "720p", "1080p", "1440p", "4k"],
  captions: ["none", "sidecar", "burnt-in"],
  quality: ["draft", "standard", "best"],
};

const STYLE = `
input[type=color] { width: 4rem; padding: .2rem; border: 1px solid var(--_field); border-radius: 10px; background: var(--_bg); }
input[type=range] { width: 100%; accent-color: var(--_primary); }
textarea { min-height: 9rem; resize: vertical; line-height: 1.5; }
.figures { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1rem; min-height: 1.6rem; }
.two { display: grid; gap: 0 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr)); }
details { margin: .75rem 0; }
button.main { min-height: 52px; padding-inline: 2rem; }
`;

/**
 * A script that an avatar speaks, with its expected length and price before the order.
 *
 * @element avatar-speak
 * @attr training-id
 * @attr stack stack of the training, for the price
 * @fires avatar-video a video was ordered: `detail` is its record
 */
export class AvatarSpeak extends AvatarElement {
  static observedAttributes = [...super.observedAttributes, "training-id", "stack"];
  static properties = [...super.properties, "trainingId", "stack"];
  static style = STYLE;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #asked = 0; // number of the last request for a price

  get trainingId() {
    return this.getAttribute("training-id");
  }

  set trainingId(value) {
    this.reflect("training-id", value || null);
  }

  get stack() {
    return this.getAttribute("stack");
  }

  set stack(value) {
    this.reflect("stack", value || null);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  restart() {
    this.stop();
    this.#draw();
    this.#count();
    if (this.stack) this.#offer(this.stack);
  }

  /** Offer the settings that a stack carries out. @param {string} stack */
  async #offer(stack) {
    const stacks = await this.api.stacks().catch(() => []);
    const own = stacks.find((one) => one.stack === stack)?.settings ?? [];
    if (stack !== this.stack) return;
    this.find("settings").replaceChildren(...own.map((setting) => this.#setting(setting)).filter((made) => made !== null));
  }

  /** @param {import("./client.js").Setting} setting */
  #setting({ setting, takes, minimum, maximum }) {
    const id = `set-${setting.replace(".", "-")}`;
    const labelled = (/** @type {string} */ name, /** @type {HTMLElement} */ field) => h("div", {}, h("label", { for: id }, this.say(name)), field);
    if (setting in CHOICES) {
      const values = CHOICES[setting].filter((value) => !takes.length || takes.includes(value));
      const known = `set_${setting}`;
      const options = values.map((value) => h("option", { value }, this.has(`set_${value.replace("-", "_")}`) ? this.say(`set_${value.replace("-", "_")}`) : value));
      return labelled(known, h("select", { id, "data-setting": setting }, h("option", { value: "" }, this.say("set_default")), ...options));
    }
    if (setting === "background" && (!takes.length || takes.includes("color"))) {
      const colour = h("input", { id, type: "color", value: "#ffffff", on: { input: () => (colour.dataset.setting = setting) } });
      return labelled("set_background", colour);
    }
    if (setting === "voice.speed") {
      const [min, max] = [Math.max(minimum ?? 0.25, 0.5), Math.min(maximum ?? 4, 2)];
      const speed = h("input", { id, type: "range", min, max, step: 0.05, value: 1, on: { input: () => (speed.dataset.setting = setting) } });
      return labelled("set_speed", speed);
    }
    return null;
  }

  /** Settings that were chosen, as the API takes them. */
  #chosen() {
    /** @type {Record<string, unknown>} */
    const chosen = {};
    for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (this.root.querySelectorAll("[data-setting]"))) {
      const { setting = "" } = field.dataset;
      if (setting === "voice.speed") chosen.voice = { speed: Number(field.value) };
      else if (field.value) chosen[setting] = field.value;
    }
    return Object.keys(chosen).length ? { settings: chosen } : {};
  }

  get #place() {
    return `${DRAFT}${this.trainingId}`;
  }

  /** @param {string} id */
  #field(id) {
    return /** @type {HTMLTextAreaElement} */ (this.root.getElementById(id));
  }

  #draw() {
    const s = (/** @type {string} */ name) => this.say(name);
    const kept = localStorage.getItem(this.#place) ?? "";
    const languages = Object.entries(LANGUAGES).map(([tag, name]) => h("option", { value: tag }, name));
    const text = h("textarea", { id: "script", part: "script", maxlength: LIMIT, placeholder: s("speak_hint"), "aria-describedby": "figures problem",
      on: { input: () => this.#typed() } });
    text.value = kept;
    this.root.replaceChildren(
      h("form", { class: "card", part: "card", dir: this.direction, novalidate: true, on: { submit: (event) => (event.preventDefault(), this.#order()) } },
        h("h2", {}, s("speak_title")),
        h("label", { for: "script" }, s("script")), text,
        h("div", { class: "figures muted small", id: "figures" }, h("span", { part: "count" }), h("span", { part: "price", role: "status" })),
        h("details", {}, h("summary", {}, s("speak_more")),
          h("div", { class: "two" },
            h("div", {}, h("label", { for: "language" }, s("language")),
              h("select", { id: "language" }, h("option", { value: "" }, s("language_default")), ...languages)),
            h("div", {}, h("label", { for: "title" }, s("video_name")), h("input", { id: "title", autocomplete: "off", maxlength: 200 }))),
          h("div", { class: "two", part: "settings" })),
        h("div", { class: "alert", part: "problem", id: "problem", role: "alert", hidden: true }),
        h("div", { class: "row" },
          h("button", { class: "main", part: "order" }, s("speak")),
          h("button", { type: "button", class: "quiet", part: "example", on: { click: () => this.#example() } }, s("speak_example")))),
      h("p", { class: "live", "aria-live": "polite" }),
    );
  }

  #typed() {
    localStorage.setItem(this.#place, this.#field("script").value);
    this.#field("script").removeAttribute("aria-invalid");
    this.tell(this.find("problem"), null);
    this.#count();
  }

  #example() {
    this.#field("script").value = this.say("test_text");
    this.#typed();
    this.#field("script").focus();
  }

  /** Show length and price; the price is asked for when the typing rests. */
  #count() {
    const script = this.#field("script").value.trim();
    const { n, rate } = { n: script.length, rate: PER_SECOND[/** @type {"zh"} */ (this.language.slice(0, 2))] ?? 15 };
    const seconds = Math.max(1, Math.round(n / rate));
    const length = n ? this.say("script_seconds", { seconds }) : "";
    this.find("count").textContent = [this.say("script_count", { n: n.toLocaleString(this.language), limit: LIMIT.toLocaleString(this.language) }), length]
      .filter(Boolean).join(" · ");
    clearTimeout(this.#timer);
    if (!n) return (this.find("price").textContent = "");
    this.#timer = setTimeout(() => this.#price(seconds), 400);
  }

  /** @param {number} seconds */
  async #price(seconds) {
    const asked = ++this.#asked;
    const quote = await this.api.quote({ stack: this.stack ?? undefined, seconds, trainings: 0, videos: 1 }).catch(() => null);
    if (asked !== this.#asked) return;
    const { total, known } = quote?.expected ?? { total: null, known: "0" };
    const amount = `$${Number(total ?? known).toFixed(2)}`;
    const text = !quote || (total === null && !Number(known)) ? this.say("price_unknown") : total === null ? this.say("price_least", { amount }) : amount;
    this.find("price").textContent = this.say("script_price", { price: text });
  }

  async #order() {
    const button = this.find("order");
    const script = this.#field("script");
    const place = this.find("problem");
    this.tell(place, null);
    if (busy(button)) return;
    if (!script.value.trim()) {
      place.replaceChildren(this.say("need_script"));
      place.hidden = false;
      script.setAttribute("aria-invalid", "true");
      return script.focus();
    }
    const text = script.value.trim();
    const body = { text, name: this.#field("title").value.trim(), language: this.#field("language").value || null, ...this.#chosen() };
    wait(button, true);
    try {
      const video = await this.api.speak(this.trainingId ?? "", body);
      localStorage.removeItem(this.#place);
      script.value = "";
      this.#count();
      this.announce(this.say("speak_ordered"));
      this.emit("avatar-video", video);
    } catch (error) {
      this.tell(place, /** @type {ApiError} */ (error));
    }
    wait(button, false);
  }
}

define("avatar-speak", AvatarSpeak);
