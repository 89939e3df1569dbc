// Web component <avatar-gallery training-id src>: the videos of an avatar.

import { FINAL } from "./client.js";
import { AvatarElement, define, h, redraw } from "./element.js";

/**
 * @typedef {import("./client.js").RecordAnswer} RecordAnswer
 * @typedef {import("./client.js").ApiError} ApiError
 */

const STYLE = `
.list { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
.list > li { border: 1px solid var(--_border); border-radius: 14px; overflow: hidden; background: var(--_bg); display: flex; flex-direction: column;
  content-visibility: auto; contain-intrinsic-size: auto 22rem; }
.stage { aspect-ratio: 1; background: var(--_tint); display: grid; place-items: center; position: relative; }
.stage video, .stage img { width: 100%; height: 100%; object-fit: contain; border-radius: 0; max-width: none; }
.stage > .icon { font-size: 3rem; }
.stage button.play { position: absolute; inset: 0; margin: auto; width: 4rem; height: 4rem; border-radius: 50%; font-size: 1.5rem; padding: 0; border: 0;
  background: rgb(0 0 0 / .65); color: #fff; }
.body { padding: .75rem 1rem 1rem; display: grid; gap: .35rem; flex: 1; align-content: start; }
.script { display: -webkit-box; -webkit-line-clamp: 3; -webkit-box-orient: vertical; overflow: hidden; margin: 0; }
.buttons { margin-top: auto; } .buttons { gap: .25rem; } .buttons button, .buttons a { min-height: 40px; padding: .25rem .6rem; font-size: .9rem; }
.buttons a { display: inline-flex; align-items: center; border-radius: 10px; border: 1px solid var(--_border); color: var(--_primary); font-weight: 600; text-decoration: none; }
.bar { height: 10px; margin: .25rem 0; } .badge { justify-self: start; }
`;

/**
 * The videos of an avatar: progress, play, download, link, delete.
 *
 * @element avatar-gallery
 * @attr training-id
 * @attr poster picture of videos that have none
 */
export class AvatarGallery extends AvatarElement {
  static observedAttributes = [...super.observedAttributes, "training-id", "poster"];
  static properties = [...super.properties, "trainingId"];
  static style = STYLE;

  /** @type {AbortController | null} */
  #watching = null;
  /** @type {string | null} */
  #cursor = null;
  /** @type {Map<string, [RecordAnswer, HTMLLIElement]>} */
  #items = new Map();

  get trainingId() {
    return this.getAttribute("training-id");
  }

  set trainingId(value) {
    this.reflect("training-id", value || null);
  }

  stop() {
    this.#watching?.abort();
    this.#watching = null;
  }

  tokenChanged() {
    if (this.isConnected && this.#watching) this.restart();
  }

  attributeChangedCallback(/** @type {string} */ name, /** @type {string | null} */ old, /** @type {string | null} */ value) {
    if (name !== "poster") return super.attributeChangedCallback(name, old, value);
    for (const [video, item] of this.#items.values()) {
      if (item.querySelector("video")) continue; // it plays
      delete item.dataset.version;
      this.#show(video);
    }
  }

  restart() {
    this.stop();
    this.#cursor = null;
    this.#items.clear();
    this.#draw();
    if (!this.trainingId) return;
    this.#watching = new AbortController();
    this.#load(this.#watching.signal);
  }

  #draw() {
    this.root.replaceChildren(
      h("section", { class: "card", part: "card", dir: this.direction, "aria-labelledby": "title" },
        h("h2", { id: "title", tabindex: -1 }, this.say("gallery_title")),
        h("p", { class: "muted", part: "none", hidden: true }, this.say("gallery_none")),
        h("div", { class: "alert", part: "problem", role: "alert", hidden: true }),
        h("ul", { class: "list", part: "list" }),
        h("button", { type: "button", class: "quiet", part: "more", hidden: true, on: { click: () => this.#watching && this.#load(this.#watching.signal) } }, this.say("older"))),
      h("p", { class: "live", "aria-live": "polite" }),
    );
  }

  /** Show a video that was just ordered. @param {RecordAnswer} video */
  add(video) {
    if (video.training_id !== this.trainingId || !this.#watching) return;
    if (this.#items.has(video.id)) return this.#show(video);
    this.#place(video, true);
    this.#follow(video, this.#watching.signal);
  }

  /** @param {AbortSignal} signal */
  async #load(signal) {
    try {
      const page = await this.api.videos(this.trainingId ?? "", { cursor: this.#cursor, limit: 24 }, signal);
      if (signal.aborted) return;
      this.#cursor = page.cursor;
      for (const video of page.items) {
        if (this.#items.has(video.id)) continue;
        this.#place(video);
        if (!FINAL.includes(video.status)) this.#follow(video, signal);
      }
    } catch (error) {
      if (!signal.aborted) this.tell(this.find("problem"), /** @type {ApiError} */ (error));
    }
    if (signal.aborted) return;
    this.find("more").hidden = !this.#cursor;
    this.#counted();
  }

  #counted() {
    this.find("none").hidden = this.#items.size > 0;
  }

  /** @param {RecordAnswer} video @param {AbortSignal} signal */
  async #follow(video, signal) {
    const change = (/** @type {RecordAnswer} */ record) => {
      this.#show(record);
      if (record.status === "completed") this.announce(this.say("gallery_ready"));
    };
    await this.api.watch("videos", video.id, { signal, change }).catch(() => {});
  }

  /** @param {RecordAnswer} video */
  #place(video, first = false) {
    const item = h("li", { "data-id": video.id });
    this.#items.set(video.id, [video, item]);
    this.find("list")[first ? "prepend" : "append"](item);
    this.#show(video);
    this.#counted();
  }

  /** @param {RecordAnswer} video */
  #show(video) {
    const [, item] = this.#items.get(video.id) ?? [];
    if (!item || item.dataset.version === String(video.version)) return;
    item.dataset.version = String(video.version);
    this.#items.set(video.id, [video, item]);
    const { status, progress, links = {}, script, name, error } = video;
    const film = status === "completed" && links.video ? this.api.url(links.video) : "";
    const poster = links.thumbnail ? this.api.url(links.thumbnail) : this.getAttribute("poster");
    const title = name || (script ?? "").slice(0, 60) || this.say("video");
    const bar = h("div", { class: "bar", role: "progressbar", "aria-label": title, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": progress },
      h("div", { class: "fill" }));
    /** @type {HTMLElement} */ (bar.firstElementChild).style.width = `${progress}%`;
    const text = this.say(`video_${status}`, { progress });
    const problem = h("div", { class: "alert small", hidden: true });
    const working = !FINAL.includes(status);
    const act = (/** @type {string} */ label, /** @type {string} */ kind, /** @type {() => unknown} */ on) =>
      h("button", { type: "button", class: kind, "aria-label": `${label}: ${title}`, on: { click: on } }, label);
    const buttons = [
      film && h("a", { href: film, download: `${title.replace(/[^\p{L}\p{N}_-]+/gu, " ").trim() || "avatar"}.mp4`, "aria-label": `${this.say("download")}: ${title}` }, this.say("download")),
      film && act(this.say("copy"), "quiet", () => this.#copy(film)),
      working && act(this.say("cancel"), "quiet", () => this.#try(problem, async () => this.#show(await this.api.cancel("videos", video.id)))),
      act(this.say("delete"), "quiet danger", () => this.#remove(video, title, problem)),
    ];
    const content = [
      this.#stage(film, poster, title),
      h("div", { class: "body" },
        name ? h("strong", {}, name) : null,
        h("p", { class: "script" }, script ?? ""),
        status === "completed" ? h("span", { class: "badge" }, this.say("generated")) : h("p", { class: "small muted" }, text),
        working ? bar : null, problem,
        h("div", { class: "row buttons" }, ...buttons)),
    ];
    redraw(this.root, () => item.replaceChildren(...content));
    if (error) this.tell(problem, error);
  }

  /** Poster with a play button: the film is loaded when it is pressed. @param {string} film @param {string | null} poster @param {string} title */
  #stage(film, poster, title) {
    const still = poster ? h("img", { src: poster, alt: "", loading: "lazy" }) : h("span", { class: "icon", "aria-hidden": "true" }, "🎬");
    const stage = h("div", { class: "stage" }, still);
    if (!film) return stage;
    const play = h("button", { type: "button", class: "play", "aria-label": `${this.say("play")}: ${title}`, on: { click: () => {
      const video = h("video", { part: "video", controls: true, playsinline: true, src: film, poster, "aria-label": title });
      stage.replaceChildren(video);
      video.focus();
      video.play().catch(() => {});
    } } }, "▶");
    stage.append(play);
    return stage;
  }

  /** @param {HTMLElement} place @param {() => Promise<unknown>} work */
  async #try(place, work) {
    try {
      await work();
    } catch (error) {
      this.tell(place, /** @type {ApiError} */ (error));
    }
  }

  /** @param {string} link */
  async #copy(link) {
    await navigator.clipboard?.writeText(link).catch(() => {});
    this.announce(this.say("copied"));
    this.emit("avatar-notice", this.say("copied"));
  }

  /** @param {RecordAnswer} video @param {string} title @param {HTMLElement} problem */
  async #remove(video, title, problem) {
    if (!(await this.sure({ title: this.say("delete_video"), text: title, yes: this.say("delete") }))) return;
    await this.#try(problem, async () => {
      await this.api.remove("videos", video.id);
      this.#items.get(video.id)?.[1].remove();
      this.#items.delete(video.id);
      this.#counted();
      this.root.getElementById("title")?.focus();
    });
  }
}

define("avatar-gallery", AvatarGallery);
