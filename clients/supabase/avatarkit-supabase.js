// @ts-check
/**
 * Watch avatarkit's records in Supabase, and generate videos, from a page that uses supabase-js.
 *
 * @typedef {import("@supabase/supabase-js").SupabaseClient<any, any, any>} SupabaseClient
 *
 * @typedef {"pending" | "processing" | "training" | "action_required" | "completed" | "failed" | "cancelled"} Status
 *
 * @typedef {object} Action What a person must do; answer it with the HTTP API.
 * @property {string} kind
 * @property {string} message Text for the person.
 * @property {string[]} choices Every accepted answer.
 * @property {string | null} url Page to open.
 * @property {string | null} text Text to read aloud.
 * @property {number | null} expires_at Seconds since 1970.
 * @property {"audio" | "video" | null} recording Kind of recording that is asked for.
 *
 * @typedef {object} State What a page shows of a training or a video.
 * @property {string} id
 * @property {Status} status
 * @property {number} progress 0 to 100.
 * @property {string | null} error Why it failed; show it as text, not as HTML.
 * @property {Action | null} action
 * @property {string | null} poster Signed link to a picture.
 * @property {string | null} video Signed link to the video, or to the avatar's preview.
 * @property {number} version
 *
 * @typedef {object} Problem
 * @property {"not_found" | "refused"} code
 * @property {string} message
 *
 * @typedef {object} Options
 * @property {(problem: Problem) => void} [onError] Told once of each problem: an unknown, deleted or foreign ID, or a refused read.
 * @property {number} [interval] Milliseconds between looks while Realtime is away; 5000 by default.
 * @property {number} [linkSeconds] Lifetime of links; an hour by default.
 */

const FINAL = ["completed", "failed", "cancelled"];
const TABLES = {
  training: { table: "avatar_training", poster: "avatar_thumbnail_url", video: "avatar_video_url" },
  video: { table: "avatar_videos", poster: "thumbnail_url", video: "video_url" },
};

/** An answer of the HTTP API that is no success. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, code?: string, requestId?: string | null }} [about]
   */
  constructor(message, { status = 0, code = "unknown", requestId = null } = {}) {
    super(message);
    this.name = "ApiError";
    /** HTTP status; 0 if there was no answer. */
    this.status = status;
    /** Code that stays, such as `consent_required`. */
    this.code = code;
    this.requestId = requestId;
  }
}

/**
 * Tell `show` of a training now and at each change; returns a function that stops.
 *
 * @param {SupabaseClient} supabase
 * @param {string} trainingId
 * @param {(state: State) => void} show
 * @param {Options} [options]
 * @returns {() => void}
 */
export const watchTraining = (supabase, trainingId, show, options) =>
  watch(supabase, TABLES.training, trainingId, show, options);

/**
 * Tell `show` of a video now and at each change; returns a function that stops.
 *
 * @param {SupabaseClient} supabase
 * @param {string} videoId
 * @param {(state: State) => void} show
 * @param {Options} [options]
 * @returns {() => void}
 */
export const watchVideo = (supabase, videoId, show, options) =>
  watch(supabase, TABLES.video, videoId, show, options);

/**
 * @param {SupabaseClient} supabase
 * @param {{ table: string, poster: string, video: string }} of
 * @param {string} id
 * @param {(state: State) => void} show
 * @param {Options} [options]
 */
function watch(supabase, of, id, show, { onError = () => {}, interval = 5000, linkSeconds = 3600 } = {}) {
  const columns = `id,status,progress,error_message,action,version,${of.poster},${of.video}`;
  let newest = -1;
  let stopped = false;
  /** @type {string | null} */
  let told = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;

  /** @param {string | null} key */
  const link = async (key) => {
    if (!key) return null;
    const { data } = await supabase.storage.from("avatar-results").createSignedUrl(key, linkSeconds);
    return data?.signedUrl ?? null;
  };

  /** @param {Record<string, any>} row */
  const tell = async (row) => {
    const version = Number(row.version);
    if (stopped || version <= newest) return;
    newest = version;
    const [poster, video] = await Promise.all([link(row[of.poster]), link(row[of.video])]);
    if (stopped || version !== newest) return; // a later change came while links were made
    told = null;
    if (FINAL.includes(row.status)) stop();
    const { status, progress, error_message: error, action = null } = row;
    show({ id, status, progress, error, action, poster, video, version });
  };

  /** @param {Problem} problem */
  const fail = (problem) => {
    if (stopped || told === problem.message) return;
    told = problem.message;
    onError(problem);
  };

  const look = async () => {
    if (stopped) return;
    const { data, error } = await supabase.from(of.table).select(columns).eq("id", id).maybeSingle();
    if (error) fail({ code: "refused", message: error.message });
    else if (data) await tell(/** @type {Record<string, any>} */ (/** @type {unknown} */ (data)));
    else fail({ code: "not_found", message: "It does not exist, was deleted, or belongs to another user." });
  };

  // The topic is new for each watch: supabase-js hands out the channel of an equal topic again, and
  // one that is subscribed takes no more callbacks.
  const channel = supabase
    .channel(`avatarkit-${id}-${crypto.randomUUID()}`)
    .on(
      "postgres_changes",
      { event: "UPDATE", schema: "public", table: of.table, filter: `id=eq.${id}` },
      // The row of an event lacks what Realtime leaves out of large rows: read it.
      ({ new: row }) => void (row.status === undefined ? look() : tell(row)),
    )
    .subscribe((state) => {
      if (stopped) return;
      clearInterval(timer);
      if (state === "SUBSCRIBED") timer = setInterval(look, 6 * interval); // deletions are not told
      else timer = setInterval(look, interval);
      void look(); // what changed before, and while Realtime was away
    });
  timer ??= setInterval(look, interval);
  void look();

  const stop = () => {
    if (stopped) return;
    stopped = true;
    clearInterval(timer);
    void supabase.removeChannel(channel);
  };
  return stop;
}

/** Keys of requests whose answer is not known, so that a repeated press does not pay twice.
 * @type {Map<string, string>} */
const keys = new Map();

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
export async function createVideo(supabase, api, trainingId, text, { idempotencyKey, signal } = {}) {
  const { data } = await supabase.auth.getSession();
  if (!data.session) throw new ApiError("Sign in first.", { status: 401, code: "not_authenticated" });
  const path = `${api.replace(/\/$/, "")}/trainings/${encodeURIComponent(trainingId)}/videos`;
  const request = `${path} ${text}`;
  const key = idempotencyKey ?? keys.get(request) ?? crypto.randomUUID();
  keys.set(request, key);
  const response = await fetch(path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${data.session.access_token}`,
      "content-type": "application/json",
      "idempotency-key": key,
    },
    body: JSON.stringify({ text }),
    signal,
  }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached. Try again.", { code: "unreachable" });
  });
  const body = await response.json().catch(() => null); // a proxy may answer with a page
  if (response.status < 500 && body !== null) keys.delete(request);
  if (response.ok && body !== null) return body;
  const { message, code, request_id: requestId = null } = body?.error ?? {};
  throw new ApiError(message ?? `The server answered ${response.status}.`, { status: response.status, code, requestId });
}
