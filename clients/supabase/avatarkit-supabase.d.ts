/**
 * Generate a video with a trained avatar by the HTTP API at `api`; watch it with `watchVideo`.
 *
 * The same text is not sent twice while its answer is unknown. Throws `ApiError`.
 *
 * @param {SupabaseClient} supabase
 * @param {string} api Address of the HTTP API.
 * @param {string} trainingId
 * @param {string} text
 * @param {{ idempotencyKey?: string, signal?: AbortSignal }} [options]
 * @returns {Promise<{ id: string, status: Status, progress: number }>}
 */
export function createVideo(supabase: SupabaseClient, api: string, trainingId: string, text: string, { idempotencyKey, signal }?: {
    idempotencyKey?: string;
    signal?: AbortSignal;
}): Promise<{
    id: string;
    status: Status;
    progress: number;
}>;
/** An answer of the HTTP API that is no success. */
export class ApiError extends Error {
    /**
     * @param {string} message
     * @param {{ status?: number, code?: string, requestId?: string | null }} [about]
     */
    constructor(message: string, { status, code, requestId }?: {
        status?: number;
        code?: string;
        requestId?: string | null;
    });
    /** HTTP status; 0 if there was no answer. */
    status: number;
    /** Code that stays, such as `consent_required`. */
    code: string;
    requestId: string | null;
}
export function watchTraining(supabase: SupabaseClient, trainingId: string, show: (state: State) => void, options?: Options): () => void;
export function watchVideo(supabase: SupabaseClient, videoId: string, show: (state: State) => void, options?: Options): () => void;
/**
 * Watch avatarkit's records in Supabase, and generate videos, from a page that uses supabase-js.
 */
export type SupabaseClient = import("@supabase/supabase-js").SupabaseClient<any, any, any>;
/**
 * Watch avatarkit's records in Supabase, and generate videos, from a page that uses supabase-js.
 */
export type Status = "pending" | "processing" | "training" | "action_required" | "completed" | "failed" | "cancelled";
/**
 * What a person must do; answer it with the HTTP API.
 */
export type Action = {
    kind: string;
    /**
     * Text for the person.
     */
    message: string;
    /**
     * Every accepted answer.
     */
    choices: string[];
    /**
     * Page to open.
     */
    url: string | null;
    /**
     * Text to read aloud.
     */
    text: string | null;
    /**
     * Seconds since 1970.
     */
    expires_at: number | null;
    /**
     * Kind of recording that is asked for.
     */
    recording: "audio" | "video" | null;
};
/**
 * What a page shows of a training or a video.
 */
export type State = {
    id: string;
    status: Status;
    /**
     * 0 to 100.
     */
    progress: number;
    /**
     * Why it failed; show it as text, not as HTML.
     */
    error: string | null;
    action: Action | null;
    /**
     * Signed link to a picture.
     */
    poster: string | null;
    /**
     * Signed link to the video, or to the avatar's preview.
     */
    video: string | null;
    version: number;
};
/**
 * Watch avatarkit's records in Supabase, and generate videos, from a page that uses supabase-js.
 */
export type Problem = {
    code: "not_found" | "refused";
    message: string;
};
/**
 * Watch avatarkit's records in Supabase, and generate videos, from a page that uses supabase-js.
 */
export type Options = {
    /**
     * Told once of each problem: an unknown, deleted or foreign ID, or a refused read.
     */
    onError?: ((problem: Problem) => void) | undefined;
    /**
     * Milliseconds between looks while Realtime is away; 5000 by default.
     */
    interval?: number | undefined;
    /**
     * Lifetime of links; an hour by default.
     */
    linkSeconds?: number | undefined;
};
