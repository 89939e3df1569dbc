// Web component <avatar-phone src>: the page that a phone opens by the link of a hand-over.

import { AvatarElement, define, h, language } from "./element.js";
import { extend } from "./phone-strings.js";

/**
 * @typedef {import("./client.js").ApiError} ApiError
 * @typedef {{clone_id: string, role: import("./client.js").Role, name: string, media: "audio" | "video", text: string,
 *   language: string, stack: string | null, expires_at: number, token: string}} Claim
 */

const STYLE = `
.card { display: grid; gap: 1rem; justify-items: center; text-align: center; }
.icon { font-size: 4rem; line-height: 1; margin: 0; } button.main { min-height: 56px; font-size: 1.15rem; padding-inline: 2.5rem; }
input[type=file] { position: absolute; width: 1px; height: 1px; min-height: 0; overflow: hidden; clip-path: inset(50%); }
label.pick { display: inline-flex; align-items: center; justify-content: center; margin: 0; min-height: 48px; padding: .5rem 1.2rem;
  border: 1px solid var(--_border); border-radius: 10px; color: var(--_primary); cursor: pointer; }
input:focus-visible + label.pick { outline: 3px solid var(--_accent); outline-offset: 2px; }
.text { text-align: start; white-space: pre-wrap; max-height: 40vh; overflow: auto; padding: .75rem 1rem; background: var(--_tint); border-radius: 12px; }
`;

const SECRET = /^#(handover-[\w.-]+)$/;
const KEPT = "avatarkit-handover"; // in the tab's storage, so that a reload goes on

/** @returns {Claim | null} */
const kept = () => {
  try {
    const claim = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    return claim?.expires_at * 1000 > Date.now() ? claim : null;
  } catch {
    return null;
  }
};

/** @param {Claim | null} claim */
const keep = (claim) => {
  try {
    if (claim) sessionStorage.setItem(KEPT, JSON.stringify(claim));
    else sessionStorage.removeItem(KEPT);
  } catch {} // a page may not be allowed to keep anything
};

/**
 * Records on a phone what another device asked for, and uploads it there. It reads the secret of the
 * page's address, and takes it out of the address.
 *
 * @element avatar-phone
 * @fires avatar-handed-over the recording has arrived
 */
export class AvatarPhone extends AvatarElement {
  static style = STYLE;

  #secret = "";
  /** @type {Claim | null} */
  #claim = null;
  #sending = false;

  restart() {
    const [, secret] = SECRET.exec(location.hash) ?? [];
    if (secret) {
      this.#secret = secret;
      keep(null);
      history.replaceState(null, "", location.pathname + location.search); // it is in no history
    }
    this.#claim ??= kept();
    if (this.#claim) this.#go(this.#claim);
    else this.#draw();
    addEventListener("beforeunload", this.#leaving);
    addEventListener("hashchange", this.#again);
  }

  stop() {
    removeEventListener("beforeunload", this.#leaving);
    removeEventListener("hashchange", this.#again);
  }

  #again = () => {
    if (!SECRET.test(location.hash)) return;
    this.#claim = null; // another code was scanned
    this.restart();
  };

  #leaving = (/** @type {BeforeUnloadEvent} */ event) => {
    if (this.#sending) event.preventDefault();
  };

  /** @param {Claim} claim */
  async #go(claim) {
    this.#claim = claim;
    this.token = claim.token;
    await language(claim.language);
    if (this.language === claim.language) this.#draw();
    else this.lang = claim.language; // draws it again, with the texts of that language
  }

  #draw() {
    extend(this.language);
    if (this.#claim) return this.#ready(this.#claim);
    if (!this.#secret) return this.#ended();
    this.#page("📱", "phone_title", this.say("phone_about"), this.#button("phone_begin", () => this.#begin()));
  }

  /** @param {string} icon @param {string} title @param {string} about @param {...(Node | null)} rest */
  #page(icon, title, about, ...rest) {
    this.root.replaceChildren(
      h("section", { class: "card", part: "card", dir: this.direction },
        h("p", { class: "icon", "aria-hidden": "true" }, icon),
        h("h2", { tabindex: -1 }, this.say(title)), h("p", { part: "about", role: "status" }, about),
        ...rest, h("div", { class: "alert", part: "problem", role: "alert", hidden: true })));
  }

  /** @param {string} name @param {() => unknown} act */
  #button(name, act) {
    return h("button", { type: "button", class: "main", part: "main", on: { click: act } }, this.say(name));
  }

  async #begin() {
    this.token = this.#secret;
    try {
      const claim = await this.api.post("handovers/token");
      this.#secret = "";
      keep(claim);
      await this.#go(claim);
      if (this.#here) await this.#record(claim);
    } catch (error) {
      this.#failed(/** @type {ApiError} */ (error));
    }
  }

  /** True if the browser records here: it does on pages with https. */
  get #here() {
    return !!navigator.mediaDevices;
  }

  /** @param {Claim} claim */
  #ready(claim) {
    const file = h("input", { type: "file", id: "file", accept: `${claim.media}/*`, capture: claim.media === "video" ? "user" : true,
      on: { change: () => file.files?.[0] && this.#send(claim, file.files[0]) } });
    const text = this.#here || !claim.text ? null : h("div", { class: "text", tabindex: 0 }, claim.text);
    this.#page("🎬", "phone_title", this.say("phone_about"),
      this.#here ? this.#button("record_start", () => this.#record(claim)) : null, text,
      file, h("label", { class: "pick", for: "file" }, this.say("phone_camera")));
  }

  /** @param {Claim} claim */
  async #record(claim) {
    const { record } = await import("./recorder.js");
    const made = await record(this, { kind: claim.media, text: claim.text, name: claim.name });
    if (made instanceof File) await this.#send(claim, made);
  }

  /** @param {Claim} claim @param {File} chosen */
  async #send(claim, chosen) {
    if (this.#sending) return;
    this.#sending = true;
    const [ending] = /\.\w{1,5}$/.exec(chosen.name) ?? [`.${chosen.type.split("/")[1]?.slice(0, 5)}`];
    const file = new File([chosen], claim.name + ending, { type: chosen.type });
    const bar = h("progress", { max: 100, value: 0, "aria-label": this.say("file_progress", { name: "" }) });
    this.#page("📤", "phone_sending", "", bar);
    try {
      await this.api.upload(claim.clone_id, claim.role, file, {
        stack: claim.stack ?? undefined,
        progress: (percent) => {
          bar.value = percent;
          this.fill("about", this.say(percent === 100 ? "file_checking" : "file_sending", { percent }));
        },
        paused: () => this.fill("about", this.say("file_paused", { percent: bar.value })),
      });
      keep(null);
      this.#page("✅", "phone_arrived", this.say("phone_done"));
      this.emit("avatar-handed-over");
    } catch (error) {
      this.#failed(/** @type {ApiError} */ (error));
    }
    this.#sending = false;
    this.root.querySelector("h2")?.focus();
  }

  #ended() {
    keep(null);
    this.#claim = null;
    this.#page("⌛", "phone_over", this.say("phone_ended"));
  }

  /** @param {ApiError} error */
  #failed(error) {
    if (error.status === 401) return this.#ended();
    this.#draw();
    this.tell(this.find("problem"), error);
    const found = (error.findings ?? []).map((f) => h("p", { class: f.severity }, this.say(`finding_${f.severity}`, { message: f.message })));
    this.find("problem").append(...found);
  }
}

define("avatar-phone", AvatarPhone);
