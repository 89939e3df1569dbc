// Tables that become lists on narrow screens.

import { h } from "./element.js";

export const TABLE = `
.table { overflow-x: auto; margin-top: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--_border); vertical-align: top; }
@container (max-width: 40rem) {
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  tr { display: block; border-top: 1px solid var(--_border); padding: .5rem 0; }
  td { display: flex; gap: .75rem; border: 0; padding: .15rem 0; }
  td::before { content: attr(data-name); flex: 0 0 6.5rem; color: var(--_muted); }
}
`;

/** @param {string[]} names of the columns */
export const head = (names) => h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name))));

/**
 * @param {string[]} names of the columns
 * @param {(string | Node | null)[]} cells
 */
export const row = (names, cells) => h("tr", {}, ...cells.map((cell, n) => h("td", { "data-name": names[n] }, cell)));
