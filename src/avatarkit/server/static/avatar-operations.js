// Web component <avatar-operations src>: checks, backlog and spending of a deployment, for operators.

import { AvatarElement, define, h } from "./element.js";
import { extend } from "./operations-strings.js";
import { TABLE, head, row } from "./table.js";

/** @typedef {import("./client.js").ApiError} ApiError */
/**
 * @typedef {{subject: string, verdict: "ok" | "warning" | "error", detail: string}} Check
 * @typedef {{provider: string, waiting: number, due: number, held: number, due_since: number | null}} Backlog
 * @typedef {{month: string, spent: string, reserved: string, budgets: {amount: string, left: string}[]}} Spending
 */

const STYLE = `${TABLE}
:host { display: grid; gap: 1.5rem; }
.tools { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; } .tools h2 { flex: 1 1 auto; margin: 0; }
dl { display: grid; grid-template-columns: minmax(6rem, auto) 1fr; gap: .25rem 1rem; margin: 1rem 0 0; }
dt { color: var(--_muted); } dd { margin: 0; }
`;

const COLOURS = { ok: "good", warning: "warning", error: "error" };

/**
 * State of the deployment: checks, the backlog of workers, and this month's spending.
 *
 * @element avatar-operations
 */
export class AvatarOperations extends AvatarElement {
  static style = STYLE;

  tokenChanged() {
    if (this.isConnected && this.root.firstChild) this.load();
  }

  restart() {
    extend(this.language);
    /** @param {string} name @param {Node | null} [more] */
    const card = (name, more = null) =>
      h("section", { class: "card", part: "card", dir: this.direction, "aria-labelledby": name },
        h("div", { class: "tools" }, h("h2", { id: name }, this.say(`ops_${name}`)), more),
        h("p", { class: "muted" }, this.say(`ops_${name}_about`)),
        h("div", { part: name }));
    const refresh = h("button", { type: "button", part: "refresh", on: { click: () => this.load() } }, this.say("refresh"));
    this.root.replaceChildren(
      h("div", { class: "alert", part: "problem", role: "alert", hidden: true }),
      card("checks", refresh), card("backlog"), card("spending"),
    );
    this.load();
  }

  /** Load all parts; one that fails leaves the others. */
  async load() {
    this.tell(this.find("problem"), null);
    await Promise.all([
      this.#fill("checks", async () => this.#checks((await this.api.get("operator/checks")).data)),
      this.#fill("backlog", async () => this.#backlog((await this.api.get("operator/backlog")).data)),
      this.#fill("spending", async () => this.#spending(await this.api.get("operator/spending"))),
    ]);
  }

  /** @param {string} name @param {() => Promise<Node>} work */
  async #fill(name, work) {
    try {
      this.find(name).replaceChildren(await work());
    } catch (error) {
      this.find(name).replaceChildren();
      const { code } = /** @type {ApiError} */ (error);
      if (code === "operators_only") this.fill("problem", this.say("ops_refused"));
      else this.tell(this.find("problem"), /** @type {ApiError} */ (error));
    }
  }

  /** @param {string} name @param {string[]} columns @param {(string | Node | null)[][]} rows */
  #table(name, columns, rows) {
    const names = columns.map((column) => this.say(column));
    return h("div", { class: "table", role: "group", "aria-label": this.say(`ops_${name}`), tabindex: 0 },
      h("table", {}, head(names), h("tbody", {}, ...rows.map((cells) => row(names, cells)))));
  }

  /** @param {Check[]} found */
  #checks(found) {
    const rows = found.map(({ subject, verdict, detail }) => [
      subject, h("span", { class: COLOURS[verdict] }, this.say(`check_${verdict}`)), detail,
    ]);
    return this.#table("checks", ["check_subject", "delivery_outcome", "check_detail"], rows);
  }

  /** @param {Backlog[]} found */
  #backlog(found) {
    if (!found.length) return h("p", { class: "muted" }, this.say("ops_backlog_none"));
    const rows = found.map(({ provider, waiting, due, held, due_since }) => [
      provider, `${waiting}`, `${due}`, `${held}`, due_since ? new Date(due_since * 1000).toLocaleString(this.language) : "",
    ]);
    return this.#table("backlog", ["delivery_provider", "backlog_waiting", "backlog_due", "backlog_held", "backlog_since"], rows);
  }

  /** @param {Spending} found */
  #spending({ month, spent, reserved, budgets }) {
    const dollars = new Intl.NumberFormat(this.language, { style: "currency", currency: "USD", maximumFractionDigits: 6 });
    const shown = (/** @type {string} */ amount) => dollars.format(Number(amount));
    const facts = [
      [this.say("ops_month"), month],
      [this.say("ops_spent"), shown(spent)],
      [this.say("ops_reserved"), shown(reserved)],
      ...budgets.map(({ amount, left }) => [this.say("ops_budget"), this.say("ops_left", { amount: shown(amount), left: shown(left) })]),
    ];
    if (!budgets.length) facts.push([this.say("ops_budget"), this.say("ops_budget_none")]);
    return h("dl", {}, ...facts.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
  }
}

define("avatar-operations", AvatarOperations);
