// The studio: pages made of the elements, by the address after #.

import { Client, FINAL, fresh } from "./client.js";
import { LANGUAGES, STRINGS, busy, direction, explained, language, loaded, wait } from "./element.js";

/** @typedef {import("./client.js").RecordAnswer} RecordAnswer */
/** @typedef {import("./client.js").ApiError} ApiError */

const api = new Client("./");
const LANGUAGE = "avatarkit-language";

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @template {keyof HTMLElementTagNameMap} T @param {T} tag */
const one = (tag) => /** @type {HTMLElementTagNameMap[T]} */ (document.querySelector(tag));

/** @param {string} name @param {Record<string, unknown>} [values] */
const say = (name, values = {}) => {
  const key = /** @type {keyof typeof STRINGS} */ (name);
  const text = loaded(document.documentElement.lang)?.[key] ?? STRINGS[key] ?? name;
  return text.replace(/\{(\w+)\}/g, (all, part) => String(values[part] ?? all));
};

// -- languages ------------------------------------------------------------------------------------

const choice = /** @type {HTMLSelectElement} */ ($("language"));
choice.append(...Object.entries(LANGUAGES).map(([tag, name]) => Object.assign(document.createElement("option"), { value: tag, textContent: name, lang: tag })));

/** @param {string} tag */
const speak = async (tag) => {
  await language(tag);
  document.documentElement.lang = tag;
  document.documentElement.dir = direction(tag);
  choice.value = tag;
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-say]"))) place.textContent = say(place.dataset.say ?? "");
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-label]"))) place.setAttribute("aria-label", say(place.dataset.label ?? ""));
  for (const element of document.querySelectorAll("main *")) if (element.localName.startsWith("avatar-")) element.setAttribute("lang", tag);
};

const preferred = () => {
  const wanted = [localStorage.getItem(LANGUAGE), ...navigator.languages].map((tag) => tag?.split("-")[0] ?? "");
  return wanted.find((tag) => tag in LANGUAGES) ?? "en";
};

choice.addEventListener("change", () => {
  localStorage.setItem(LANGUAGE, choice.value);
  speak(choice.value).then(turn);
});

// -- notices and errors -----------------------------------------------------------------------------

/** @type {ReturnType<typeof setTimeout> | undefined} */
let noticed;
/** @param {string} text */
const notice = (text) => {
  $("notice").textContent = text;
  $("notice").hidden = false;
  clearTimeout(noticed);
  noticed = setTimeout(() => ($("notice").hidden = true), 5000);
};

/** @param {() => Promise<void>} work */
const trying = async (work) => {
  $("avatar-problem").hidden = true;
  try {
    await work();
  } catch (error) {
    $("avatar-problem").textContent = say(explained(/** @type {ApiError} */ (error)));
    $("avatar-problem").hidden = false;
  }
};

document.addEventListener("avatar-erased", () => list.restart());
document.addEventListener("avatar-notice", (event) => notice(/** @type {CustomEvent} */ (event).detail));

// -- one avatar -------------------------------------------------------------------------------------

const hero = /** @type {HTMLDialogElement} */ ($("hero"));
const training = one("avatar-training");
const talk = one("avatar-speak");
const gallery = one("avatar-gallery");
const create = one("avatar-create");
const list = one("avatar-list");

/** Show the progress in the page, or above everything. @param {boolean} above */
const place = (above) => {
  if (hero.open) hero.close();
  if (above) hero.showModal();
  else hero.show();
};

/** @param {RecordAnswer} record */
const facts = (record) => {
  /** @type {[string, string][]} */
  const shown = [
    ["ID", record.id],
    [say("stack"), record.stack],
    [say("created"), new Date(record.created_at * 1000).toLocaleString(document.documentElement.lang)],
    ...record.operations.map((o) => /** @type {[string, string]} */ ([say(`step_${o.operation}`), [o.provider, o.state, o.cost].filter(Boolean).join(" · ")])),
  ];
  $("facts").replaceChildren(
    ...shown.flatMap(([name, text]) => [
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: text }),
    ]),
  );
};

let open = ""; // the ID of the avatar that is shown
/** @type {RecordAnswer | null} */
let current = null; // its record
let done = true; // true if it was final when it was first seen

/** @param {RecordAnswer} record */
const shown = (record) => {
  if (record.id !== open) return;
  const name = record.name || say("avatar");
  const final = FINAL.includes(record.status);
  const ready = record.status === "completed";
  $("avatar-name").textContent = name;
  $("avatar-about").textContent = record.stack;
  $("cancel").hidden = final;
  $("background").textContent = say(final ? "close" : "background");
  $("notify").hidden = final || !("Notification" in globalThis) || Notification.permission !== "default";
  $("talk").hidden = $("videos").hidden = !ready;
  talk.stack = record.stack;
  if (record.links.thumbnail && !gallery.getAttribute("poster")) gallery.setAttribute("poster", api.url(record.links.thumbnail));
  const known = current !== null;
  current = record;
  if (!known) details(); // they may be open already
  $("again").hidden = record.status !== "completed"; // the element has its own after a failure
  $("told").setAttribute("href", `#deliveries/${encodeURIComponent(record.id)}`);
  facts(record);
  document.title = final ? `${name} · avatarkit` : `${record.progress} % · ${name}`;
  if (final && !done && document.hidden && globalThis.Notification?.permission === "granted") {
    new Notification(name, { body: say(ready ? "completed" : "failed"), icon: "static/icon.svg" });
  }
  done = final;
  list.refresh();
};

training.addEventListener("avatar-change", (event) => shown(event.detail));
document.addEventListener("avatar-video", (event) => gallery.add(/** @type {CustomEvent} */ (event).detail));
/** Begin a new avatar with the recordings of another one. @param {() => unknown} work */
const renew = (work) => {
  addEventListener("hashchange", work, { once: true }); // after the page is shown
  location.hash = "#new";
};
const again = (/** @type {{clone_id: string}} */ { clone_id: clone }) => renew(() => (create.cloneId = clone));
const other = (/** @type {RecordAnswer} */ record) => renew(() => create.tryOther(record));
training.addEventListener("avatar-again", (event) => again(event.detail));
training.addEventListener("avatar-other", (event) => other(event.detail));
$("again").addEventListener("click", () => current && again(current));
$("other").addEventListener("click", () => current && other(current));

/** Show what is stored of the avatar, when it is asked for. */
const details = async () => {
  if (!(/** @type {HTMLDetailsElement} */ ($("more")).open) || !current) return;
  const { id, stack } = current;
  const element = Object.assign(document.createElement("avatar-data"), { trainingId: id });
  await import("./avatar-data.js");
  $("stored").replaceChildren(element);
  $("other").hidden = !(await api.others(stack).catch(() => [])).length;
};
$("more").addEventListener("toggle", details);
$("background").addEventListener("click", () => place(false));
hero.addEventListener("cancel", (event) => (event.preventDefault(), place(false)));
$("notify").addEventListener("click", async () => {
  await Notification.requestPermission();
  $("notify").hidden = true;
});
$("cancel").addEventListener("click", () => trying(async () => void (await api.cancel("trainings", open))));
$("delete").addEventListener("click", async () => {
  const dialog = /** @type {HTMLDialogElement} */ ($("sure"));
  const id = open;
  $("sure-title").textContent = say("delete_avatar", { name: $("avatar-name").textContent });
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  if (dialog.returnValue !== "yes") return;
  await trying(async () => {
    await api.remove("trainings", id);
    list.forget(id);
    location.hash = "#avatars";
    notice(say("deleted"));
  });
});

/** @param {string} id */
const avatar = (id) => {
  if (id === open) return;
  open = id;
  done = true;
  current = null;
  /** @type {HTMLDetailsElement} */ ($("more")).open = false;
  $("stored").replaceChildren();
  $("other").hidden = true;
  $("avatar-name").textContent = $("avatar-about").textContent = "";
  $("talk").hidden = $("videos").hidden = $("cancel").hidden = true;
  gallery.removeAttribute("poster");
  training.trainingId = talk.trainingId = gallery.trainingId = id;
  place(false);
};

// -- new avatars --------------------------------------------------------------------------------------

create.addEventListener("avatar-created", (event) => {
  list.refresh();
  location.hash = `#avatar/${event.detail.id}`;
  turn();
  place(true);
});

list.addEventListener("avatar-new", () => (location.hash = "#new"));
list.addEventListener("avatar-example", async () => {
  const button = /** @type {HTMLButtonElement | null} */ (list.shadowRoot?.querySelector("[part=example]"));
  if (button && busy(button)) return;
  if (button) wait(button, true);
  try {
    const clone = fresh(10);
    /** @param {"footage" | "voice"} role @param {string} name @param {string} type */
    const send = async (role, name, type) => {
      const blob = await (await fetch(`example/${name}`)).blob();
      await api.upload(clone, role, new File([blob], name, { type }), { stack: "local" });
    };
    await Promise.all([send("footage", "portrait.jpg", "image/jpeg"), send("voice", "voice.wav", "audio/wav")]);
    const consent = { not_a_real_person: "the built-in example: a drawn portrait and a synthetic voice" };
    const record = await api.train({ clone_id: clone, consent, stack: "local", name: say("example_name") });
    list.refresh();
    location.hash = `#avatar/${record.id}`;
    turn();
    place(true);
  } catch (error) {
    notice(say(explained(/** @type {ApiError} */ (error))));
  }
  if (button) wait(button, false);
});

// -- pages --------------------------------------------------------------------------------------------

function turn() {
  const [, name = "avatars", id = ""] = /^#(\w+)(?:\/(.+))?$/.exec(location.hash) ?? [];
  if (name === "main") return; // the link that skips to the content
  const page = document.querySelector(`#${CSS.escape(name)}.page`) ? name : "avatars";
  for (const other of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".page"))) other.hidden = other.id !== page;
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("nav a"))) {
    if (link.hash === `#${page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (page === "new") import("./avatar-create.js");
  if (page !== "avatar") {
    document.title = "avatarkit";
    open = "";
    hero.close(); // nothing else can be used while it is above a page that is hidden
    training.trainingId = talk.trainingId = gallery.trainingId = null;
  } else {
    avatar(decodeURIComponent(id));
    for (const name of ["training", "speak", "gallery"]) import(`./avatar-${name}.js`); // not before one is opened
  }
  if (["data", "deliveries", "operations"].includes(page)) {
    const element = document.createElement(`avatar-${page}`); // a new one, which shows what is stored now
    if (id) element.setAttribute("search", decodeURIComponent(id));
    import(`./avatar-${page}.js`).then(() => $(page).replaceChildren(element));
  }
}

addEventListener("hashchange", () => {
  turn();
  $("main").focus({ preventScroll: true }); // what had the focus may be hidden now
  scrollTo(0, 0);
});

const operators = async () => {
  const user = await api.get("me").catch(() => null);
  for (const link of document.querySelectorAll("[data-operators]")) link.toggleAttribute("hidden", !user?.operator);
};

await speak(preferred());
await import("./avatar-list.js"); // the page names it, so that it is here already
turn();
operators();
