// Scenarios of avatarkit-supabase.js: the real supabase-js, the real PostgREST, and a gateway with a
// double of Realtime (Phoenix protocol) and of Storage. Prints one JSON line for each scenario.
import http from "node:http";
import { WebSocketServer } from "ws";
import WebSocket from "ws";
import { createClient } from "@supabase/supabase-js";

const { POSTGREST, MODULE, ANON, ANA, BOB, SERVICE, ROWS } = process.env;
const rows = JSON.parse(ROWS); // name -> id
const { watchTraining, watchVideo, createVideo } = await import(MODULE);

const project = { realtime: "on", slow: new Map(), sockets: new Set(), joins: [], api: null, sent: [], rest: true };

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const json = (status, told, headers = {}) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(told));
  };
  if (request.url.startsWith("/rest/v1")) {
    if (!project.rest) return request.socket.destroy();
    const { host, connection, apikey, ...headers } = request.headers;
    const answer = await fetch(POSTGREST + request.url.slice("/rest/v1".length), {
      method: request.method, headers, ...(body.length ? { body } : {}),
    });
    return json(answer.status, JSON.parse((await answer.text()) || "null"));
  }
  if (request.url.startsWith("/storage/v1/object/sign/")) {
    const key = request.url.slice("/storage/v1/object/sign/".length);
    await new Promise((done) => project.slow.get(key) ? project.slow.get(key).push(done) : done());
    return json(200, { signedURL: `/object/sign/${key}?token=t` });
  }
  if (request.url.startsWith("/api/")) {
    project.sent.push({ url: request.url, headers: request.headers, body: body.toString() });
    return project.api(json, response, request);
  }
  json(404, {});
});
const wss = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  if (project.realtime === "off") return socket.destroy();
  wss.handleUpgrade(request, socket, head, (ws) => join(ws));
});

function join(ws) {
  project.sockets.add(ws);
  ws.channels = new Map();
  ws.push = (topic, event, payload, ref = null) => {
    const { ref: joined } = ws.channels.get(topic) ?? { ref: null };
    ws.send(JSON.stringify([joined, ref, topic, event, payload]));
  };
  ws.on("close", () => project.sockets.delete(ws));
  ws.on("message", (data) => {
    const [joinRef, ref, topic, event, payload] = JSON.parse(data);
    if (event === "phx_join") {
      ws.channels.set(topic, { ref: joinRef, changes: payload.config.postgres_changes });
      project.joins.push(topic);
      if (project.realtime === "refuses")
        return ws.push(topic, "phx_reply", { status: "error", response: { reason: "not allowed" } }, ref);
      const changes = payload.config.postgres_changes.map((one, id) => ({ id: id + 1, ...one }));
      ws.push(topic, "phx_reply", { status: "ok", response: { postgres_changes: changes } }, ref);
      ws.push(topic, "system", { status: "ok", extension: "postgres_changes", channel: topic, message: "Subscribed to PostgreSQL" });
    } else if (event === "phx_leave") {
      ws.push(topic, "phx_reply", { status: "ok", response: {} }, ref);
      ws.channels.delete(topic);
    } else ws.push(topic, "phx_reply", { status: "ok", response: {} }, ref);
  });
}

const types = { id: "uuid", status: "text", progress: "int4", version: "int8", error_message: "text", action: "jsonb", avatar_video_url: "text", avatar_thumbnail_url: "text" };
const emit = (record, table = "avatar_training") => {
  const columns = Object.keys(record).map((name) => ({ name, type: types[name] ?? "text" }));
  for (const ws of project.sockets)
    for (const [topic, { changes }] of ws.channels)
      if (changes.some((one) => one.filter === `id=eq.${record.id}`))
        ws.push(topic, "postgres_changes", {
          ids: [1],
          data: { schema: "public", table, type: "UPDATE", commit_timestamp: "2026-11-30T00:00:00Z", columns, record, old_record: { id: record.id }, errors: null },
        });
};

await new Promise((done) => server.listen(0, "127.0.0.1", done));
const url = `http://127.0.0.1:${server.address().port}`;
const service = (path, method, body) =>
  fetch(`${POSTGREST}${path}`, { method, body: JSON.stringify(body), headers: { authorization: `Bearer ${SERVICE}`, "content-type": "application/json", prefer: "return=representation" } }).then((r) => r.json());
const change = async (id, more, table = "avatar_training") => (await service(`/${table}?id=eq.${id}`, "PATCH", more))[0];

const clients = [];
const user = (token) => {
  const client = createClient(url, ANON, {
    ...(token ? { accessToken: async () => token } : {}),
    realtime: { transport: WebSocket },
  });
  clients.push(client);
  return client;
};
const signedIn = (token) => ({ auth: { getSession: async () => ({ data: { session: token ? { access_token: token } : null } }) } });

/** Wait until something is true: each turn lets the network work. */
const until = async (what, tries = 400) => {
  for (let n = 0; n < tries; n++) {
    if (await what()) return true;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error("it did not come about");
};
const watching = (client, id, options = {}, watch = watchTraining) => {
  const seen = [], problems = [];
  const stop = watch(client, id, (state) => seen.push(state), { interval: 50, onError: (p) => problems.push(p), ...options });
  return { seen, problems, stop };
};
const brief = (seen) => seen.map(({ status, progress }) => `${status} ${progress}`);

const scenarios = {
  async "an older change does not follow a newer one"() {
    const id = rows.order;
    const one = watching(user(ANA), id);
    await until(() => one.seen.length === 1 && project.joins.some((t) => t.includes(id)));
    const held = [];
    project.slow.set("avatar-results/a.mp4", held);
    const early = await change(id, { status: "training", progress: 90, version: 3, avatar_video_url: "a.mp4" });
    emit(early);
    await until(() => held.length > 0);
    emit(await change(id, { status: "completed", progress: 100, version: 4, avatar_video_url: "b.mp4" }));
    await until(() => one.seen.at(-1).status === "completed");
    project.slow.delete("avatar-results/a.mp4");
    held.forEach((done) => done());
    await new Promise((done) => setTimeout(done, 300));
    const last = one.seen.at(-1);
    return { seen: brief(one.seen), last: last.video.endsWith("/b.mp4?token=t"), problems: one.problems };
  },
  async "where Realtime is off, it looks by itself"() {
    project.realtime = "off";
    const one = watching(user(ANA), rows.off);
    await until(() => one.seen.length === 1);
    await change(rows.off, { status: "training", progress: 55, version: 5 });
    await until(() => one.seen.length === 2);
    one.stop();
    return { seen: brief(one.seen) };
  },
  async "where Realtime refuses the channel, it looks by itself"() {
    project.realtime = "refuses";
    const one = watching(user(ANA), rows.refused);
    await until(() => one.seen.length === 1);
    await change(rows.refused, { status: "completed", progress: 100, version: 6 });
    await until(() => one.seen.length === 2);
    return { seen: brief(one.seen) };
  },
  async "StrictMode's effect, cleanup, effect shows it"() {
    const client = user(ANA);
    const first = watching(client, rows.strict);
    first.stop();
    const second = watching(client, rows.strict);
    const third = watching(client, rows.strict);
    await until(() => second.seen.length === 1 && third.seen.length === 1);
    await until(() => project.joins.filter((t) => t.includes(rows.strict)).length >= 2);
    emit(await change(rows.strict, { status: "completed", progress: 100, version: 7 }));
    await until(() => second.seen.length === 2 && third.seen.length === 2);
    return { first: first.seen.length, second: brief(second.seen) };
  },
  async "an unknown, a foreign, and a deleted training are told of once"() {
    const unknown = watching(user(ANA), "00000000-0000-4000-8000-00000000dead");
    const foreign = watching(user(BOB), rows.order);
    const deleted = watching(user(ANA), rows.deleted);
    await until(() => [unknown, foreign, deleted].every((one) => one.problems.length));
    await new Promise((done) => setTimeout(done, 300));
    [unknown, foreign, deleted].forEach((one) => one.stop());
    return { problems: [unknown, foreign, deleted].map((one) => one.problems.map((p) => p.code)), seen: deleted.seen.length };
  },
  async "a visitor who is not signed in is told that the read is refused"() {
    const one = watching(user(null), rows.order);
    await until(() => one.problems.length);
    one.stop();
    return { codes: one.problems.map((p) => p.code), seen: one.seen.length };
  },
  async "one that is deleted while it is watched is told of"() {
    const one = watching(user(ANA), rows.gone, { interval: 20 });
    await until(() => one.seen.length === 1);
    await change(rows.gone, { deleted: true, version: 9 });
    await until(() => one.problems.length);
    one.stop();
    return { codes: one.problems.map((p) => p.code) };
  },
  async "an action comes with its text and its choices"() {
    const action = { kind: "open_url", message: "Open the page.", choices: ["done"], url: "https://vendor.example/consent", text: null, expires_at: null, recording: null, ref: "r1", operation: "avatar" };
    const row = (await service(`/avatar_training?id=eq.${rows.action}&select=doc`, "GET"))[0];
    await change(rows.action, { status: "action_required", version: 3, doc: JSON.stringify({ ...JSON.parse(row.doc), action }) });
    const one = watching(user(ANA), rows.action);
    await until(() => one.seen.length === 1);
    one.stop();
    return { action: one.seen[0].action };
  },
  async "a video is watched in the same way"() {
    const one = watching(user(ANA), rows.video, {}, watchVideo);
    await until(() => one.seen.length === 1);
    one.stop();
    return { seen: brief(one.seen) };
  },
  async "two presses send one key, and signed out none"() {
    let tries = 0;
    project.api = (json, response, request) => (tries++ ? json(201, { id: "v1" }) : request.socket.destroy());
    const client = signedIn("jwt");
    const first = await createVideo(client, `${url}/api`, "t1", "Hello.").catch((e) => [e.name, e.code]);
    const second = await createVideo(client, `${url}/api/`, "t1", "Hello.");
    const third = await createVideo(client, `${url}/api`, "t1", "Hello.");
    const keys = project.sent.map((one) => one.headers["idempotency-key"]);
    const out = await createVideo(signedIn(null), `${url}/api`, "t1", "Hello.").catch((e) => [e.name, e.code, e.status]);
    return { first, second: second.id, third: third.id, sent: keys.length, same: keys[0] === keys[1], fresh: keys[2] !== keys[1], auth: project.sent[0].headers.authorization, out };
  },
  async "a proxy's page and an API's refusal are both errors with a status"() {
    project.api = (json, response) => (response.writeHead(502, { "content-type": "text/html" }), response.end("<html>"));
    const proxy = await createVideo(signedIn("j"), `${url}/api`, "t2", "A").catch((e) => [e.name, e.status, e.code]);
    project.api = (json) => json(409, { error: { code: "illegal_transition", message: "not yet", request_id: "req_1" }, findings: [] });
    const refused = await createVideo(signedIn("j"), `${url}/api`, "t2", "B").catch((e) => [e.message, e.status, e.code, e.requestId]);
    return { proxy, refused };
  },
};

const only = process.argv[2];
for (const [name, run] of Object.entries(scenarios)) {
  if (only && only !== name) continue;
  project.realtime = "on";
  let told;
  try {
    told = await run();
  } catch (error) {
    told = { error: String(error.stack ?? error) };
  }
  console.log(JSON.stringify({ name, told }));
}
process.exit(0);
