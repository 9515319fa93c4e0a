// SPDX-License-Identifier: Apache-2.0
// Play what lies side by side as one: one bar of controls below the pictures, so that nothing covers a caption.
import { drawing, h } from "./dom.js";
import { position } from "./labels.js";
import { wipe } from "./wipe.js";

const JUMP = 1; // seconds
const FRAME = 1 / 30; // seconds; of a video that has not been played yet, no browser says how long a frame is
const SPEEDS = [0.25, 0.5, 1, 2];
const FAR = 0.5; // seconds between two media beyond which one jumps; below that it plays faster or slower
const ICONS = {
  play: "M4 2l10 6-10 6z",
  pause: "M4 2h3v12H4zM9 2h3v12H9z",
  back: "M12 2L5 8l7 6zM2 2h2v12H2z",
  forward: "M4 2l7 6-7 6zM12 2h2v12h-2z",
  full: "M2 6V2h4v2H4v2zM10 2h4v4h-2V4h-2zM14 10v4h-4v-2h2v-2zM6 14H2v-4h2v2h2z",
};

/** The place of the controls of a section's media; `connect` fills it. */
export function controls() {
  return h("div.controls", { "data-keep": "controls", role: "group", "aria-label": "Playback" });
}

/** Give the sections that have media the controls of it. */
export function connect(root) {
  for (const bar of root.querySelectorAll("div.controls:empty")) {
    const section = bar.closest("section");
    if (section.querySelector("video, audio")) {
      new Playback(section, bar);
    }
  }
}

function icon(name) {
  return drawing("svg", { viewBox: "0 0 16 16", "aria-hidden": "true", class: name }, drawing("path", { d: ICONS[name] }));
}

class Playback {
  #section;
  #playing = false;
  #speed = 1;
  #frame = FRAME;
  #begun = false; // until someone plays or seeks, a frame of the middle stands for the whole
  #places = new WeakMap(); // where media goes on that is requested again

  constructor(section, bar) {
    this.#section = section;
    this.play = h("button", { type: "button", click: () => this.#toggle() }, icon("play"));
    this.seek = h("input", { type: "range", min: 0, max: 0, step: 0.01, value: 0, "aria-label": "Position" });
    this.seek.addEventListener("input", () => this.#go(Number(this.seek.value)));
    this.time = h("output.time", { "aria-live": "off" });
    this.sound = h("select", { "aria-label": "Sound", change: () => this.#hear() });
    const speeds = SPEEDS.map((speed) => h("option", { value: speed, selected: speed === 1 }, `${speed} ×`));
    this.speed = h("select", { "aria-label": "Speed", change: () => this.#accelerate() }, speeds);
    this.subtitles = h("input", { type: "checkbox", checked: true, change: () => this.#caption() });
    this.captions = h("label", {}, this.subtitles, "Subtitles");
    this.regions = h("input", { type: "checkbox", checked: true, change: () => this.#outline() });
    this.outlines = h("label", {}, this.regions, "Regions");
    this.wipe = wipe(section, bar);
    bar.append(
      h("div.line", {}, this.seek, this.time),
      h("div.line", {}, this.#step(-1), this.play, this.#step(1), this.sound, this.speed, this.captions, this.outlines, this.wipe.element),
    );
    if (document.fullscreenEnabled) {
      const full = { type: "button", "aria-label": "Full screen", title: "Full screen", click: () => this.#fill() };
      bar.lastChild.append(h("button.full", full, icon("full")));
    }
    this.bar = bar;
    this.#listen();
    this.#show();
  }

  get #media() {
    return [...this.#section.querySelectorAll("video, audio")];
  }

  /** What the others follow: the longest of those that can be played. */
  get #lead() {
    const longer = (one, other) => (lengthOf(other) > lengthOf(one) ? other : one);
    return this.#media.reduce(longer, this.#media[0]);
  }

  /** Where the lead is; while all media is requested again, where it was. */
  get #now() {
    return lengthOf(this.#lead) ? this.#lead.currentTime : Number(this.seek.value);
  }

  #listen() {
    // Media events do not bubble; and a result that comes later is heard as well.
    const on = (type, listener) => this.#section.addEventListener(type, listener, true);
    on("loadedmetadata", ({ target }) => this.#add(target));
    on("play", () => this.#set(true));
    on("pause", ({ target }) => target.ended || this.#set(false));
    on("ended", ({ target }) => target === this.#lead && this.#set(false));
    on("error", ({ target }) => this.#lose(target));
    for (const type of ["timeupdate", "waiting", "playing", "canplay", "seeked", "emptied"]) {
      on(type, () => this.#align());
    }
    on("click", ({ target }) => target.matches("video") && this.#toggle());
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#media.filter((media) => media.readyState > 0).forEach((media) => this.#add(media));
  }

  #add(media) {
    media.currentTime = this.#begun ? this.#placeOf(media) : middle(this.#lead);
    this.#measure(media);
    this.#show();
    this.#hear();
    this.#caption();
    if (this.#playing) {
      this.#set(true);
    }
  }

  /** Where media joins in: where the others are, or where it was before its address was refused. */
  #placeOf(media) {
    const other = this.#media.find((each) => each !== media && lengthOf(each) && !each.ended);
    return other?.currentTime ?? this.#places.get(media) ?? middle(media);
  }

  #lose(media) {
    if (media.duration > 0) {
      this.#places.set(media, media.currentTime);
    }
    this.#align();
  }

  /** Learn how long a frame is from the frames that are shown. */
  #measure(media, last = null) {
    media.requestVideoFrameCallback?.((_, { mediaTime }) => {
      const took = mediaTime - last;
      if (last !== null && this.#playing && took > 0.005 && took < 0.2) {
        this.#frame = this.#frame === FRAME ? took : Math.min(this.#frame, took);
      }
      this.#measure(media, mediaTime);
    });
  }

  #toggle() {
    const lead = this.#lead;
    if (!this.#playing && (!this.#begun || lead.ended)) {
      this.#go(0);
    }
    this.#set(!this.#playing);
  }

  #set(playing) {
    this.#playing = playing;
    this.#begun ||= playing;
    for (const media of this.#media) {
      if (playing && media.paused && !media.ended && !media.error) {
        // Refused until a user did something on the page. Media that cannot be had stops no other.
        media.play().catch(({ name }) => name === "NotAllowedError" && this.#set(false));
      } else if (!playing && !media.paused) {
        media.pause();
      }
    }
    this.#align();
  }

  #go(seconds) {
    this.#begun = true;
    const to = Math.min(Math.max(seconds, 0), this.#lead.duration || Number(this.seek.max));
    for (const media of this.#media) {
      this.#places.set(media, to);
      media.currentTime = Math.min(to, media.duration || 0);
    }
    if (this.#playing) {
      this.#set(true); // one that had ended goes on
    }
    this.#show(to);
  }

  /** Show the next frame, or the one before: its middle, so that rounding leads to no other. */
  #stepBy(frames) {
    this.#set(false);
    const now = Math.floor(this.#now / this.#frame + 0.01);
    this.#go((now + frames + 0.5) * this.#frame);
  }

  /** Hold the others to the lead, and everyone while one of them has to load. */
  #align() {
    const lead = this.#lead;
    const goesOn = (media) => !media.paused && !media.ended && !media.error;
    const waits = this.#media.some((media) => goesOn(media) && media.readyState < HTMLMediaElement.HAVE_FUTURE_DATA);
    for (const media of this.#media) {
      const behind = media === lead || !goesOn(media) ? 0 : lead.currentTime - media.currentTime;
      const far = Math.abs(behind) > FAR;
      if (far && !media.seeking) {
        media.currentTime = lead.currentTime;
      }
      media.playbackRate = waits ? 0 : this.#speed * (far ? 1 : 1 + behind);
    }
    this.#show();
  }

  #hear() {
    const named = this.#media.map((media) => media.getAttribute("aria-label"));
    const wanted = this.sound.options.length ? this.sound.value : named.at(-1);
    const choices = [...named.map((name) => [name, `Sound: ${name.toLowerCase()}`]), ["", "Sound off"]];
    this.sound.replaceChildren(...choices.map(([value, text]) => h("option", { value, selected: value === wanted }, text)));
    this.#media.forEach((media) => (media.muted = media.getAttribute("aria-label") !== this.sound.value));
  }

  #accelerate() {
    this.#speed = Number(this.speed.value);
    this.#align();
  }

  #caption() {
    const tracks = this.#media.flatMap((media) => [...media.textTracks]);
    tracks.forEach((track) => (track.mode = this.subtitles.checked ? "showing" : "hidden"));
    this.captions.hidden = !tracks.length;
  }

  #outline() {
    this.bar.classList.toggle("bare", !this.regions.checked);
  }

  #fill() {
    return document.fullscreenElement ? document.exitFullscreen() : this.#section.requestFullscreen();
  }

  #step(frames) {
    const label = frames > 0 ? "Next frame" : "Previous frame";
    const name = frames > 0 ? "forward" : "back";
    const click = () => this.#stepBy(frames);
    return h("button", { type: "button", "aria-label": label, title: label, click }, icon(name));
  }

  #key(event) {
    const { key, shiftKey, target } = event;
    // Of several results on a page the keys play the one that has the focus.
    const alone = this.bar.isConnected && document.querySelectorAll("div.controls").length === 1;
    const mine = this.bar.contains(target) || (target === document.body && alone);
    if (!mine || !this.#lead || event.ctrlKey || event.altKey || event.metaKey || target.matches("select, .wipe [type=range]")) {
      return;
    }
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (steps) {
      event.preventDefault(); // or a range moves as well
    }
    if (steps && shiftKey) {
      this.#go(this.#now + steps * JUMP);
    } else if (steps) {
      this.#stepBy(steps);
    } else if (key === " " && !target.matches("button, [type=checkbox]")) {
      event.preventDefault();
      this.#toggle();
    }
  }

  #show(at = null) {
    const media = this.#media;
    this.wipe.offer(media.filter((each) => each.videoWidth && !each.error).length === 2);
    if (!media.length) {
      return;
    }
    const length = Number.isFinite(this.#lead.duration) ? this.#lead.duration : Number(this.seek.max);
    at ??= this.#now;
    const said = `${position(at)} / ${position(length)}`;
    this.seek.max = length;
    this.seek.value = at;
    this.seek.setAttribute("aria-valuetext", said);
    this.time.value = said;
    const name = this.#playing ? "pause" : "play";
    if (!this.play.querySelector(`.${name}`)) {
      this.play.replaceChildren(icon(name));
    }
    this.play.setAttribute("aria-label", name === "play" ? "Play" : "Pause");
    this.outlines.hidden = !this.#section.querySelector(".regions");
  }
}

/** In seconds; 0 for media that is not known, or cannot be played. */
function lengthOf({ duration, error }) {
  return error ? 0 : duration || 0;
}

function middle({ duration }) {
  return Number.isFinite(duration) ? duration / 2 : 0;
}
