export type ApiError = import("./client.js").ApiError;
export type StockEntry = import("./client.js").StockEntry;
export type SceneSupport = import("./client.js").SceneSupport;
export type Stock = {
    provider: string;
    id: string;
    name: string;
};
export type Scene = {
    text: string;
    avatar?: Stock;
    voice?: Stock;
    background?: string;
    layout?: string;
};
/**
 * @typedef {import("./client.js").ApiError} ApiError
 * @typedef {import("./client.js").StockEntry} StockEntry
 * @typedef {import("./client.js").SceneSupport} SceneSupport
 * @typedef {{provider: string, id: string, name: string}} Stock
 * @typedef {{text: string, avatar?: Stock, voice?: Stock, background?: string, layout?: string}} Scene
 */
export declare const MOST = 50;
export declare const STYLE = "\n.scenes { margin-bottom: .5rem; } .scenes > li + li { margin-top: 1rem; }\n.scene { border: 1px solid var(--_border); border-radius: 14px; padding: .5rem 1rem 1rem; }\n.scene > .row > h3 { flex: 1 1 6rem; margin: 0; }\n.scene textarea { min-height: 5.5rem; }\n.scene .two { align-items: end; grid-template-columns: repeat(auto-fit, minmax(min(100%, 8.5rem), 1fr)); } .scene .two button { justify-content: start; width: 100%; }\n.scene .colour { display: flex; gap: .5rem; align-items: center; }\n.stock { max-height: 50vh; overflow-y: auto; display: grid; gap: .25rem; margin-block: .75rem; }\n.stock button { justify-content: start; text-align: start; width: 100%; }\n";
/** The list of scenes of <avatar-speak>. */
export declare class Scenes {
    #private;
    host: import("./element.js").AvatarElement;
    changed: () => void;
    limit: number;
    place: HTMLOListElement;
    add: HTMLButtonElement;
    /** @type {Scene[]} */
    list: Scene[];
    /** What the stack makes of scenes; null: no scenes. @type {SceneSupport | null} */
    support: SceneSupport | null;
    /** True if the stack takes colours as backgrounds. */
    colours: boolean;
    /**
     * @param {import("./element.js").AvatarElement} host
     * @param {() => void} changed
     * @param {number} limit characters of a text
     */
    constructor(host: import("./element.js").AvatarElement, changed: () => void, limit: number);
    /** Add the texts of scenes. @param {string} language */
    static extend(language: string): void;
    get several(): boolean;
    /** All texts. */
    get text(): string;
    /** Script or scenes, as the API takes them. */
    get body(): {
        text: string;
        scenes?: undefined;
    } | {
        text?: undefined;
        scenes: {
            text: string;
            avatar: {
                provider: string;
                id: string;
            } | undefined;
            voice: {
                provider: string;
                id: string;
            } | undefined;
            background: string | undefined;
            layout: string | undefined;
        }[];
    };
    /** Position of the first scene without a text; -1 if all have one. */
    get empty(): number;
    /** Offer what a stack makes; without scenes, the texts become one. @param {SceneSupport | null} support @param {boolean} colours */
    offer(support: SceneSupport | null, colours: boolean): void;
    /** Begin with no text. */
    clear(): void;
    /** @param {number} n */
    field(n: number): HTMLTextAreaElement;
    draw(): void;
}
