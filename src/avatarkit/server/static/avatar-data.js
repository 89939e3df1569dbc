// Web component <avatar-data src>: what is stored of a user, and how it is taken back.

import { AvatarElement, define, h } from "./element.js";

/**
 * @typedef {import("./client.js").ApiError} ApiError
 * @typedef {import("./client.js").Consent} Consent
 * @typedef {import("./client.js").Erasure} Erasure
 * @typedef {import("./client.js").Sample} Sample
 */

const STYLE = `
:host { display: grid; gap: 1.25rem; }
.card + .card { margin-top: 1.25rem; }
li.entry { border-top: 1px solid var(--_border); padding: .75rem 0; display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; }
li.entry > div:first-child { flex: 1 1 14rem; min-width: 0; }
@container (max-width: 30rem) { li.entry > div:first-child { flex-basis: 100%; } }
li.entry audio, li.entry video { flex-basis: 100%; width: 100%; max-height: 22rem; }
h3 { margin: 1.25rem 0 .25rem; }
.chip { border-radius: 99px; padding: .1rem .65rem; font-size: .85rem; font-weight: 600; background: var(--_tint); }
`;

/** @param {number} bytes */
const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/**
 * Recordings and consents of a user: play, delete, withdraw, erase everything.
 *
 * @element avatar-data
 * @attr training-id only the recordings and the consent of that avatar
 * @fires avatar-erased everything of the user was erased: `detail` is the receipt
 */
export class AvatarData extends AvatarElement {
  static observedAttributes = [...super.observedAttributes, "training-id"];
  static properties = [...super.properties, "trainingId"];
  static style = STYLE;

  get trainingId() {
    return this.getAttribute("training-id");
  }

  set trainingId(value) {
    this.reflect("training-id", value || null);
  }

  /** @type {string[]} */
  #urls = [];
  /** The training whose data alone is shown. @type {import("./client.js").RecordAnswer | null} */
  #record = null;

  stop() {
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = [];
  }

  tokenChanged() {
    if (this.isConnected && this.root.firstChild) this.restart();
  }

  restart() {
    this.stop();
    const s = (/** @type {string} */ name) => this.say(name);
    this.root.replaceChildren(
      h("div", { class: "alert", part: "problem", role: "alert", hidden: true }),
      h("section", { class: "card", part: "card", dir: this.direction, "aria-labelledby": "recordings" },
        h("h2", { id: "recordings", tabindex: -1 }, s("data_recordings")), h("p", { class: "muted" }, s("data_recordings_about")),
        h("p", { class: "muted", part: "no-recordings", hidden: true }, s("data_no_recordings")), h("div", { part: "recordings" })),
      h("section", { class: "card", part: "card", dir: this.direction, "aria-labelledby": "consents" },
        h("h2", { id: "consents", tabindex: -1 }, s("data_consents")), h("p", { class: "muted" }, s("data_consents_about")),
        h("p", { class: "muted", part: "no-consents", hidden: true }, s("data_no_consents")), h("ul", { part: "consents" })),
      h("section", { class: "card", part: "card", dir: this.direction, "aria-labelledby": "erase" },
        h("h2", { id: "erase" }, s("data_erase")), h("p", { class: "muted" }, s("data_erase_about")),
        h("button", { type: "button", class: "danger", part: "erase", on: { click: () => this.#erase() } }, s("data_erase_all")),
        h("div", { part: "receipt", role: "status" })),
      h("p", { class: "live", "aria-live": "polite" }),
    );
    const one = this.trainingId;
    if (one) this.root.getElementById("erase")?.closest("section")?.remove();
    this.#trying(async () => {
      this.#record = one ? await this.api.record("trainings", one) : null;
      await Promise.all([this.#recordings(), this.#consents()]);
    });
  }

  /** @param {() => Promise<unknown>} work */
  async #trying(work) {
    const place = this.find("problem");
    this.tell(place, null);
    try {
      await work();
    } catch (error) {
      this.tell(place, /** @type {ApiError} */ (error));
      place.scrollIntoView({ block: "nearest" });
    }
  }

  /** @param {number | null} at */
  #day(at) {
    return at ? new Date(at * 1000).toLocaleDateString(this.language, { dateStyle: "medium" }) : "";
  }

  // -- recordings ---------------------------------------------------------------------------------

  async #recordings() {
    const own = this.#record;
    const clones = (await this.api.clones()).filter(({ samples, clone_id: clone }) => samples > 0 && (!own || own.clone_id === clone));
    const items = own ? [own] : (await this.api.trainings({ limit: 200 })).items;
    const groups = await Promise.all(
      clones.map(async ({ clone_id: clone }) => {
        const names = [...new Set(items.filter((record) => record.clone_id === clone).map(({ name }) => name || this.say("avatar")))];
        const rows = (await this.api.samples(clone)).map((sample) => this.#recording(sample));
        return h("div", {}, h("h3", {}, names.join(", ") || this.say("data_unused")), h("ul", {}, ...rows));
      }),
    );
    this.find("recordings").replaceChildren(...groups);
    this.find("no-recordings").hidden = groups.length > 0;
  }

  /** @param {Sample} sample */
  #recording(sample) {
    const { name, role, size: bytes, created_at: at } = sample;
    const about = [this.say(role === "voice" ? "voice_title" : "footage_title"), size(bytes), this.#day(at)]
      .flatMap((part, n) => [n ? " · " : "", h("bdi", {}, part)]); // or Arabic would mix the figures up
    const play = h("button", { type: "button", class: "quiet", "aria-label": `${this.say("play")} ${name}`, on: { click: () => this.#trying(() => this.#play(sample, item)) } }, this.say("play"));
    const remove = h("button", { type: "button", class: "quiet danger", "aria-label": `${this.say("delete")} ${name}`, on: { click: () => this.#remove(sample) } }, this.say("delete"));
    const item = h("li", { class: "entry", "data-name": name }, h("div", {}, h("strong", {}, name), h("div", { class: "small muted" }, ...about)), play, remove);
    return item;
  }

  /** @param {Sample} sample @param {HTMLElement} item */
  async #play(sample, item) {
    const blob = await this.api.sampleContent(sample.clone_id, sample.id);
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    const given = { src: url, controls: true, playsinline: true, "aria-label": sample.name };
    const kind = sample.media_type.split("/")[0];
    const shown = kind === "image" ? h("img", { src: url, alt: sample.name, style: null }) : h(kind === "audio" ? "audio" : "video", given);
    item.querySelector("audio, video, img")?.remove();
    item.append(shown);
    if (shown instanceof HTMLMediaElement) shown.play().catch(() => {});
  }

  /** @param {Sample} sample */
  async #remove(sample) {
    if (!(await this.sure({ title: this.say("data_delete"), text: sample.name, yes: this.say("delete") }))) return;
    await this.#trying(async () => {
      await this.api.deleteSample(sample.clone_id, sample.id);
      await this.#recordings();
      this.root.getElementById("recordings")?.focus();
    });
  }

  // -- consents -----------------------------------------------------------------------------------

  async #consents() {
    const own = this.#record;
    const consents = (await this.api.consents()).filter(({ id }) => !own || own.consent_id === id);
    this.find("consents").replaceChildren(...consents.map((consent) => this.#consent(consent)));
    this.find("no-consents").hidden = consents.length > 0;
  }

  /** @param {Consent} consent */
  #consent(consent) {
    const { subject, given_at: given, revoked_at: revoked, evidence } = consent;
    const name = subject || this.say("who_unreal");
    const state = revoked ? this.say("consent_withdrawn", { date: this.#day(revoked) }) : this.say("consent_given", { date: this.#day(given) });
    const act = (/** @type {string} */ word, /** @type {() => void} */ click) =>
      h("button", { type: "button", class: "quiet danger", "aria-label": `${this.say(word)}: ${name}`, on: { click } }, this.say(word));
    return h("li", { class: "entry", "data-name": name },
      h("div", {}, h("strong", {}, name), h("div", { class: "small muted" }, state)),
      evidence && act("consent_drop_evidence", () => this.#drop(consent, name)),
      !revoked && act("consent_withdraw", () => this.#withdraw(consent, name)));
  }

  /** @param {Consent} consent @param {string} name */
  async #drop(consent, name) {
    if (!(await this.sure({ title: this.say("consent_drop_evidence"), text: name, yes: this.say("delete") }))) return;
    await this.#trying(async () => {
      await this.api.deleteEvidence(consent.id);
      await this.#consents();
      this.root.getElementById("consents")?.focus();
    });
  }

  /** @param {Consent} consent @param {string} name */
  async #withdraw(consent, name) {
    const asked = { title: this.say("consent_withdraw_title", { name }), text: this.say("consent_withdraw_about"), yes: this.say("consent_withdraw") };
    if (!(await this.sure(asked))) return;
    await this.#trying(async () => {
      const { remaining } = await this.api.withdraw(consent.id);
      await this.#consents();
      const text = this.say("consent_remaining", { n: remaining.length });
      this.announce(text);
      this.emit("avatar-notice", text);
      this.root.getElementById("consents")?.focus();
    });
  }

  // -- everything ---------------------------------------------------------------------------------

  async #erase() {
    if (!(await this.sure({ title: this.say("data_erase"), text: this.say("data_erase_sure"), yes: this.say("data_erase_all") }))) return;
    await this.#trying(async () => {
      const receipt = await this.api.erase();
      await Promise.all([this.#recordings(), this.#consents()]);
      this.#receipt(receipt);
      this.emit("avatar-erased", receipt);
    });
  }

  /** @param {Erasure} receipt */
  #receipt(receipt) {
    const counted = (/** @type {{where: string, what: string, count: number}} */ one) => `${one.count} × ${one.what} (${one.where})`;
    const file = URL.createObjectURL(new Blob([JSON.stringify(receipt, null, 1)], { type: "application/json" }));
    this.#urls.push(file);
    const again = h("button", { type: "button", class: "quiet", on: { click: () => this.#trying(async () => this.#receipt(await this.api.erasure(receipt.id))) } }, this.say("refresh"));
    this.find("receipt").replaceChildren(
      h("h3", {}, this.say(`erasure_${receipt.status}`)),
      h("ul", {}, ...receipt.deleted.map((one) => h("li", {}, `✓ ${counted(one)}`)),
        ...receipt.remaining.map((one) => h("li", { class: "warning" }, `${counted(one)}: ${one.why}`))),
      h("p", { class: "small muted" }, `SHA-256 ${receipt.digest}`),
      h("div", { class: "row" }, h("a", { class: "open", href: file, download: "erasure.json" }, this.say("erasure_receipt")),
        receipt.status === "completed" ? null : again));
  }
}

define("avatar-data", AvatarData);
