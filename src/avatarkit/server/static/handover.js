// Hand-over: a code by which a phone does a recording step, whose file arrives here.

import { pause } from "./client.js";
import { h } from "./element.js";

export { extend } from "./phone-strings.js";

/**
 * @typedef {import("./client.js").ApiError} ApiError
 * @typedef {import("./client.js").Finding} Finding
 * @typedef {import("./client.js").Sample} Sample
 * @typedef {import("./element.js").AvatarElement} AvatarElement
 * @typedef {import("./recorder.js").Asked} Asked
 * @typedef {{name: string, sample: Sample | null, findings: Finding[]}} Arrived
 * @typedef {{id: string, status: "waiting" | "opened" | "completed" | "expired", name: string | null, percent: number,
 *   upload: {sample: Sample | null, findings: Finding[]} | null, link: string, qr: string[]}} Answer
 */

export const CSS = `
.handover { display: grid; gap: .75rem; justify-items: center; padding: 1rem; background: var(--_tint); width: 100%; text-align: center; }
.handover svg { width: min(17rem, 72vw); border-radius: 12px; background: #fff; } .handover .big { font-size: 4rem; line-height: 1; }
.handover code { font-size: .85rem; overflow-wrap: anywhere; user-select: all; } .handover progress { width: min(20rem, 90%); }
`;

const EVERY = 1500; // ms between looks at what the phone does
const MARGIN = 4; // white modules around a code, as readers need them

/** True for an address that other devices cannot reach. @param {string} host */
const loopback = (host) => /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);

/** Draw a code. @param {string[]} rows @param {string} label */
const drawn = (rows, label) => {
  const made = (/** @type {string} */ tag, /** @type {Record<string, unknown>} */ given) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(given)) element.setAttribute(name, String(value));
    return element;
  };
  const size = rows.length + 2 * MARGIN;
  const dark = rows.flatMap((row, y) => [...row.matchAll(/1+/g)].map(({ 0: run, index: x }) => `M${x + MARGIN} ${y + MARGIN}h${run.length}v1h-${run.length}z`));
  const picture = made("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" });
  picture.append(made("path", { d: dark.join(""), fill: "#000" }));
  return picture;
};

/**
 * Let a phone record: show the code, and wait until the recording has arrived; null if it never does.
 * @param {AvatarElement} host
 * @param {Asked} asked
 * @param {HTMLElement} stage what shows the code and its state
 * @param {AbortSignal} signal ends the hand-over, and with it the link
 * @returns {Promise<Arrived | null>}
 */
export const handOver = async (host, asked, stage, signal) => {
  const place = h("div", { class: "handover", part: "handover" });
  stage.replaceChildren(place);
  const say = (/** @type {string} */ text) => h("p", { role: "status" }, host.say(text));
  const page = new URL(host.getAttribute("phone-page") ?? "phone", host.api.base).href;
  if (loopback(new URL(page).hostname)) {
    place.append(h("p", { class: "big", "aria-hidden": "true" }, "📵"), say("phone_local"));
    return null;
  }
  const all = `clones/${encodeURIComponent(asked.clone ?? "")}/handovers`;
  const body = { role: asked.role, media: asked.kind, page, text: asked.text, language: host.language, stack: asked.stack || null };
  /** @type {Answer} */
  const { id, link, qr } = await host.api.post(all, body);
  const own = `${all}/${id}`;
  let finished = false;
  const end = () => finished || host.api.fetch(own, { method: "DELETE", keepalive: true }).catch(() => {});
  addEventListener("pagehide", end);
  signal.addEventListener("abort", end);
  try {
    if (signal.aborted) {
      end(); // it was closed meanwhile
      return null;
    }
    place.append(drawn(qr, host.say("phone_code")), say("phone_scan"),
      h("details", { class: "small" }, h("summary", {}, host.say("phone_link")), h("code", {}, link)));
    return await arrival(host, own, place, signal);
  } finally {
    finished = true;
    removeEventListener("pagehide", end);
    signal.removeEventListener("abort", end);
  }
};

/** @param {AvatarElement} host @param {string} own @param {HTMLElement} place @param {AbortSignal} signal @returns {Promise<Arrived | null>} */
const arrival = async (host, own, place, signal) => {
  const text = h("p", { role: "status" });
  const bar = h("progress", { max: 100, hidden: true, "aria-label": host.say("phone_arriving") });
  while (!signal.aborted) {
    await pause(EVERY, signal);
    /** @type {Answer | null} */
    const now = await host.api.get(own, { signal }).catch((/** @type {ApiError} */ { status }) => (status === 404 ? { status: "expired" } : null));
    if (signal.aborted || !now) continue; // the network is away for a moment
    if (now.status === "completed") return { ...now.upload, name: now.name ?? "", sample: now.upload?.sample ?? null, findings: now.upload?.findings ?? [] };
    if (now.status === "expired") {
      place.replaceChildren(h("p", { role: "status" }, host.say("phone_expired")));
      return null;
    }
    if (now.status !== "opened") continue;
    if (!text.isConnected) place.replaceChildren(h("p", { class: "big", "aria-hidden": "true" }, "📱"), text, bar);
    bar.hidden = !now.percent;
    bar.value = now.percent;
    const said = host.say(now.percent ? "phone_arriving" : "phone_opened");
    if (text.textContent !== said) text.textContent = said;
  }
  return null;
};
