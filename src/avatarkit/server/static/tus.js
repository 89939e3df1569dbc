// Uploads by tus 1.0 (https://tus.io/protocols/resumable-upload): they go on where they were cut.

import { ApiError, decoded, parsed, pause } from "./client.js";

/**
 * @typedef {import("./client.js").Client} Client
 * @typedef {import("./client.js").Role} Role
 */

const p = encodeURIComponent;

const TUS = { "tus-resumable": "1.0.0" };

// Addresses of uploads that are not finished; pages may not be allowed to keep anything.
/** @param {string} note */
const remembered = (note) => {
  try {
    return localStorage.getItem(note) ?? "";
  } catch {
    return "";
  }
};
/** @param {string} note @param {string} where */
const remember = (note, where) => {
  try {
    if (where) localStorage.setItem(note, where);
    else localStorage.removeItem(note);
  } catch {}
};

/**
 * Upload a file; after a reload it goes on if the same file is chosen.
 * @param {Client} client
 * @param {string} clone
 * @param {Role} role
 * @param {File} file
 * @param {{progress?: (percent: number) => void, paused?: () => void, stack?: string, signal?: AbortSignal}} options
 * @returns {Promise<{sample: import("./client.js").Sample | null, findings: import("./client.js").Finding[]}>}
 */
export const upload = async (client, clone, role, file, { progress = () => {}, paused = () => {}, stack, signal } = {}) => {
  const path = `clones/${p(clone)}/uploads/${role}/${p(file.name)}`;
  const note = `avatar-upload ${client.url(path)} ${file.size} ${file.lastModified}`;
  let where = remembered(note);
  let offset = 0;
  const begin = async () => {
    where = `${path}?${await create(client, clone, { role, filename: file.name, stack }, file.size, signal)}`;
    remember(note, where);
    offset = 0;
  };
  const find = async () => {
    const at = where && (await received(client, where, signal));
    if (at && at.length === file.size) ({ offset } = at);
    else await begin();
  };
  for (let tries = 0, unsure = true; ; ) {
    try {
      signal?.throwIfAborted();
      if (unsure) await find();
      const { status, body, at } = await patch(client, where, file, offset, progress, signal);
      signal?.throwIfAborted();
      unsure = status !== 204;
      if (status === 204) {
        if (Number(at) > offset) tries = 0;
        else if (tries++ === 5) throw new ApiError(0, "network", "The server keeps nothing of the file.");
        offset = Number(at);
      } else if (status !== 401 || !(await client.renew())) {
        throw status ? ApiError.of(status, body) : new ApiError(0, "network", "The server did not answer.");
      }
      if (offset < file.size || unsure) continue;
      const made = await client.get(where, { signal });
      remember(note, "");
      return made;
    } catch (error) {
      if (signal?.aborted) {
        remember(note, "");
        if (where) client.fetch(where, { method: "DELETE", headers: TUS }).catch(() => {});
        throw error;
      }
      const { status = -1 } = /** @type {ApiError} */ (error);
      const again = [0, 404, 409].includes(status) || status >= 500;
      if (!again || tries++ === 5) {
        if (!again) remember(note, "");
        throw error;
      }
      unsure = true;
      paused();
      await pause(1000 * 2 ** (tries - 1), signal);
    }
  }
};

/**
 * Create an upload; the query of its address.
 * @param {Client} client
 * @param {string} clone
 * @param {Record<string, string | undefined>} about
 * @param {number} length
 * @param {AbortSignal} [signal]
 */
const create = async (client, clone, about, length, signal) => {
  const encoded = (/** @type {string} */ text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const pairs = Object.entries(about).flatMap(([name, value]) => (value ? `${name} ${encoded(value)}` : []));
  const headers = { ...TUS, "upload-length": String(length), "upload-metadata": pairs.join(",") };
  const response = await client.fetch(`clones/${p(clone)}/uploads`, { method: "POST", headers, signal });
  if (!response.ok) await parsed(response);
  return (response.headers.get("location") ?? "").split("?")[1];
};

/**
 * Bytes that the server has of an upload, and its length; null if there is no such upload.
 * @param {Client} client
 * @param {string} where
 * @param {AbortSignal} [signal]
 */
export const received = async (client, where, signal) => {
  const response = await client.fetch(where, { method: "HEAD", headers: TUS, signal });
  if (response.status === 404) return null;
  if (!response.ok) throw ApiError.of(response.status, null);
  const told = (/** @type {string} */ name) => Number(response.headers.get(`upload-${name}`));
  return { offset: told("offset"), length: told("length") };
};

/**
 * @param {Client} client
 * @param {string} where
 * @param {File} file
 * @param {number} offset
 * @param {(percent: number) => void} progress
 * @param {AbortSignal} [signal]
 * @returns {Promise<{status: number, body: any, at: string | null}>}
 */
const patch = (client, where, file, offset, progress, signal) =>
  new Promise((done) => {
    const request = new XMLHttpRequest(); // fetch does not report upload progress
    const abort = () => request.abort();
    request.open("PATCH", client.url(where));
    const headers = { ...TUS, "upload-offset": String(offset), "content-type": "application/offset+octet-stream" };
    for (const [name, value] of Object.entries(client.headers(headers))) request.setRequestHeader(name, value);
    request.upload.onprogress = (e) => progress(Math.floor((100 * (offset + e.loaded)) / file.size));
    request.onloadend = () => {
      signal?.removeEventListener("abort", abort);
      let body = null;
      try {
        body = decoded(request.responseText);
      } catch {} // not JSON: the status is enough
      done({ status: request.status, body, at: request.getResponseHeader("upload-offset") });
    };
    signal?.addEventListener("abort", abort);
    request.send(file.slice(offset));
    if (signal?.aborted) abort();
  });
