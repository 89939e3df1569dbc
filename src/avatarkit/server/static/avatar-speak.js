// Web component <avatar-speak training-id src>: a script, its price, and the order of a video.

import { AvatarElement, LANGUAGES, busy, define, h, wait } from "./element.js";
import { STYLE as SCENES, Scenes } from "./scenes.js";

/** @typedef {import("./client.js").ApiError} ApiError */

const LIMIT = 20_000; // characters of a script
const PER_SECOND = { zh: 4.5, ja: 6.5 }; // spoken characters; other languages: 15
const DRAFT = "avatarkit-draft-";

/** What is kept of a video that was not ordered yet. @typedef {{scenes: import("./scenes.js").Scene[], title?: string, language?: string}} Draft */

/** Settings of a video that can be chosen, and their values; a stack may take fewer. @type {Record<string, string[]>} */
const CHOICES = {
  aspect: ["16:9", "9:16", "1:1", "4:5", "5:4"],
  resolution: ["360p", "480p", "540p", "720p", "1080p", "1440p", "4k"],
  captions: ["none", "sidecar", "burnt-in"],
  quality: ["draft", "standard", "best"],
};

/** Forget the draft of a training's video. @param {string | null} training */
const forget = (training) => {
  try {
    localStorage.removeItem(`${DRAFT}${training}`);
  } catch {}
};

/** Amount of dollars, with more digits where two would say nothing. @param {string} amount @param {string} language */
const dollars = (amount, language) => {
  const small = Number(amount) > 0 && Number(amount) < 0.01;
  return Number(amount).toLocaleString(language, { style: "currency", currency: "USD", maximumFractionDigits: small ? 4 : 2 });
};

const STYLE = `${SCENES}
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
  #scenes = new Scenes(this, () => {}, LIMIT);
  /** @type {string | null | undefined} */
  #drawn; // the training whose script is shown

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
    Scenes.extend(this.language);
    const kept = this.#read();
    this.#scenes = new Scenes(this, () => this.#typed(), LIMIT);
    this.#scenes.list = kept.scenes;
    this.#draw(kept);
    this.#drawn = this.trainingId;
    this.#count();
    if (this.stack) this.#offer(this.stack);
  }

  /** Offer the settings that a stack carries out. @param {string} stack */
  async #offer(stack) {
    const stacks = await this.api.stacks().catch(() => []);
    if (stack !== this.stack) return;
    const { settings = [], scenes = null } = stacks.find((one) => one.stack === stack) ?? {};
    this.find("settings").replaceChildren(...settings.map((setting) => this.#setting(setting)).filter((made) => made !== null));
    const colours = settings.some(({ setting, takes }) => setting === "background" && (!takes.length || takes.includes("color")));
    if (stacks.length) this.#scenes.offer(scenes, colours); // an answer that failed tells nothing
    this.#count();
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

  /** Settings that were chosen, as the API takes them. @returns {Record<string, any>} */
  #chosen() {
    /** @type {Record<string, any>} */
    const chosen = {};
    for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (this.root.querySelectorAll("[data-setting]"))) {
      const { setting = "" } = field.dataset;
      if (setting === "voice.speed") chosen.voice = { speed: Number(field.value) };
      else if (field.value) chosen[setting] = field.value;
    }
    return chosen;
  }

  /** What is shown, or else the draft; pages may not be allowed to keep one. @returns {Draft} */
  #read() {
    if (this.#drawn === this.trainingId) return this.#shown;
    try {
      const kept = JSON.parse(localStorage.getItem(`${DRAFT}${this.trainingId}`) ?? "");
      if (kept.scenes.length && kept.scenes.every((/** @type {any} */ scene) => typeof scene.text === "string")) return kept;
    } catch {} // none, or another version's
    return { scenes: [{ text: "" }] };
  }

  /** @returns {Draft} */
  get #shown() {
    return { scenes: this.#scenes.list, title: this.#field("title").value, language: this.#field("language").value };
  }

  #keep() {
    const draft = this.#shown;
    try {
      if (this.#scenes.text || draft.title || this.#scenes.several) localStorage.setItem(`${DRAFT}${this.trainingId}`, JSON.stringify(draft));
      else forget(this.trainingId);
    } catch {} // full, or not allowed
  }

  /** @param {string} id */
  #field(id) {
    return /** @type {HTMLInputElement} */ (this.root.getElementById(id));
  }

  /** @param {Draft} kept */
  #draw({ title = "", language = "" }) {
    const s = (/** @type {string} */ name) => this.say(name);
    const languages = Object.entries(LANGUAGES).map(([tag, name]) => h("option", { value: tag, selected: tag === language }, name));
    this.#scenes.draw();
    this.root.replaceChildren(
      h("form", { class: "card", part: "card", dir: this.direction, novalidate: true, on: { submit: (event) => (event.preventDefault(), this.#order()) } },
        h("h2", {}, s("speak_title")),
        this.#scenes.place,
        h("div", { class: "figures muted small", id: "figures" }, h("span", { part: "count" }), h("span", { part: "price", role: "status" })),
        this.#scenes.add,
        h("p", { class: "muted small", part: "apart", hidden: true }, s("scene_apart")),
        h("details", {}, h("summary", {}, s("speak_more")),
          h("div", { class: "two" },
            h("div", {}, h("label", { for: "language" }, s("language")),
              h("select", { id: "language", on: { change: () => this.#keep() } }, h("option", { value: "" }, s("language_default")), ...languages)),
            h("div", {}, h("label", { for: "title" }, s("video_name")),
              h("input", { id: "title", autocomplete: "off", maxlength: 200, value: title, on: { input: () => this.#keep() } }))),
          h("div", { class: "two", part: "settings", on: { change: () => this.#count() } })),
        h("div", { class: "alert", part: "problem", id: "problem", role: "alert", hidden: true }),
        h("div", { class: "row" },
          h("button", { class: "main", part: "order" }, s("speak")),
          h("button", { type: "button", class: "quiet", part: "example", on: { click: () => this.#example() } }, s("speak_example")))),
      h("p", { class: "live", "aria-live": "polite" }),
    );
  }

  #typed() {
    this.#keep();
    this.tell(this.find("problem"), null);
    this.#count();
  }

  #example() {
    const { list } = this.#scenes;
    list[Math.max(0, this.#scenes.empty)].text = this.say("test_text");
    const n = list.findIndex(({ text }) => text === this.say("test_text"));
    this.#scenes.draw();
    this.#typed();
    this.#scenes.field(n).focus();
  }

  /** Show length and price; the price is asked for when the typing rests. */
  #count() {
    const scenes = this.#scenes;
    const { n, rate } = { n: scenes.text.length, rate: PER_SECOND[/** @type {"zh"} */ (this.language.slice(0, 2))] ?? 15 };
    const seconds = Math.max(1, Math.round(n / rate));
    const shown = n.toLocaleString(this.language);
    const count = scenes.several
      ? this.say("scenes_count", { n: shown, scenes: scenes.list.length })
      : this.say("script_count", { n: shown, limit: LIMIT.toLocaleString(this.language) });
    this.find("count").textContent = [count, n ? this.say("script_seconds", { seconds }) : ""].filter(Boolean).join(" · ");
    this.find("apart").hidden = !scenes.several || scenes.support?.together !== false;
    clearTimeout(this.#timer);
    this.#asked++; // an answer about the script of before is late
    if (!n) return (this.find("price").textContent = "");
    this.#timer = setTimeout(() => this.#price(seconds), 400);
  }

  /** Ask for the price of the whole video: what of plans and charges it uses up. @param {number} seconds */
  async #price(seconds) {
    const asked = ++this.#asked;
    const { quality, resolution } = this.#chosen();
    const videos = this.#scenes.several && !this.#scenes.support?.together ? this.#scenes.list.length : 1;
    const work = { stack: this.stack ?? undefined, seconds: seconds / videos, trainings: 0, videos, quality, resolution };
    const quote = await this.api.quote(work).catch(() => null);
    if (asked !== this.#asked) return;
    const { total, used } = quote?.expected ?? { total: null, used: "0" };
    const amount = dollars(used, this.language);
    const text = !quote || (total === null && !Number(used)) ? this.say("price_unknown") : total === null ? this.say("price_least", { amount }) : amount;
    this.find("price").textContent = this.say("script_price", { price: text });
  }

  async #order() {
    const button = this.find("order");
    const scenes = this.#scenes;
    const place = this.find("problem");
    this.tell(place, null);
    if (busy(button)) return;
    const { empty } = scenes;
    if (empty >= 0) {
      place.replaceChildren(scenes.several ? this.say("need_scene", { n: empty + 1 }) : this.say("need_script"));
      place.hidden = false;
      scenes.field(empty).setAttribute("aria-invalid", "true");
      return scenes.field(empty).focus();
    }
    const settings = this.#chosen();
    const body = { ...scenes.body, name: this.#field("title").value.trim(), language: this.#field("language").value || null,
      ...(Object.keys(settings).length ? { settings } : {}) };
    const training = this.trainingId;
    wait(button, true);
    try {
      const video = await this.api.speak(training ?? "", body);
      scenes.clear();
      if (this.trainingId === training) {
        this.#field("title").value = "";
        this.#keep();
        this.#count();
      } else forget(training);
      this.announce(this.say("speak_ordered"));
      this.emit("avatar-video", video);
    } catch (error) {
      this.tell(place, /** @type {ApiError} */ (error));
    }
    wait(button, false);
  }
}

define("avatar-speak", AvatarSpeak);
