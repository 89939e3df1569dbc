export type Problem = {
    type?: string | null;
    code?: string;
    message: string;
};
export type Finding = {
    code?: string;
    severity: "error" | "warning";
    message: string;
};
export type Role = "voice" | "footage" | "evidence" | "recording";
export type Sample = {
    id: string;
    clone_id: string;
    role: Role;
    name: string;
    size: number;
    media_type: string;
    created_at: number;
};
export type Action = {
    kind: string;
    message: string;
    choices: string[];
    url?: string | null;
    text?: string | null;
    expires_at?: number | null;
    recording?: "audio" | "video" | null;
};
export type Operation = {
    operation: string;
    provider: string;
    state: string;
    cost: string | null;
};
export type RecordAnswer = {
    id: string;
    kind: "training" | "video";
    clone_id: string;
    training_id?: string | null;
    name: string;
    stack: string;
    consent_id: string | null;
    status: string;
    progress: number;
    estimated: boolean;
    version: number;
    action: Action | null;
    error: Problem | null;
    operations: Operation[];
    created_at: number;
    links: Record<string, string>;
    script?: string | null;
    estimate?: {
        seconds: number;
        basis: string;
    };
};
export type Consent = {
    id: string;
    subject: string | null;
    real_person: boolean;
    wording_version: string;
    given_at: number | null;
    revoked_at: number | null;
    evidence: {
        size: number;
        media_type: string;
    } | null;
};
export type Clone = {
    clone_id: string;
    samples: number;
    trainings: number;
    created_at: number;
    updated_at: number;
};
export type Erasure = {
    id: string;
    status: "running" | "needs_person" | "completed";
    requested_at: number;
    digest: string;
    deleted: {
        where: string;
        what: string;
        count: number;
    }[];
    remaining: {
        where: string;
        what: string;
        count: number;
        why: string;
        pending: boolean;
    }[];
};
export type Delivery = {
    provider: string;
    event_type: string;
    record_id: string | null;
    signed: boolean;
    outcome: string;
    received_at: number;
};
export type Costs = {
    total: string | null;
    known: string;
    used: string;
    unknown: string[];
};
export type Quote = {
    stack: string;
    low: Costs;
    expected: Costs;
    high: Costs;
    assumptions: string[];
    oldest: string;
};
export type Stack = {
    stack: string;
    how: string;
    ready: boolean;
    problem: string | null;
    quote: {
        expected: Costs;
    } | null;
    settings: Setting[];
    scenes: SceneSupport | null;
    consent: ConsentRule[];
};
export type SceneSupport = {
    together: boolean;
    layouts: string[];
    avatars: string | null;
    voices: string | null;
};
export type StockEntry = {
    id: string;
    name: string;
    gender: string | null;
    languages: string[];
};
export type Setting = {
    setting: string;
    takes: string[];
    minimum: number | null;
    maximum: number | null;
};
export type ConsentRule = {
    provider: string;
    demands: "record" | "evidence" | "action";
    text: string;
};
export type Page<T> = {
    items: T[];
    cursor: string | null;
};
/**
 * @typedef {{type?: string | null, code?: string, message: string}} Problem
 * @typedef {{code?: string, severity: "error" | "warning", message: string}} Finding
 * @typedef {"voice" | "footage" | "evidence" | "recording"} Role
 * @typedef {{id: string, clone_id: string, role: Role, name: string, size: number, media_type: string, created_at: number}} Sample
 * @typedef {{kind: string, message: string, choices: string[], url?: string | null, text?: string | null,
 *   expires_at?: number | null, recording?: "audio" | "video" | null}} Action
 * @typedef {{operation: string, provider: string, state: string, cost: string | null}} Operation
 * @typedef {{id: string, kind: "training" | "video", clone_id: string, training_id?: string | null, name: string,
 *   stack: string, consent_id: string | null, status: string, progress: number, estimated: boolean, version: number,
 *   action: Action | null, error: Problem | null, operations: Operation[], created_at: number,
 *   links: Record<string, string>, script?: string | null, estimate?: {seconds: number, basis: string}}} RecordAnswer
 * @typedef {{id: string, subject: string | null, real_person: boolean, wording_version: string,
 *   given_at: number | null, revoked_at: number | null, evidence: {size: number, media_type: string} | null}} Consent
 * @typedef {{clone_id: string, samples: number, trainings: number, created_at: number, updated_at: number}} Clone
 * @typedef {{id: string, status: "running" | "needs_person" | "completed", requested_at: number, digest: string,
 *   deleted: {where: string, what: string, count: number}[],
 *   remaining: {where: string, what: string, count: number, why: string, pending: boolean}[]}} Erasure
 * @typedef {{provider: string, event_type: string, record_id: string | null, signed: boolean, outcome: string,
 *   received_at: number}} Delivery
 * @typedef {{total: string | null, known: string, used: string, unknown: string[]}} Costs
 * @typedef {{stack: string, low: Costs, expected: Costs, high: Costs, assumptions: string[], oldest: string}} Quote
 * @typedef {{stack: string, how: string, ready: boolean, problem: string | null, quote: {expected: Costs} | null,
 *   settings: Setting[], scenes: SceneSupport | null, consent: ConsentRule[]}} Stack
 * @typedef {{together: boolean, layouts: string[], avatars: string | null, voices: string | null}} SceneSupport
 * @typedef {{id: string, name: string, gender: string | null, languages: string[]}} StockEntry
 * @typedef {{setting: string, takes: string[], minimum: number | null, maximum: number | null}} Setting
 * @typedef {{provider: string, demands: "record" | "evidence" | "action", text: string}} ConsentRule
 */
/**
 * @template T
 * @typedef {{items: T[], cursor: string | null}} Page
 */
export declare const FINAL: string[];
/** An error that the server told, or `network` if there was no answer. */
export declare class ApiError extends Error {
    status: number;
    code: string;
    /** @type {Finding[]} */
    findings: Finding[];
    /**
     * @param {number} status
     * @param {string} code what is wrong, such as `consent_required`
     * @param {string} message
     * @param {Record<string, any>} [body]
     */
    constructor(status: number, code: string, message: string, body?: Record<string, any>);
    /**
     * @param {number} status
     * @param {unknown} body parsed JSON, if it was JSON
     * @param {string} [reason]
     */
    static of(status: number, body: unknown, reason?: string): ApiError;
}
/**
 * Wait, but not beyond an abort or the return of the network.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export declare const pause: (ms: number, signal?: AbortSignal) => Promise<void>;
/** Create a random name, such as an idempotency key or a clone ID. */
export declare const fresh: (bytes?: number) => string;
/**
 * Read JSON of the API: times become seconds since 1970, money its amount, and costs a text.
 * @param {string} text
 */
export declare const decoded: (text: string) => any;
/** @param {Response} response */
export declare const parsed: (response: Response) => Promise<any>;
export type Watch = {
    last: string | null;
    final: boolean;
    heard: boolean;
};
/** HTTP client of the API at `base`. */
export declare class Client {
    #private;
    base: URL;
    token: string | null;
    getToken: (() => string | null | Promise<string | null>) | null;
    /** The server's clock minus ours, in ms. */
    skew: number;
    /**
     * @param {string} [base] address of the API, relative to the page
     * @param {string | null} [token] bearer token; without one the browser's cookie is sent
     * @param {(() => string | null | Promise<string | null>) | null} [getToken] asked at the first request, and
     *   again after a 401
     */
    constructor(base?: string, token?: string | null, getToken?: (() => string | null | Promise<string | null>) | null);
    /** @param {string} path */
    url(path: string): string;
    /** @param {Record<string, string>} [more] */
    headers(more?: Record<string, string>): Record<string, string>;
    /** Ask the page for a token; false if it has no other one. */
    renew(): Promise<boolean>;
    /**
     * Send a request; a 401 is sent once more with a new token of `getToken`.
     * @param {string} path
     * @param {{headers?: Record<string, string>, method?: string, body?: BodyInit, signal?: AbortSignal, keepalive?: boolean}} [rest]
     * @returns {Promise<Response>}
     */
    fetch(path: string, { headers, ...rest }?: {
        headers?: Record<string, string>;
        method?: string;
        body?: BodyInit;
        signal?: AbortSignal;
        keepalive?: boolean;
    }): Promise<Response>;
    /**
     * @param {string} path
     * @param {{signal?: AbortSignal, method?: string}} [rest]
     */
    get(path: string, rest?: {
        signal?: AbortSignal;
        method?: string;
    }): Promise<any>;
    /**
     * DELETE; what is gone already is no error.
     * @param {string} path
     */
    delete(path: string): Promise<any>;
    /**
     * POST with an idempotency key, which stays the same until a response arrives.
     * @param {string} path
     * @param {object} [body]
     */
    post(path: string, body?: object): Promise<any>;
    /** @returns {Promise<Stack[]>} */
    stacks(): Promise<Stack[]>;
    /** List other stacks that can be used here. @param {string} stack */
    others(stack: string): Promise<Stack[]>;
    /**
     * @param {{stack?: string, script?: string, seconds?: number, trainings?: number, videos?: number,
     *   quality?: string, resolution?: string}} asked
     * @returns {Promise<Quote>}
     */
    quote(asked: {
        stack?: string;
        script?: string;
        seconds?: number;
        trainings?: number;
        videos?: number;
        quality?: string;
        resolution?: string;
    }): Promise<Quote>;
    /**
     * List a provider's stock of avatars or voices.
     * @param {string} provider
     * @param {"avatar" | "voice"} kind
     * @param {{query?: string, cursor?: string | null}} [asked]
     * @returns {Promise<Page<StockEntry>>}
     */
    stock(provider: string, kind: "avatar" | "voice", asked?: {
        query?: string;
        cursor?: string | null;
    }): Promise<Page<StockEntry>>;
    /**
     * List a clone's samples; empty for an unknown clone.
     * @param {string} clone
     * @returns {Promise<Sample[]>}
     */
    samples(clone: string): Promise<Sample[]>;
    /** List the profiles that hold recordings or trainings, the latest change first. @returns {Promise<Clone[]>} */
    clones(): Promise<Clone[]>;
    /**
     * Load a stored recording.
     * @param {string} clone
     * @param {string} id
     * @returns {Promise<Blob>}
     */
    sampleContent(clone: string, id: string): Promise<Blob>;
    /**
     * @param {string} clone
     * @param {string} id
     */
    deleteSample(clone: string, id: string): Promise<any>;
    /**
     * True if the server still has an uploaded file that no request has used yet.
     * @param {string} clone
     * @param {Role} role
     * @param {string} name
     */
    uploaded(clone: string, role: Role, name: string): Promise<boolean>;
    /**
     * Upload a file by tus 1.0; it goes on where it was cut, after a reload too if the same file is chosen.
     * @param {string} clone
     * @param {Role} role
     * @param {File} file
     * @param {{progress?: (percent: number) => void, paused?: () => void, stack?: string, signal?: AbortSignal}} [options]
     * @returns {Promise<{sample: Sample | null, findings: Finding[]}>}
     */
    upload(clone: string, role: Role, file: File, options?: {
        progress?: (percent: number) => void;
        paused?: () => void;
        stack?: string;
        signal?: AbortSignal;
    }): Promise<{
        sample: Sample | null;
        findings: Finding[];
    }>;
    /**
     * @param {{cursor?: string | null, limit?: number, status?: string, clone_id?: string}} [asked]
     * @returns {Promise<Page<RecordAnswer>>}
     */
    trainings(asked?: {
        cursor?: string | null;
        limit?: number;
        status?: string;
        clone_id?: string;
    }): Promise<Page<RecordAnswer>>;
    /**
     * @param {"trainings" | "videos"} kind
     * @param {string} id
     * @param {AbortSignal} [signal]
     * @returns {Promise<RecordAnswer>}
     */
    record(kind: "trainings" | "videos", id: string, signal?: AbortSignal): Promise<RecordAnswer>;
    /**
     * @param {object} body
     * @returns {Promise<RecordAnswer>}
     */
    train(body: object): Promise<RecordAnswer>;
    /**
     * @param {string} training
     * @param {{cursor?: string | null, limit?: number}} [asked]
     * @param {AbortSignal} [signal]
     * @returns {Promise<Page<RecordAnswer>>}
     */
    videos(training: string, asked?: {
        cursor?: string | null;
        limit?: number;
    }, signal?: AbortSignal): Promise<Page<RecordAnswer>>;
    /**
     * @param {string} training
     * @param {object} body
     * @returns {Promise<RecordAnswer>}
     */
    speak(training: string, body: object): Promise<RecordAnswer>;
    /**
     * Answer a required action.
     * @param {"trainings" | "videos"} kind
     * @param {string} id
     * @param {{choice: string, job_id?: string, recording?: string}} answer
     * @returns {Promise<RecordAnswer>}
     */
    act(kind: "trainings" | "videos", id: string, answer: {
        choice: string;
        job_id?: string;
        recording?: string;
    }): Promise<RecordAnswer>;
    /**
     * @param {"trainings" | "videos"} kind
     * @param {string} id
     * @returns {Promise<RecordAnswer>}
     */
    cancel(kind: "trainings" | "videos", id: string): Promise<RecordAnswer>;
    /**
     * Delete a record, a training with its videos.
     * @param {"trainings" | "videos"} kind
     * @param {string} id
     */
    remove(kind: "trainings" | "videos", id: string): Promise<any>;
    /** @returns {Promise<Consent[]>} */
    consents(): Promise<Consent[]>;
    /** Withdraw a consent: nothing new is made by it. @param {string} id @returns {Promise<{consent: Consent, remaining: object[]}>} */
    withdraw(id: string): Promise<{
        consent: Consent;
        remaining: object[];
    }>;
    /** Delete the evidence of a consent. @param {string} id */
    deleteEvidence(id: string): Promise<any>;
    /** Erase everything of the user. @returns {Promise<Erasure>} */
    erase(): Promise<Erasure>;
    /** Tell how far an erasure is. @param {string} id @returns {Promise<Erasure>} */
    erasure(id: string): Promise<Erasure>;
    /**
     * @param {{cursor?: string | null, limit?: number}} [asked]
     * @returns {Promise<Page<Delivery>>}
     */
    deliveries(asked?: {
        cursor?: string | null;
        limit?: number;
    }): Promise<Page<Delivery>>;
    /**
     * Watch a record until it is final; `lost` gets true while there is no connection.
     * @param {"trainings" | "videos"} kind
     * @param {string} id
     * @param {{signal: AbortSignal, change: (record: RecordAnswer) => void, lost?: (away: boolean) => void}} heard
     */
    watch(kind: "trainings" | "videos", id: string, { signal, change, lost }: {
        signal: AbortSignal;
        change: (record: RecordAnswer) => void;
        lost?: (away: boolean) => void;
    }): Promise<void>;
    /**
     * Watch all unfinished trainings and videos of the user, until it is aborted.
     * @param {{signal: AbortSignal, change: (record: RecordAnswer) => void, again: () => Promise<void>}} heard `again`
     *   is called where no stream is free: it asks for the records itself
     */
    watchAll({ signal, change, again }: {
        signal: AbortSignal;
        change: (record: RecordAnswer) => void;
        again: () => Promise<void>;
    }): Promise<void>;
}
