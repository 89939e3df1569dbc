// Recorder of camera and microphone: preview, level, a text to read, countdown, pause, trim, playback.

import { h, sheet } from "./element.js";

/**
 * @typedef {import("./element.js").AvatarElement} AvatarElement
 * @typedef {"audio" | "video"} Kind
 * @typedef {import("./handover.js").Arrived} Arrived
 * @typedef {Object} Asked
 * @property {Kind} kind
 * @property {string} text to read aloud
 * @property {string} name of the file, without its ending
 * @property {string} [clone] with a role: a phone may record instead, and upload the file for this clone
 * @property {import("./client.js").Role} [role]
 * @property {string} [stack]
 */

const QUIET = 0.02; // RMS below which speech is too quiet
const CLIPPED = 0.985; // peak above which it is too loud
const LINE_SECONDS = 15; // characters a second at which the text scrolls

const CSS = `
dialog.recorder { width: min(46rem, 96vw); max-height: 96vh; padding: 1rem; text-align: start; }
.recorder .stage { position: relative; border-radius: 14px; overflow: hidden; background: #000; display: grid; place-items: center; min-height: 9rem; }
.recorder .stage video { width: 100%; max-height: 42vh; max-width: none; border-radius: 0; }
.recorder .stage video.mirror { transform: scaleX(-1); }
.recorder .stage audio { width: 90%; }
.recorder .stage:has(audio) { background: var(--_tint); min-height: 0; padding-block: 1rem; }
.recorder .oval { position: absolute; inset: 6% auto; height: 82%; aspect-ratio: .74; border: 3px dashed rgb(255 255 255 / .85); border-radius: 50%; pointer-events: none;
  box-shadow: 0 0 0 100vmax rgb(0 0 0 / .35); }
.recorder .count { position: absolute; font-size: 6rem; font-weight: 700; color: #fff; text-shadow: 0 2px 20px #000; }
.recorder .wave { font-size: 4rem; padding: 1.5rem; }
.recorder .script { max-height: 7.5rem; overflow: auto; font-size: 1.2rem; line-height: 1.6; margin: .75rem 0; padding: .75rem 1rem; background: var(--_tint); border-radius: 12px; }
.recorder .level { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: center; min-height: 1.8rem; }
.recorder meter { flex: 1 1 8rem; height: 1rem; } .recorder .time { font-variant-numeric: tabular-nums; min-width: 4rem; font-weight: 600; }
.recorder .time.on::before { content: "● "; color: var(--_danger); }
.recorder .trim { display: grid; grid-template-columns: auto 1fr auto; gap: .25rem .75rem; align-items: center; }
.recorder .trim label { margin: 0; } .recorder .trim input { width: 100%; accent-color: var(--_primary); padding: 0; border: 0; }
.recorder button.stop { background: var(--_danger); border-color: var(--_danger); color: var(--_on); }
`;

/** @param {number} seconds */
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** @param {string[]} types */
const supported = (types) => types.find((type) => MediaRecorder.isTypeSupported(type)) ?? "";

/** Encode one channel as WAV, 16 bit. @param {Float32Array} samples @param {number} rate */
const wav = (samples, rate) => {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (/** @type {number} */ at, /** @type {string} */ word) => [...word].forEach((c, n) => view.setUint8(at + n, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((value, n) => view.setInt16(44 + n * 2, Math.max(-1, Math.min(1, value)) * 0x7fff, true));
  return new Blob([view], { type: "audio/wav" });
};

/** Cut a voice recording, and turn it into WAV, which every provider takes. @param {Blob} blob @param {number} from @param {number} to */
const cutVoice = async (blob, from, to) => {
  const context = new OfflineAudioContext(1, 1, 48000);
  const buffer = await context.decodeAudioData(await blob.arrayBuffer());
  const { sampleRate: rate, numberOfChannels: channels } = buffer;
  const mixed = new Float32Array(buffer.length);
  for (let n = 0; n < channels; n++) buffer.getChannelData(n).forEach((value, at) => (mixed[at] += value / channels));
  return wav(mixed.subarray(Math.floor(from * rate), Math.min(buffer.length, Math.ceil(to * rate))), rate);
};

/**
 * Cut a film by playing and recording it again, which takes as long as the rest is.
 * @param {Blob} blob @param {number} from @param {number} to @param {(share: number) => void} progress
 * @returns {Promise<Blob>}
 */
const cutFilm = async (blob, from, to, progress) => {
  const source = document.createElement("video");
  source.src = URL.createObjectURL(blob);
  await new Promise((done, failed) => ((source.onloadeddata = done), (source.onerror = failed)));
  source.currentTime = from;
  await new Promise((done) => (source.onseeked = done));
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  context.createMediaElementSource(source).connect(out); // recorded, and not heard
  const film = /** @type {HTMLVideoElement & {captureStream(): MediaStream}} */ (source).captureStream();
  const stream = new MediaStream([...film.getVideoTracks(), ...out.stream.getAudioTracks()]);
  const recorder = new MediaRecorder(stream, { mimeType: blob.type, videoBitsPerSecond: 6_000_000 });
  /** @type {Blob[]} */
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise((done) => (recorder.onstop = done));
  await source.play();
  recorder.start(250);
  await new Promise((/** @type {(value?: unknown) => void} */ done) => {
    const look = () => {
      progress(Math.min(1, (source.currentTime - from) / (to - from)));
      if (source.currentTime >= to || source.ended) done();
      else requestAnimationFrame(look);
    };
    look();
  });
  source.pause();
  recorder.stop();
  await ended;
  await context.close();
  URL.revokeObjectURL(source.src);
  return new Blob(parts, { type: blob.type });
};

/** One recording, from the camera's preview to the file. */
class Recorder {
  /** @param {AvatarElement} host @param {Asked} asked @param {(made: File | Arrived | null) => void} done */
  constructor(host, asked, done) {
    this.host = host;
    this.asked = asked;
    this.done = done;
    this.film = asked.kind === "video";
    /** @type {Blob[]} */
    this.parts = [];
    this.seconds = 0; // recorded so far
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {MediaRecorder | null} */
    this.recorder = null;
    /** @type {AudioContext | null} */
    this.context = null;
    this.frame = 0;
    this.url = "";
    this.lost = 0; // when it was paused last, in ms
    this.handing = new AbortController(); // ends the link to a phone
    this.stage = h("div", { class: "stage" });
    this.level = h("meter", { min: 0, max: 1, low: 0.1, high: 0.95, optimum: 0.5, "aria-label": this.say("record_level") });
    this.hint = h("span", { class: "small muted", role: "status", "data-part": "hint" });
    this.time = h("span", { class: "time", role: "timer" }, "0:00");
    this.script = h("div", { class: "script", tabindex: 0, role: "group", "aria-label": this.say("record_text") }, asked.text);
    this.trim = h("div", { class: "trim", hidden: true });
    this.buttons = h("div", { class: "row" });
    this.problem = h("p", { class: "alert", role: "alert", hidden: true });
    this.dialog = h("dialog", { class: "recorder", part: "recorder", dir: host.direction, "aria-labelledby": "recorder-title" },
      h("h2", { id: "recorder-title" }, this.say(this.film ? "record_film" : "record_voice")),
      this.stage, h("div", { class: "level" }, this.time, this.level, this.hint),
      asked.text ? this.script : null, this.trim, this.problem, this.buttons);
    this.dialog.addEventListener("close", () => this.end(null));
  }

  /** @param {string} name @param {Record<string, unknown>} [values] */
  say(name, values) {
    return this.host.say(name, values);
  }

  /** @param {string} name @param {string} kind @param {() => unknown} act */
  button(name, kind, act) {
    return h("button", { type: "button", class: kind, "data-act": name, on: { click: act } }, this.say(name));
  }

  /** Show buttons, and focus the first one. @param {...HTMLButtonElement} buttons */
  offer(...buttons) {
    this.buttons.replaceChildren(...buttons, this.button("close", "quiet", () => this.dialog.close()));
    buttons[0]?.focus();
  }

  async open() {
    this.host.root.append(this.dialog);
    this.dialog.showModal();
    await this.preview();
  }

  /** Ask for camera and microphone, and show what they see and hear. @returns {Promise<void>} */
  async preview() {
    this.release();
    this.trim.hidden = this.problem.hidden = true;
    this.level.hidden = this.script.hidden = this.time.hidden = false;
    this.seconds = 0;
    this.time.textContent = "0:00";
    this.stage.replaceChildren(h("p", { class: "wave", "aria-hidden": "true" }, this.film ? "🎥" : "🎙️"));
    this.offer();
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "NotSupportedError");
      const video = this.film && { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, facingMode: "user" };
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: false }, video });
    } catch (error) {
      const { name } = /** @type {DOMException} */ (error);
      const known = { NotAllowedError: "record_refused", NotFoundError: "record_none", NotSupportedError: "record_unsafe" };
      this.problem.textContent = this.say(known[/** @type {"NotFoundError"} */ (name)] ?? "record_busy");
      this.problem.hidden = false;
      return this.offer(this.button("retry", "main", () => this.preview()), ...this.elsewhere());
    }
    if (!this.dialog.open) return this.release();
    if (this.film) {
      const view = h("video", { class: "mirror", playsinline: true, "aria-label": this.say("record_preview") });
      view.muted = true;
      view.srcObject = this.stream;
      view.play().catch(() => {});
      this.stage.replaceChildren(view, h("div", { class: "oval", "aria-hidden": "true" }));
    }
    this.meter(this.stream);
    this.offer(this.button("record_start", "main", () => this.countdown()), ...this.elsewhere());
  }

  /** Button that leads to the same step on a phone. @returns {HTMLButtonElement[]} */
  elsewhere() {
    return this.asked.clone ? [this.button("record_phone", "", () => this.handOver())] : [];
  }

  async handOver() {
    this.release();
    this.handing = new AbortController();
    const { signal } = this.handing;
    this.level.hidden = this.script.hidden = this.problem.hidden = this.time.hidden = true;
    this.hushed();
    const { CSS, extend, handOver } = await import("./handover.js");
    adopt(this.host, CSS);
    extend(this.host.language);
    this.stage.replaceChildren();
    const back = this.button("record_here", "", () => this.preview());
    this.offer(back);
    try {
      const arrived = await handOver(this.host, this.asked, this.stage, signal);
      if (arrived) this.end(arrived);
      else if (!signal.aborted) this.offer(this.button("phone_new", "main", () => this.handOver()), back);
    } catch (error) {
      if (signal.aborted) return;
      this.host.tell(this.problem, /** @type {import("./client.js").ApiError} */ (error));
      this.offer(this.button("retry", "main", () => this.handOver()), back);
    }
  }

  /** Show how loud the microphone is. @param {MediaStream} stream */
  meter(stream) {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loud = 0; // decays, so that short pauses are no complaint
    let clipped = 0;
    const look = () => {
      analyser.getFloatTimeDomainData(samples);
      let square = 0;
      let peak = 0;
      for (const value of samples) {
        square += value * value;
        peak = Math.max(peak, Math.abs(value));
      }
      const rms = Math.sqrt(square / samples.length);
      loud = Math.max(rms, loud * 0.985);
      clipped = peak >= CLIPPED ? 60 : Math.max(0, clipped - 1);
      this.level.value = Math.min(1, rms * 4);
      const name = clipped ? "record_clipped" : loud < QUIET ? "record_quiet" : "record_good";
      if (this.hint.dataset.name !== name) {
        this.hint.dataset.name = name;
        this.hint.textContent = this.say(name);
        this.hint.className = `small ${name === "record_good" ? "good" : "warning"}`;
      }
      this.tick();
      this.frame = requestAnimationFrame(look);
    };
    look();
  }

  /** Take back what was said of the loudness. */
  hushed() {
    this.hint.textContent = this.hint.dataset.name = "";
  }

  tick() {
    if (this.recorder?.state !== "recording") return;
    const now = performance.now();
    this.seconds += (now - this.lost) / 1000;
    this.lost = now;
    this.time.textContent = clock(this.seconds);
    const line = (this.seconds * LINE_SECONDS) / Math.max(1, this.asked.text.length); // the share that is read
    this.script.scrollTop = Math.max(0, line * this.script.scrollHeight - this.script.clientHeight / 3);
  }

  async countdown() {
    this.offer();
    const count = h("div", { class: "count", role: "status" });
    this.stage.append(count);
    for (let n = 3; n > 0 && this.stream; n--) {
      count.textContent = String(n);
      await new Promise((done) => setTimeout(done, 700));
    }
    count.remove();
    if (this.stream) this.record(this.stream);
  }

  /** @param {MediaStream} stream */
  record(stream) {
    const types = this.film ? ["video/mp4;codecs=avc1,mp4a.40.2", "video/webm;codecs=vp9,opus", "video/webm"] : ["audio/webm;codecs=opus", "audio/mp4"];
    this.recorder = new MediaRecorder(stream, { mimeType: supported(types), videoBitsPerSecond: 6_000_000, audioBitsPerSecond: 128_000 });
    this.parts = [];
    this.recorder.ondataavailable = ({ data }) => this.parts.push(data);
    this.recorder.onstop = () => this.review();
    this.recorder.start(500);
    this.lost = performance.now();
    this.time.classList.add("on");
    this.running();
  }

  running() {
    const stop = this.button("record_stop", "stop", () => this.recorder?.stop());
    const pause = this.button("record_pause", "", () => {
      this.recorder?.pause();
      this.time.classList.remove("on");
      this.offer(this.button("record_resume", "main", () => {
        this.recorder?.resume();
        this.lost = performance.now();
        this.time.classList.add("on");
        this.running();
      }), stop);
    });
    this.offer(stop, pause);
  }

  /** Play what was recorded, and let it be cut at both ends. */
  review() {
    const blob = new Blob(this.parts, { type: this.recorder?.mimeType.split(";")[0] });
    const length = this.seconds;
    this.release();
    this.time.classList.remove("on");
    if (!this.dialog.open) return;
    this.hushed();
    this.level.hidden = this.script.hidden = true;
    this.url = URL.createObjectURL(blob);
    const player = h(this.film ? "video" : "audio", { controls: true, playsinline: true, src: this.url, "aria-label": this.say("record_play") });
    this.stage.replaceChildren(player);
    const bound = (/** @type {string} */ name, /** @type {number} */ value) =>
      h("input", { type: "range", id: `trim-${name}`, min: 0, max: length.toFixed(1), step: 0.1, value: value.toFixed(1) });
    const [from, to] = [bound("from", 0), bound("to", length)];
    const row = (/** @type {string} */ name, /** @type {HTMLInputElement} */ input) => {
      const told = h("output", {}, clock(Number(input.value)));
      input.addEventListener("input", () => {
        if (Number(from.value) > Number(to.value) - 0.5) input.value = String(input === from ? Math.max(0, Number(to.value) - 0.5) : Number(from.value) + 0.5);
        told.textContent = clock(Number(input.value));
        player.currentTime = Number(input.value);
      });
      return [h("label", { for: input.id, class: "small" }, this.say(name)), input, told];
    };
    this.trim.replaceChildren(...row("trim_from", from), ...row("trim_to", to));
    this.trim.hidden = false;
    const use = () => this.use(blob, Number(from.value), Number(to.value), length);
    this.offer(this.button("record_use", "main", use), this.button("record_again", "", () => this.preview()));
  }

  /** @param {Blob} blob @param {number} from @param {number} to @param {number} length */
  async use(blob, from, to, length) {
    this.offer();
    try {
      let made = blob;
      const whole = from <= 0 && to >= length - 0.15;
      if (!this.film) made = await cutVoice(blob, from, whole ? length + 1 : to);
      else if (!whole) made = await cutFilm(blob, from, to, (share) => (this.hint.textContent = this.say("trimming", { percent: Math.round(share * 100) })));
      const ending = { "audio/wav": "wav", "video/mp4": "mp4", "audio/mp4": "m4a" }[made.type] ?? "webm";
      this.end(new File([made], `${this.asked.name}.${ending}`, { type: made.type }));
    } catch {
      this.problem.textContent = this.say("record_busy");
      this.problem.hidden = false;
      this.offer(this.button("record_again", "main", () => this.preview()));
    }
  }

  /** Give camera and microphone back, and end the link to a phone. */
  release() {
    this.handing.abort();
    cancelAnimationFrame(this.frame);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.context?.close();
    this.context = null;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = "";
  }

  /** @param {File | Arrived | null} made */
  end(made) {
    const { done } = this;
    this.done = () => {};
    if (this.recorder && this.recorder.state !== "inactive") this.recorder.stop();
    this.release();
    if (this.dialog.open) this.dialog.close();
    this.dialog.remove();
    done(made);
  }
}

/** @param {AvatarElement} host @param {string} css */
const adopt = (host, css) => {
  const made = sheet(css);
  if (!host.root.adoptedStyleSheets.includes(made)) host.root.adoptedStyleSheets.push(made);
};

/**
 * Let a person record something; null if they close the recorder.
 * @param {AvatarElement} host the element in which it opens, and whose texts it says
 * @param {Asked} asked
 * @returns {Promise<File | Arrived | null>} what a phone has recorded is uploaded already
 */
export const record = (host, asked) => {
  adopt(host, CSS);
  const before = /** @type {HTMLElement | null} */ (host.root.activeElement);
  return new Promise((/** @type {(made: File | Arrived | null) => void} */ done) => {
    new Recorder(host, asked, done).open();
  }).finally(() => before?.focus());
};
