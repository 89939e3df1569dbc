export declare const TABLE = "\n.table { overflow-x: auto; margin-top: 1rem; }\ntable { border-collapse: collapse; width: 100%; }\nth, td { text-align: start; padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--_border); vertical-align: top; }\n@container (max-width: 40rem) {\n  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }\n  tr { display: block; border-top: 1px solid var(--_border); padding: .5rem 0; }\n  td { display: flex; gap: .75rem; border: 0; padding: .15rem 0; }\n  td::before { content: attr(data-name); flex: 0 0 6.5rem; color: var(--_muted); }\n}\n";
/** @param {string[]} names of the columns */
export declare const head: (names: string[]) => HTMLTableSectionElement;
/**
 * @param {string[]} names of the columns
 * @param {(string | Node | null)[]} cells
 */
export declare const row: (names: string[], cells: (string | Node | null)[]) => HTMLTableRowElement;
