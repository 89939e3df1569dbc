// Web component <avatar-deliveries src>: webhook deliveries, for operators.

import { AvatarElement, define, h } from "./element.js";
import { extend } from "./operations-strings.js";
import { TABLE, head, row } from "./table.js";

/** @typedef {import("./client.js").Delivery} Delivery */

const STYLE = `${TABLE}
.tools { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; } .tools h2 { flex: 1 1 auto; margin: 0; } .tools input { width: min(16rem, 100%); }
a { color: var(--_primary); }
`;

/**
 * Webhook deliveries about a user's records, newest first.
 *
 * @element avatar-deliveries
 */
export class AvatarDeliveries extends AvatarElement {
  static style = STYLE;

  /** @type {string | null} */
  #cursor = null;
  /** @type {Delivery[]} */
  #entries = [];
  /** @type {string[]} */
  #columns = [];

  restart() {
    extend(this.language);
    this.#columns = ["received", "provider", "event", "signed", "outcome", "record"].map((name) => this.say(`delivery_${name}`));
    const search = h("input", { type: "search", id: "search", placeholder: this.say("filter"), "aria-label": this.say("filter"), on: { input: () => this.#show() } });
    this.root.replaceChildren(
      h("section", { class: "card", part: "card", dir: this.direction, "aria-labelledby": "title" },
        h("div", { class: "tools" }, h("h2", { id: "title" }, this.say("deliveries_title")), search,
          h("button", { type: "button", part: "refresh", on: { click: () => this.load() } }, this.say("refresh"))),
        h("p", { class: "muted" }, this.say("deliveries_about")),
        h("div", { class: "alert", part: "problem", role: "alert", hidden: true }),
        h("div", { class: "table", role: "group", "aria-label": this.say("deliveries_title"), tabindex: 0, part: "table", hidden: true },
          h("table", {}, head(this.#columns), h("tbody", { part: "entries" }))),
        h("p", { class: "muted", part: "none", hidden: true }, this.say("deliveries_none")),
        h("button", { type: "button", class: "quiet", part: "more", hidden: true, on: { click: () => this.load(true) } }, this.say("older"))),
    );
    this.load();
  }

  /** Load the newest deliveries, or older ones. */
  async load(further = false) {
    try {
      const page = await this.api.deliveries({ cursor: further ? this.#cursor : null, limit: 50 });
      this.#entries = further ? [...this.#entries, ...page.items] : page.items;
      this.#cursor = page.cursor;
      this.tell(this.find("problem"), null);
    } catch (error) {
      this.tell(this.find("problem"), /** @type {import("./client.js").ApiError} */ (error));
    }
    this.#show();
  }

  #show() {
    const asked = /** @type {HTMLInputElement} */ (this.root.getElementById("search")).value.trim().toLowerCase();
    const shown = this.#entries.filter((entry) => !asked || JSON.stringify(entry).toLowerCase().includes(asked));
    this.find("entries").replaceChildren(...shown.map((entry) => this.#row(entry)));
    this.find("table").hidden = !shown.length;
    this.find("none").hidden = shown.length > 0;
    this.find("more").hidden = !this.#cursor;
  }

  /** @param {Delivery} entry */
  #row(entry) {
    const link = entry.record_id && h("a", { href: `#avatar/${encodeURIComponent(entry.record_id)}` }, entry.record_id.slice(0, 8));
    return row(this.#columns, [
      new Date(entry.received_at * 1000).toLocaleString(this.language),
      entry.provider,
      entry.event_type ?? "",
      this.say(entry.signed ? "yes" : "no"),
      entry.outcome,
      link,
    ]);
  }
}

define("avatar-deliveries", AvatarDeliveries);
