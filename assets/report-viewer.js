// The viewer: any two versions of a picture or a frame at the same crop, under a slider or beside each other; or their
// difference, amplified.

class Viewer {
  constructor(section) {
    this.section = section;
    this.images = picturesOf(section).images;
    const names = shortNames(this.images.map((p) => p.file)), film = section.media === "video";
    this.names = this.images.map((p, i) => (film ? `frame ${p.frame}, ${names[i]}` : names[i]));
    this.word = film ? "frame" : "picture";
    this.state = { image: 0, left: "original", right: "", mode: "slider", zoom: 1, gain: 8, at: 50, match: false };
    this.state.right = this.versions().find((v) => v !== "original") ?? "original";
    this.build();
    this.show();
  }

  versions() { return ["original", ...this.section.specs.filter((spec) => spec in this.images[this.state.image].versions)]; }

  build() {
    const { state, word } = this, film = word === "frame", which = unique("which");
    const set = (key) => (v) => { state[key] = v; this.show(); };
    this.under = el("img", { alt: "" });
    this.over = el("img", { alt: "" });
    this.canvas = el("canvas", { class: "hidden" });
    this.bar = el("div", { class: "bar" });
    this.frame = el("div", { class: "frame" }, this.under, this.over, this.canvas, this.bar);
    this.stage = el("div", { class: "stage", tabindex: 0, role: "group", "aria-label": "Picture; when zoomed the arrow keys scroll" }, this.frame);
    this.slider = el("input", { type: "range", class: "wipe", min: 0, max: 100, step: 0.5, value: state.at, oninput: () => this.wipe(Number(this.slider.value)) });
    this.gain = el("input", { type: "range", min: 1, max: 32, step: 1, value: state.gain, oninput: () => { state.gain = Number(this.gain.value); this.show(); } });
    this.wipeField = el("label", { class: "field" }, "Slider: left of it one version, right of it the other", this.slider);
    this.gainField = el("label", { class: "field" }, this.gainText = el("span"), this.gain);
    this.sides = el("p", { class: "sides", "aria-live": "polite" });
    this.image = el("select", { onchange: () => set("image")(Number(this.image.value)) }, this.names.map((n, i) => el("option", { value: i }, n)));
    this.pickers = { left: el("select", { onchange: () => set("left")(this.pickers.left.value) }), right: el("select", { onchange: () => set("right")(this.pickers.right.value) }) };
    const step = (by, text, title) => el("button", { type: "button", "aria-label": title, title, onclick: () => this.move(by) }, text);
    this.numbers = el("div");
    this.sized = el("p", { class: "note sized", "aria-live": "polite" });
    this.thumb = el("div", { class: "thumb" });
    this.modes = choice("Show", [["slider", "Slider"], ["beside", "Side by side"], ["difference", "Difference"]], state.mode, set("mode"));
    this.match = tick("Match size", false, (on) => { state.match = on; this.pair(); this.show(); });
    this.match.title = "On the right the setting of its codec whose file is nearest in bytes to the one on the left";
    const panel = el("div", { class: "panel" },
      el("div", { class: "field" }, el("span", { id: which }, film ? "Frame" : "Picture"), el("div", { class: "step" }, step(-1, "\u2190", `previous ${word}`), this.image, step(1, "\u2192", `next ${word}`))),
      el("label", { class: "field" }, "Left", this.pickers.left), el("label", { class: "field" }, "Right", this.pickers.right), this.match,
      el("div", { class: "controls", style: "margin: 0" }, this.modes, choice("Zoom", [1, 2, 4, 8].map((z) => [z, `${z}\u00d7`]), state.zoom, set("zoom"))),
      this.thumb, this.numbers);
    this.image.setAttribute("aria-labelledby", which);
    this.node = el("div", { class: "viewer" }, el("div", {}, this.stage, this.sides, this.sized, this.wipeField, this.gainField,
      el("p", { class: "note hint" }, "Inside the viewer: ", el("kbd", {}, "["), " ", el("kbd", {}, "]"), ` ${word}, `, el("kbd", {}, ","), " ", el("kbd", {}, "."), " version on the right, ",
        el("kbd", {}, "s"), " side by side, ", el("kbd", {}, "d"), " difference, ", el("kbd", {}, "z"), " zoom, ", el("kbd", {}, "m"), " match size; hold ", el("kbd", {}, "x"), " to see the left version everywhere.")), panel);
    this.node.addEventListener("keydown", (e) => this.key(e));
    this.node.addEventListener("keyup", (e) => { if (e.key === "x") this.wipe(state.at); });
    const drag = (e) => { const r = this.frame.getBoundingClientRect(); this.wipe(Math.max(0, Math.min(100, (100 * (e.clientX - r.left)) / r.width))); };
    this.frame.addEventListener("pointerdown", (e) => { if (e.button) return; this.frame.setPointerCapture(e.pointerId); drag(e); });
    this.frame.addEventListener("pointermove", (e) => { if (this.frame.hasPointerCapture(e.pointerId)) drag(e); });
  }

  key(event) {
    if (event.target.matches("select, input[type=search]") || event.ctrlKey || event.metaKey || event.altKey) return;
    const { state } = this, zooms = [1, 2, 4, 8], press = (name, v) => this.node.querySelector(`input[type=radio][value="${v}"]`)?.click();
    if (event.key === "[" || event.key === "]") this.move(event.key === "[" ? -1 : 1);
    else if (event.key === "," || event.key === ".") {
      const list = this.offered("right");
      state.right = list[(list.indexOf(state.right) + (event.key === "." ? 1 : -1) + list.length) % list.length];
      this.show();
    } else if (event.key === "d") press("mode", state.mode === "difference" ? "slider" : "difference");
    else if (event.key === "s") press("mode", state.mode === "beside" ? "slider" : "beside");
    else if (event.key === "z") press("zoom", zooms[(zooms.indexOf(state.zoom) + 1) % zooms.length]);
    else if (event.key === "m") this.match.click();
    else if (event.key === "x") this.clip(100);
    else return;
    event.preventDefault();
  }

  move(by) { this.state.image = (this.state.image + by + this.images.length) % this.images.length; this.show(); }

  open(file, spec) {
    this.state.image = this.images.findIndex((p) => p.file === file);
    if (spec !== "original") this.state.right = spec;
    this.show();
    this.node.scrollIntoView({ block: "center" });
    this.slider.focus({ preventScroll: true });
  }

  wipe(at) {
    this.state.at = at;
    this.slider.value = at;
    this.clip(at);
  }
  clip(at) {
    this.over.style.clipPath = this.state.mode === "beside" ? "" : `inset(0 ${100 - at}% 0 0)`;
    this.bar.style.left = `${at}%`;
    this.slider.setAttribute("aria-valuetext", `${Math.round(at)} % ${this.state.left}`);
  }

  row(spec) {
    const { items } = this.section, file = items.files.indexOf(this.images[this.state.image].file);
    return items.rows.find((r) => r[0] === file && items.specs[r[1]] === spec);
  }
  value(spec, column) {
    const i = this.section.items.columns.indexOf(column), row = this.row(spec);
    return i < 0 || !row ? null : row[i + 2];
  }

  show() {
    const { state } = this, picture = this.images[state.image];
    for (const side of ["left", "right"]) {
      const list = this.offered(side), same = list.find((v) => family(v) === family(state[side]));
      if (!list.includes(state[side])) state[side] = (state.match && same) || (side === "left" ? "original" : (list[1] ?? list[0]));
      this.pickers[side].replaceChildren(...list.map((v) => el("option", { value: v, selected: v === state[side] }, this.title(v))));
    }
    this.image.value = state.image;
    this.over.src = picture.versions[state.left];
    this.under.src = picture.versions[state.right];
    this.under.alt = `${this.names[state.image]}, ${state.right}`;
    const [x, y, w, h] = picture.crop;
    const difference = state.mode === "difference", beside = state.mode === "beside";
    Object.assign(this.frame.style, { width: `${beside ? 2 * w * state.zoom + 8 : w * state.zoom}px`, height: `${h * state.zoom}px` });
    this.frame.classList.toggle("zoomed", state.zoom > 1);
    this.frame.classList.toggle("beside", beside);
    this.over.classList.toggle("hidden", difference);
    for (const node of [this.bar, this.wipeField]) node.classList.toggle("hidden", difference || beside);
    for (const node of [this.canvas, this.gainField]) node.classList.toggle("hidden", !difference);
    this.gainText.textContent = `Amplified ${state.gain} times`;
    this.gain.setAttribute("aria-valuetext", `${state.gain} times`);
    this.wipe(state.at);
    this.sides.replaceChildren(el("span", {}, difference ? `${state.left} against ${state.right}` : this.title(state.left)), el("span", {}, difference ? "black: no difference" : this.title(state.right)));
    this.table();
    this.sized.textContent = this.sizes();
    const [W, H] = picture.size, share = (a, b) => `${((100 * a) / b).toFixed(2)}%`;
    this.thumb.replaceChildren(el("img", { src: picture.thumb, alt: `${this.names[state.image]}, whole`, title: `${W} \u00d7 ${H} pixels; the frame is the crop shown` }),
      el("i", { style: `left:${share(x, W)};top:${share(y, H)};width:${share(w, W)};height:${share(h, H)}` }));
    if (difference) this.difference();
  }

  title(spec) {
    const rate = this.value(spec, this.section.rate);
    return rate === null ? spec : `${spec}, ${rateNumber(rate)} ${this.section.rate}`;
  }

  // How the bytes of both sides compare.
  sizes() {
    const [left, right] = [this.bytes(this.state.left), this.bytes(this.state.right)];
    if (!left || !right || this.state.left === this.state.right) return "";
    const part = 100 * (right / left - 1);
    return `${number(left)} bytes on the left, ${number(right)} on the right: ${Math.abs(part) < 0.05 ? "the same" : `${percent(part)}`}${this.state.match && Math.abs(part) > 10 ? "; no setting in these rows is nearer" : ""}.`;
  }

  table() {
    const { state, section } = this;
    const names = section.items.columns.filter((c) => !["pixels", "seconds"].includes(c));
    const list = names.map((c) => [c, this.value(state.right, c)]).filter(([, v]) => v !== null);
    this.numbers.replaceChildren(el("h3", {}, state.right), el("dl", { class: "numbers" }, list.flatMap(([c, v]) => [el("dt", {}, c.replace(/^task\./, "")), el("dd", { "data-name": c }, c.endsWith("_s") ? secondsText(v) : number(v))])));
  }

  bytes(spec) { return this.value(spec, "bytes"); }

  // With sizes matched the right has one setting of each codec: that of the nearest size, by ratio, to what is on the left.
  offered(side) {
    const list = this.versions();
    if (side === "left" || !this.state.match) return list;
    const size = this.bytes(this.state.left), far = (spec) => Math.abs(Math.log(this.bytes(spec) / size));
    if (!size) return list;
    const best = new Map();
    for (const spec of list) {
      if (spec === "original" || !this.bytes(spec)) continue;
      const codec = family(spec);
      if (!best.has(codec) || far(spec) < far(best.get(codec))) best.set(codec, spec);
    }
    return best.size ? [...best.values()] : list;
  }

  // When it begins with the original on the left, which nothing is as large as: of the codec on the right and the next one
  // the two settings that are nearest to each other.
  pair() {
    const { state } = this, coded = this.versions().filter((v) => v !== "original" && this.bytes(v));
    if (!state.match || state.left !== "original" || !coded.length) return;
    const codec = family(state.right === "original" ? coded[0] : state.right), own = coded.filter((v) => family(v) === codec);
    const next = coded.find((v) => family(v) !== codec), others = next ? coded.filter((v) => family(v) === family(next)) : own;
    const apart = ([a, b]) => Math.abs(Math.log(this.bytes(a) / this.bytes(b)));
    [state.left, state.right] = own.flatMap((a) => others.map((b) => [a, b])).reduce((best, two) => (apart(two) < apart(best) ? two : best));
  }

  // |left - right| of each colour, times the gain; waits for the images, and gives up if others were chosen meanwhile.
  async difference() {
    const token = (this.token = {}), { gain, left, right } = this.state;
    await Promise.all([this.over.decode(), this.under.decode()].map((p) => p.catch(() => {})));
    if (this.token !== token) return;
    const w = this.over.naturalWidth, h = this.over.naturalHeight;
    Object.assign(this.canvas, { width: w, height: h });
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    const pixels = (image) => { context.drawImage(image, 0, 0); return context.getImageData(0, 0, w, h); };
    const a = pixels(this.over), b = pixels(this.under);
    let sum = 0;
    for (let i = 0; i < a.data.length; i++) {
      if (i % 4 === 3) continue;
      const d = Math.abs(a.data[i] - b.data[i]);
      sum += d;
      a.data[i] = Math.min(255, d * gain);
    }
    context.putImageData(a, 0, 0);
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `difference of ${left} and ${right}, ${gain} times`);
    this.sides.lastChild.textContent = `mean difference ${number(sum / (w * h * 3), 2)} of 255; black: none`;
  }
}

function viewerPart(section) {
  const pictures = picturesOf(section), film = section.media === "video", word = film ? "frame" : "picture";
  const lost = pictures.missing.length ? el("details", {}, el("summary", {}, `${plural(pictures.lost, "version")} could not be shown`), el("ul", { class: "note" }, pictures.missing.map((m) => el("li", {}, m)))) : null;
  if (!pictures.images.length) return { node: el("div", {}, el("p", { class: "note" }, "There are no pictures to look at in this report. `codec evaluate --keep FOLDER` keeps the encoded files, and `codec report --pictures FOLDER` shows them here."), lost) };
  const viewer = new Viewer(section);
  const [mean, least] = pictures.decibels;
  const note = `${film ? "Some frames of each video: crops" : "Crops"} of up to ${pictures.side} \u00d7 ${pictures.side} pixels at full resolution, where the ${word} has most detail; never scaled. ` +
    `What was decoded was coded once more at high quality for display: ${number(mean, 1)} dB from the decoded pixels on average, ${number(least, 1)} dB at worst. ` +
    `All numbers are of the whole ${film ? "videos" : "pictures"} as decoded.${pictures.left_out ? ` There was no room for ${plural(pictures.left_out, `more ${word}`)}.` : ""}`;
  return { node: el("div", {}, el("p", { class: "note" }, note), viewer.node, lost), open: (file, spec) => viewer.open(file, spec) };
}
