// Web component <avatar-speak training-id src>: a script, its price, and the order of a video.

import { AvatarElement, define, h } from "./element.js";
import { LANGUAGES } from "./strings.js";

/** @typedef {import("./client.js").ApiError} ApiError */

const LIMIT = 20_000; // characters of a script
const PER_SECOND = { zh: 4.5, ja: 6.5 }; // spoken characters; other languages: 15
const DRAFT = "avatarkit-script-";

const STYLE = `
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
            h("div", {}, h("label", { for: "title" }, s("video_name")), h("input", { id: "title", autocomplete: "off", maxlength: 200 })))),
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
    const total = quote?.expected.total?.amount ?? null;
    const known = quote?.expected.known.amount ?? "0";
    const amount = `$${Number(total ?? known).toFixed(2)}`;
    const text = !quote || (total === null && !Number(known)) ? this.say("price_unknown") : total === null ? this.say("price_least", { amount }) : amount;
    this.find("price").textContent = this.say("script_price", { price: text });
  }

  async #order() {
    const button = /** @type {HTMLButtonElement} */ (this.find("order"));
    const script = this.#field("script");
    const place = this.find("problem");
    this.tell(place, null);
    if (button.disabled) return;
    if (!script.value.trim()) {
      place.replaceChildren(this.say("need_script"));
      place.hidden = false;
      script.setAttribute("aria-invalid", "true");
      return script.focus();
    }
    const body = { text: script.value.trim(), name: this.#field("title").value.trim(), language: this.#field("language").value || null };
    button.disabled = true;
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
    button.disabled = false;
  }
}

define("avatar-speak", AvatarSpeak);
