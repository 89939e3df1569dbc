// The dashboard, which uses only the public HTTP API.

import { Client } from "./avatar-training.js";

const $ = (id) => document.getElementById(id);
const api = new Client("./");
const DRAFT = "avatarkit-draft";

const h = (tag, given = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), given);
  made.append(...children);
  return made;
};

const say = (id, text) => {
  $(id).textContent = text;
  $(id).hidden = !text;
};

/** Run `work`; show its error at `place`. */
const trying = async (work, place = "problem") => {
  say(place, "");
  try {
    return await work();
  } catch (error) {
    say(place, error.status === 401 ? "You are not signed in. Open the address that `avatarkit serve` printed, or sign in to the application." : error.message);
    return null;
  }
};

// -- recordings ---------------------------------------------------------------------------------

const random = () => Array.from(crypto.getRandomValues(new Uint8Array(10)), (b) => b.toString(16).padStart(2, "0")).join("");

// The draft survives a reload: its clone ID, the name of the evidence, and findings by sample ID.
const emptyDraft = () => ({ clone: random(), evidence: null, findings: {} });
const remembered = () => {
  try {
    return { ...emptyDraft(), ...JSON.parse(localStorage.getItem(DRAFT)) };
  } catch {
    return emptyDraft();
  }
};
let draft = remembered();
const remember = (more = {}) => localStorage.setItem(DRAFT, JSON.stringify(Object.assign(draft, more)));
remember();
const uploading = new Set();

const files = (role) => document.querySelector(`.files[data-role="${role}"]`);

const row = (role, name) => {
  const state = h("span", { className: "state" });
  const findings = h("ul", { className: "findings" });
  const item = h("li", {}, h("div", {}, h("strong", { textContent: name }), " ", state), findings);
  item.dataset.name = name;
  [...files(role).children].find((other) => other.dataset.name === name)?.remove();
  files(role).append(item);
  return {
    item,
    done(text, kind = "good") {
      item.querySelector("progress")?.remove();
      state.className = `state ${kind}`;
      state.textContent = text;
    },
    kept({ id }) {
      const remove = h("button", { type: "button", className: "quiet small", textContent: "Delete" });
      remove.setAttribute("aria-label", `Delete ${name}`);
      remove.addEventListener("click", () =>
        trying(async () => {
          const response = await api.fetch(`clones/${draft.clone}/samples/${encodeURIComponent(id)}`, { method: "DELETE" });
          if (!response.ok && response.status !== 404) throw new Error((await response.json()).error.message);
          item.remove();
          $(role).focus();
        }),
      );
      state.after(" ", remove);
    },
    found(all) {
      findings.replaceChildren(...all.map((f) => h("li", { className: f.severity, textContent: `${f.severity === "error" ? "Problem" : "Note"}: ${f.message}` })));
    },
  };
};

const send = async (role, file) => {
  const { item, done, found, kept } = row(role, file.name);
  if (!file.size) return done("✗ This file is empty. Choose another one.", "error");
  const bar = h("progress", { max: 100, value: 0 });
  bar.setAttribute("aria-label", `Upload of ${file.name}`);
  item.append(bar);
  const work = api.upload(draft.clone, role, file, (percent) => {
    bar.value = percent;
    if (percent === 100) item.querySelector(".state").textContent = "checking...";
  }, $("stack").value ? `?stack=${encodeURIComponent($("stack").value)}` : "");
  uploading.add(work);
  try {
    const { findings = [], sample } = await work;
    done("✓ uploaded");
    found(findings);
    if (sample) {
      kept(sample);
      remember({ findings: { ...draft.findings, [sample.id]: findings } });
    }
    if (role === "evidence") remember({ evidence: file.name });
  } catch (error) {
    done(`✗ ${error.message}`, "error");
    found(error.body?.findings ?? []);
  } finally {
    uploading.delete(work);
  }
};

for (const role of ["voice", "footage", "evidence"]) {
  $(role).addEventListener("change", async ({ target }) => {
    const chosen = [...target.files];
    target.value = "";
    for (const file of chosen) await send(role, file);
  });
}

const stored = () =>
  trying(async () => {
    const { samples } = await api.get(`clones/${draft.clone}/samples`).catch((error) => {
      if (error.status === 404) return { samples: [] };
      throw error;
    });
    for (const sample of samples) {
      if (!files(sample.role)) continue;
      const { done, found, kept } = row(sample.role, sample.name);
      done("✓ uploaded");
      found(draft.findings[sample.id] ?? []);
      kept(sample);
    }
    if (!draft.evidence) return;
    const there = await api.fetch(`clones/${draft.clone}/samples/evidence/${encodeURIComponent(draft.evidence)}`, { method: "HEAD" });
    if (!there.ok) return;
    if (there.headers.has("upload-length")) row("evidence", draft.evidence).done("✓ uploaded");
    else remember({ evidence: null }); // unused evidence is deleted after a day
  });

const startOver = () => {
  draft = emptyDraft();
  remember();
  say("stack-changed", "");
  for (const list of document.querySelectorAll(".files")) list.replaceChildren();
};

$("anew").addEventListener("click", startOver);

// -- consent and providers ----------------------------------------------------------------------

const real = () => document.querySelector('input[name="who"]:checked').value === "real";

for (const radio of document.querySelectorAll('input[name="who"]')) {
  radio.addEventListener("change", () => {
    $("real").hidden = !real();
    $("unreal").hidden = real();
  });
}

let wording = null;

const wordings = () =>
  trying(async () => {
    const { components } = await api.get("openapi.json");
    const given = components.schemas.ConsentGiven.properties;
    wording = { wording: given.wording.examples[0], wording_version: given.wording_version.examples[0] };
    $("wording").textContent = wording.wording;
  });

const dollars = ({ total, known }) => {
  const amount = `$${Number(known).toFixed(2)}`;
  return total === null ? (Number(known) ? `at least ${amount}` : "price unknown") : amount;
};

const option = ({ stack, ready, quote }) =>
  h("option", {
    value: stack,
    disabled: !ready,
    textContent: [stack, quote && dollars(quote.expected), !ready && "not set up"].filter(Boolean).join(" · "),
  });

/** Show the cost of the chosen stack and its assumptions. */
const costs = () =>
  trying(async () => {
    const chosen = $("stack").value;
    const quote = await api.get(`quote?stack=${encodeURIComponent(chosen)}`);
    if ($("stack").value !== chosen) return; // another stack was chosen meanwhile
    const { low, expected, high, oldest } = quote;
    const work = "an avatar and a minute of video in a month";
    const unpriced = expected.total === null && !Number(expected.known);
    $("costs").textContent = unpriced
      ? `The cost of ${work} is unknown. `
      : `For ${work}: ${dollars(expected)} expected, ${dollars(low)} to ${dollars(high)}, prices of ${oldest}. `;
    const details = [...expected.unknown.map((what) => `Unknown: ${what}.`), ...quote.assumptions.map((what) => `Assumed: ${what}.`)];
    $("costs").append(h("details", {}, h("summary", { textContent: "Assumptions" }), h("ul", {}, ...details.map((textContent) => h("li", { textContent })))));
  });
$("stack").addEventListener("change", costs);

const stacks = () =>
  trying(async () => {
    const { stacks: rows } = await api.get("stacks");
    rows.sort((a, b) => b.ready - a.ready);
    $("stack").replaceChildren(
      h("option", { value: "", textContent: "Server default" }),
      ...rows.map(option),
    );
    const missing = rows.filter(({ ready }) => !ready);
    $("stack-about").textContent = missing.length ? `${missing.length} more can be set up: run avatarkit doctor.` : "";
    await costs();
  });

$("stack").addEventListener("change", () => {
  const there = document.querySelector('.files:not([data-role="evidence"]) li');
  say("stack-changed", there ? "These files were checked for another provider. Choose them again to check them for this one." : "");
});

const consent = () => {
  if (!real()) {
    if (!$("reason").value.trim()) throw Object.assign(new Error("Give the reason why this is not a real person."), { field: "reason" });
    return { not_a_real_person: $("reason").value.trim() };
  }
  if (!$("subject").value.trim()) throw Object.assign(new Error("Give the name of the person who agrees."), { field: "subject" });
  return { subject: $("subject").value.trim(), ...wording };
};

$("new").addEventListener("submit", async (event) => {
  event.preventDefault();
  say("form-problem", "");
  let body;
  try {
    body = { clone_id: draft.clone, consent: consent(), stack: $("stack").value || null, name: $("name").value.trim() };
  } catch (error) {
    say("form-problem", error.message);
    if (error.field) $(error.field).focus();
    return;
  }
  $("train").disabled = true;
  await Promise.allSettled(uploading);
  if (body.consent.subject && draft.evidence) body.consent.evidence = draft.evidence; // its upload may just have finished
  const watcher = document.createElement("avatar-training");
  const item = card({ id: "", name: body.name, stack: $("stack").value, created_at: Date.now() / 1000 }, watcher);
  $("list").prepend(item);
  $("none").hidden = true;
  item.scrollIntoView({ block: "nearest" });
  try {
    const record = await watcher.create(body);
    item.dataset.id = record.id;
    startOver();
    $("name").value = "";
  } catch {
    // the element shows the error; the files stay for another attempt
  }
  $("train").disabled = false;
});

// -- the avatars --------------------------------------------------------------------------------

const when = (seconds) => new Date(seconds * 1000).toLocaleString();

const card = (record, watcher) => {
  const cancel = h("button", { type: "button", textContent: "Cancel" });
  const remove = h("button", { type: "button", className: "danger", textContent: "Delete" });
  const problem = h("p", { className: "alert", hidden: true });
  problem.setAttribute("role", "alert");
  const name = record.name || "Avatar";
  const about = h("span", { className: "muted" });
  const item = h(
    "li",
    {},
    h("div", { className: "about" }, h("h3", { textContent: name }), about),
    watcher,
    problem,
    h("div", { className: "row" }, cancel, remove),
  );
  item.dataset.id = record.id;
  const attempt = async (work) => {
    cancel.disabled = remove.disabled = true;
    problem.hidden = true;
    try {
      await work();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
    cancel.disabled = remove.disabled = false;
  };
  const shown = ({ status, stack, created_at: created }) => {
    about.textContent = [stack, when(created)].filter(Boolean).join(" · ");
    cancel.hidden = !status || ["completed", "failed", "cancelled"].includes(status);
  };
  shown(record);
  watcher.addEventListener("avatar-change", ({ detail }) => shown(detail));
  cancel.setAttribute("aria-label", `Cancel ${name}`);
  remove.setAttribute("aria-label", `Delete ${name}`);
  cancel.addEventListener("click", () => attempt(() => api.post(`trainings/${item.dataset.id}/cancel`, {})));
  remove.addEventListener("click", async () => {
    if (!item.dataset.id) return item.remove();
    if (!(await sure())) return;
    await attempt(async () => {
      const response = await api.fetch(`trainings/${item.dataset.id}`, { method: "DELETE" });
      if (!response.ok && response.status !== 404) throw new Error((await response.json()).error.message);
      item.remove();
      $("none").hidden = $("list").children.length > 0;
    });
  });
  return item;
};

const sure = () => {
  const dialog = $("sure");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
};

let cursor = null;

const avatars = () =>
  trying(async () => {
    const page = await api.get(`trainings?limit=24${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    for (const record of page.trainings) {
      const watcher = document.createElement("avatar-training");
      $("list").append(card(record, watcher));
      watcher.trainingId = record.id;
    }
    cursor = page.cursor;
    $("more").hidden = !cursor;
    $("none").hidden = $("list").children.length > 0;
  });

$("more").addEventListener("click", avatars);

// -- events -------------------------------------------------------------------------------------

let older = null;

const deliveries = (next = null) =>
  trying(async () => {
    const page = await api.get(`deliveries?limit=50${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
    const rows = page.deliveries.map((entry) => {
      const cells = [
        ["Received", when(entry.received_at)],
        ["Provider", entry.provider],
        ["Event", entry.event_type ?? ""],
        ["Signed", entry.signed ? "yes" : "no"],
        ["Status", entry.outcome],
        ["Avatar or video", entry.record_id ?? ""],
      ];
      return h("tr", {}, ...cells.map(([name, text]) => {
        const cell = h("td", { textContent: text });
        cell.dataset.name = name;
        return cell;
      }));
    });
    if (!next) $("deliveries").replaceChildren();
    $("deliveries").append(...rows);
    older = page.cursor;
    $("more-events").hidden = !older;
    $("no-events").hidden = $("deliveries").children.length > 0;
  });

$("refresh").addEventListener("click", () => deliveries());
$("more-events").addEventListener("click", () => deliveries(older));

// -- pages --------------------------------------------------------------------------------------

const turn = () => {
  const page = location.hash === "#events" ? "events" : "avatars";
  for (const other of document.querySelectorAll(".page")) other.hidden = other.id !== page;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (page === "events") deliveries();
};

addEventListener("hashchange", turn);
turn();
await Promise.all([stored(), wordings(), stacks(), avatars()]);
