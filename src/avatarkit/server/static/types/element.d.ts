import { Client } from "./client.js";
import { EN } from "./strings/en.js";
export { EN };
export type Problem = import("./client.js").Problem;
export type Strings = {
    [Name in keyof typeof EN]: string;
};
/** @typedef {import("./client.js").Problem} Problem */
/** @typedef {{[Name in keyof typeof EN]: string}} Strings */
/** Default texts; a page may replace them for all elements. @type {Strings} */
export declare const STRINGS: Strings;
/** Languages with texts, by their names in themselves. */
export declare const LANGUAGES: {
    en: string;
    de: string;
    es: string;
    fr: string;
    ar: string;
    zh: string;
    ja: string;
};
/** Texts of a language, if they are loaded. @param {string} tag */
export declare const loaded: (tag: string) => Partial<Strings> | undefined;
/** Load the texts of a language; English if they cannot be loaded. @param {string} tag */
export declare const language: (tag: string) => Promise<Partial<Strings>>;
/** @param {string} tag */
export declare const direction: (tag: string) => "ltr" | "rtl";
declare const Base: typeof HTMLElement;
export declare const STYLE = "\n:host { color-scheme: light dark; display: block; container-type: inline-size;\n  --_bg: var(--avatar-bg, light-dark(#fff, #1b1c22));\n  --_text: var(--avatar-text, light-dark(#1b1c22, #f1f1f4));\n  --_muted: var(--avatar-muted, light-dark(#595b66, #b2b4c0));\n  --_border: var(--avatar-border, light-dark(#d5d7e0, #3b3d49));\n  --_field: var(--avatar-field, light-dark(#7d8090, #777a8c));\n  --_primary: var(--avatar-primary, light-dark(#4f46e5, #a5b4fc));\n  --_accent: var(--avatar-accent, light-dark(#c026d3, #f0abfc));\n  --_on: var(--avatar-on-primary, light-dark(#fff, #16171d));\n  --_danger: var(--avatar-danger, light-dark(#b3152a, #ff9aa5));\n  --_good: var(--avatar-good, light-dark(#146c2e, #7ee2a0));\n  --_warn: var(--avatar-warn, light-dark(#8a4b00, #ffc078));\n  --_tint: color-mix(in srgb, var(--_primary) 9%, var(--_bg));\n  --_radius: var(--avatar-radius, 16px); }\n:host([hidden]), [hidden] { display: none !important; }\n* { box-sizing: border-box; }\n.card { background: var(--_bg); color: var(--_text); border: 1px solid var(--_border);\n  border-radius: var(--_radius); padding: clamp(1rem, 4cqi, 2rem);\n  font: inherit; line-height: 1.5; overflow-wrap: anywhere; }\nh2, h3 { margin: 0 0 .5rem; line-height: 1.25; } h2 { font-size: 1.3rem; } h3 { font-size: 1.05rem; }\np { margin: .5rem 0; } ul, ol { list-style: none; padding: 0; margin: 0; }\n.muted { color: var(--_muted); } .alert, .error { color: var(--_danger); } .alert { font-weight: 600; }\n.good { color: var(--_good); } .warning { color: var(--_warn); } .small { font-size: .9rem; }\n.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }\nbutton, a.open { font: inherit; font-weight: 600; min-height: 44px; padding: .5rem 1.1rem;\n  border-radius: 10px; border: 1px solid var(--_border); cursor: pointer;\n  background: var(--_bg); color: var(--_primary); text-decoration: none; max-width: 100%;\n  display: inline-flex; align-items: center; justify-content: center; gap: .4rem; }\nbutton:hover:not(:disabled, [aria-disabled=true]), a.open:hover { border-color: var(--_primary); }\nbutton.main, a.open { background: var(--_primary); border-color: var(--_primary); color: var(--_on); }\nbutton.main:hover:not(:disabled, [aria-disabled=true]) { filter: brightness(1.08); }\nbutton.quiet { border-color: transparent; background: transparent; padding-inline: .5rem; }\nbutton.danger { color: var(--_danger); } button:disabled, button[aria-disabled=true] { opacity: .6; cursor: progress; }\nbutton.icon { width: 44px; padding: 0; font-size: 1.1rem; line-height: 1; }\nlabel { display: block; font-weight: 600; margin: .75rem 0 .25rem; }\nlabel.choice { font-weight: 400; display: flex; gap: .6rem; align-items: center; min-height: 44px; margin: 0; }\ninput, select, textarea { font: inherit; max-width: 100%; min-height: 44px; color: inherit; }\ninput:not([type]), input[type=text], input[type=date], input[type=search], select, textarea { width: 100%; padding: .5rem .75rem;\n  border: 1px solid var(--_field); border-radius: 10px; background: var(--_bg); color: var(--_text); }\ninput[type=checkbox], input[type=radio] { width: 1.25rem; height: 1.25rem; min-height: 0; margin: 0;\n  accent-color: var(--_primary); flex: none; }\ninput[aria-invalid=true], textarea[aria-invalid=true] { border-color: var(--_danger); box-shadow: 0 0 0 1px var(--_danger); }\ninput[type=file]::file-selector-button { font: inherit; font-weight: 600; margin-inline-end: .75rem; min-height: 36px;\n  padding: .3rem 1rem; cursor: pointer; border: 1px solid var(--_primary); border-radius: 10px; background: transparent;\n  color: var(--_primary); }\n:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }\nprogress { width: 100%; height: .5rem; accent-color: var(--_primary); }\nblockquote { margin: .75rem 0; padding: .75rem 1rem; text-align: start; white-space: pre-wrap;\n  border-inline-start: 4px solid var(--_primary); border-radius: 0 10px 10px 0; background: var(--_tint); }\n.bar { height: 14px; border-radius: 7px; overflow: hidden; margin: 1rem 0;\n  background: color-mix(in srgb, var(--_text) 14%, transparent); }\n.fill { height: 100%; width: 0; border-radius: inherit; transition: width .5s ease;\n  background: linear-gradient(90deg, var(--_primary), var(--_accent)); }\n.badge { display: inline-flex; gap: .35rem; align-items: center; padding: .1rem .6rem; border-radius: 99px;\n  border: 1px solid var(--_border); font-size: .85rem; color: var(--_muted); }\nvideo { background: #000; border-radius: 12px; display: block; max-width: 100%; }\ndetails > summary { cursor: pointer; min-height: 32px; color: var(--_muted); }\ndetails code { font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; }\ndialog { background: var(--_bg); color: var(--_text); border: 1px solid var(--_border);\n  border-radius: var(--_radius); padding: 1.25rem; width: min(32rem, 92vw); }\ndialog::backdrop { background: rgb(0 0 0 / .8); }\n.live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }\n@media (prefers-reduced-motion: reduce) { *, *::before { animation: none !important; transition: none !important; } }\n";
/** @param {string} css */
export declare const sheet: (css: string) => CSSStyleSheet;
/**
 * Create an element; text is never parsed as HTML.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{on?: Record<string, (event: any) => void>, [attribute: string]: unknown}} [given]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export declare const h: <Tag extends keyof HTMLElementTagNameMap>(tag: Tag, given?: {
    on?: Record<string, (event: any) => void>;
    [attribute: string]: unknown;
}, ...children: (Node | string | null | undefined | false)[]) => HTMLElementTagNameMap[Tag];
/**
 * Text of an error for end users: its name in the table of texts.
 * @param {{type?: string | null, code?: string, status?: number}} error of a record, or of the API
 * @returns {keyof Strings}
 */
export declare const explained: ({ type, code, status }: {
    type?: string | null;
    code?: string;
    status?: number;
}) => keyof Strings;
/** True if a button waits for what it began. @param {HTMLElement} button */
export declare const busy: (button: HTMLElement) => boolean;
/** Let a button wait, or end that; unlike a disabled one it keeps the focus. @param {HTMLElement} button @param {boolean} on */
export declare const wait: (button: HTMLElement, on: boolean) => void;
/**
 * Redraw a list without losing the focus: what stands in its place gets it, or else the first of its row.
 * @param {ShadowRoot} root
 * @param {() => void} draw
 * @param {HTMLElement} [last] what gets it if the row has nothing
 */
export declare const redraw: (root: ShadowRoot, draw: () => void, last?: HTMLElement) => void;
/**
 * Base of the elements.
 *
 * @fires avatar-unauthorized the user is signed out, or the token has expired
 */
export declare class AvatarElement extends Base {
    #private;
    /** @type {string[]} */
    static observedAttributes: string[];
    /** Default texts of all elements; an element's own `strings` override them. */
    static strings: Strings;
    /** Properties that may be set before the element's script has loaded. */
    static properties: string[];
    static style: string;
    constructor();
    /** @returns {ShadowRoot} */
    get root(): ShadowRoot;
    /** Address of the API; by default the folder of the page. */
    get src(): string | null;
    set src(value: string | null);
    /** "operator" shows errors in full and decisions about payments; by default they are folded away. */
    get audience(): string | null;
    set audience(value: string | null);
    /** Bearer token of further requests; without one the browser's cookie is sent. */
    get token(): string | null;
    set token(value: string | null);
    /** Function that returns a token; it is asked at the first request, and again after a 401. */
    get getToken(): (() => string | null | Promise<string | null>) | null;
    set getToken(value: (() => string | null | Promise<string | null>) | null);
    /** Texts of this element, by the names of `strings`. */
    get strings(): Partial<Strings>;
    set strings(value: Partial<Strings>);
    /** HTTP client of the element. */
    get api(): Client;
    connectedCallback(): void;
    disconnectedCallback(): void;
    /** @param {string} name @param {string | null} old @param {string | null} value */
    attributeChangedCallback(name: string, old: string | null, value: string | null): void;
    /** Draw the element, and do what it does, from the beginning. */
    restart(): void;
    /** End what runs. */
    stop(): void;
    /** Note that the token changed. */
    tokenChanged(): void;
    /** Language of the texts: of the element, or of what it is in. @returns {string} */
    get language(): string;
    /** Set an attribute; null and undefined remove it. @param {string} name @param {unknown} value */
    reflect(name: string, value: unknown): void;
    /**
     * Text of that name, in the element's words or language.
     * @param {keyof Strings | (string & {})} name
     * @param {Record<string, unknown>} [values]
     */
    say(name: keyof Strings | (string & {}), values?: Record<string, unknown>): string;
    /** Direction of the element's language. @returns {"ltr" | "rtl"} */
    get direction(): "ltr" | "rtl";
    /** True if a text of that name exists. @param {string} name */
    has(name: string): boolean;
    /** @param {string} name */
    find(name: string): HTMLElement;
    /** Set the text of a part; an empty one hides it. @param {string} name @param {string} text */
    fill(name: string, text: string): void;
    /**
     * Show an error in a part: the user's text, and the server's own words folded away.
     * @param {HTMLElement} place
     * @param {Problem & {status?: number} | null} error
     * @param {keyof Strings} [frame] a text with {message}
     */
    tell(place: HTMLElement, error: (Problem & {
        status?: number;
    }) | null, frame?: keyof Strings): void;
    /** Details for operators. @param {string} message */
    folded(message: string): HTMLDetailsElement;
    /** Announce a text to screen readers, once. @param {string} text */
    announce(text: string): void;
    /** Forget what was announced. */
    hushed(): void;
    /** @param {string} name @param {unknown} [detail] */
    emit(name: string, detail?: unknown): boolean;
    /**
     * Ask before something that cannot be undone.
     * @param {{title: string, text: string, yes: string}} asked
     * @returns {Promise<boolean>}
     */
    sure({ title, text, yes }: {
        title: string;
        text: string;
        yes: string;
    }): Promise<boolean>;
}
/** Define an element, unless there is one. @param {string} name @param {CustomElementConstructor} made */
export declare const define: (name: string, made: CustomElementConstructor) => void;
