// The page: its parts in order, and what changes when something is chosen.

function describe(s, m) {
  return (p, one) => {
    const end = (v) => (m.decibels ? `${number(v, 2)} dB` : valueText(m, v)); // as they are drawn
    const interval = finite(p.low) && finite(p.high) ? ` [${p.spread ? "files: " : ""}${end(p.low)} to ${end(p.high)}]` : "";
    const decibels = m.decibels ? ` (${number(shown(m, p.value), 2)} dB)` : "";
    const flips = p.flips ? `; ${p.flips[0]} right to wrong, ${p.flips[1]} wrong to right` : "";
    return [el("b", {}, p.spec ?? one.name), `: ${rateNumber(p.rate)} ${s.rate}, ${m.task ? m.label : m.label.split(" (")[0]} `, el("b", {}, valueText(m, p.value)), `${decibels}${interval}${flips}`];
  };
}

// Points of a measure over the rate, or over another measure; `spread`: with the least and most of single files where
// else the interval of the mean stands.
function seriesOf(s, m, hidden, { over = null, spread = false } = {}) {
  const place = (p) => {
    const x = over ? over.points[family(p.spec)]?.find((q) => q.spec === p.spec) : null;
    return { ...p, spread, x: over ? (x ? shown(over, x.value) : null) : p.rate, y: shown(m, p.value), low: shown(m, spread ? p.least : p.low), high: shown(m, spread ? p.most : p.high) };
  };
  const ok = (p) => finite(p.x) && finite(p.y);
  const own = Object.entries(m.points).map(([codec, points]) => ({ name: codec, ...look(s, codec), points: points.map(place).filter(ok) }));
  const other = over ? [] : m.published.map(({ name, points }) => ({ name, cls: "sp", mark: "", points: points.map(([rate, value]) => ({ rate, value, x: rate, y: shown(m, value) })).filter(ok) }));
  return [...own, ...other].filter((one) => one.points.length && !hidden.has(one.name)).map((one) => (over ? { ...one, points: one.points.sort((a, b) => a.x - b.x) } : one));
}

function chips(s, names, hidden, onchange) {
  return el("fieldset", { class: "field" }, el("legend", {}, "Curves"), el("span", { class: "chips" }, names.map((name) => {
    const box = el("input", { type: "checkbox", checked: !hidden.has(name), onchange: () => { box.checked ? hidden.delete(name) : hidden.add(name); onchange(); } });
    return el("label", { class: "chip", title: s.codecs.find((c) => c.name === name)?.settings || null }, box, keyOf(s, name), name);
  })));
}
const curveNames = (s, list) => [...new Set([...s.codecs.map((c) => c.name), ...list.flatMap((m) => m.published.map((p) => p.name))])];
const SCALES = [["linear", "Linear"], ["log", "Logarithmic"]];
const BANDS = [["", "None"], ["interval", "95 %"], ["spread", "All files"]];

// The anchor of all BD-rates of a section, with the same choice in several places.
function anchorPicker(s) {
  const names = [...new Set(s.measures.flatMap((m) => Object.keys(m.bd)))];
  if (names.length < 2) return null;
  const field = picker("Anchor of BD-rates", names.map((n) => [n, n]), s.anchor, (v) => { s.anchor = v; s.anchored.forEach((act) => act()); });
  s.anchored.push(() => { field.querySelector("select").value = s.anchor; });
  return field;
}

function rdPart(s) {
  const metrics = s.measures.filter((m) => !m.task);
  if (!metrics.length) return null;
  const state = { m: metrics[0], log: false, bands: "" }, hidden = new Set(), side = el("div");
  const chart = new Chart((p, one) => describe(s, state.m)(p, one));
  const draw = () => {
    const { m } = state;
    const note = m.published.length ? " Dashed: published, of the files that their authors used." : "";
    chart.draw({
      title: `${m.label} over ${rateTitle(s)}`, x: rateTitle(s), y: axisText(m), log: state.log, bands: Boolean(state.bands), line: null, series: seriesOf(s, m, hidden, { spread: state.bands === "spread" }),
      empty: "No file has this metric with every codec.", hint: `${m.files ? `Means over ${plural(m.files, "file")}.` : ""}${note} Point at a mark, or focus the figure and use the arrow keys.`,
    });
  };
  const compare = () => side.replaceChildren(bdTable(s, state.m), bdNote(s, state.m));
  const choose = (name) => { state.m = metrics.find((m) => m.name === name); compare(); draw(); };
  s.anchored.push(compare);
  const controls = el("div", { class: "controls" },
    picker("Metric", metrics.map((m) => [m.name, m.label]), state.m.name, choose),
    choice("Rate", SCALES, "linear", (v) => { state.log = v === "log"; draw(); }),
    choice("Intervals", BANDS, state.bands, (v) => { state.bands = v; draw(); }),
    anchorPicker(s), chips(s, curveNames(s, metrics), hidden, draw));
  choose(state.m.name);
  return { title: "Rate and distortion", nodes: [controls, el("div", { class: "pair aside" }, chart.node, side)] };
}

function bdNote(s, m) {
  if (!bdOf(s, m).length) return "";
  const task = m.task ? " Curves of scores are made monotone first, and points as good as uncompressed are left out." : "";
  return el("p", { class: "note" }, `Mean change in bits at equal quality, over the range that both curves cover; below zero saves bits. Under it, the 95 % interval from resampled files: grey where it includes zero; without one (a published curve, a single file) no colour says more than the number. Grey too: from fewer than four points of a curve, too few to depend on.${task}`);
}

function taskPart(s, task) {
  const scores = s.measures.filter((m) => m.task === task), metrics = s.measures.filter((m) => !m.task && m.files);
  const state = { m: scores.find((m) => m.files) ?? scores[0], over: metrics[0], log: true, bands: true }, hidden = new Set();
  const left = new Chart((p, one) => describe(s, state.m)(p, one)), right = new Chart((p, one) => describe(s, state.m)(p, one));
  const tables = el("div", { class: "pair even" }), settings = el("details", {}, el("summary", {}, "Every setting: changes against the uncompressed files")), score = el("span");
  const draw = () => {
    const { m } = state, name = scoreTitle(m);
    const line = m.top && finite(m.top[0]) ? { y: m.top[0], text: `uncompressed ${number(m.top[0], 3)}` } : null;
    const common = { y: name, bands: state.bands, line, empty: "No file has this score with every codec." };
    left.draw({ ...common, title: `${name} over ${rateTitle(s)}`, x: rateTitle(s), log: state.log, series: seriesOf(s, m, hidden) });
    if (state.over) right.draw({ ...common, title: `${name} over ${state.over.label}`, x: axisText(state.over), log: false, bands: false, series: seriesOf(s, m, hidden, { over: state.over }), hint: "The same scores over a metric: a codec above the others keeps more of what machines see at equal distortion." });
  };
  const compare = () => tables.replaceChildren(...[el("div", {}, bdTable(s, state.m), bdNote(s, state.m)), equalTable(s, state.m)].filter(Boolean));
  s.anchored.push(compare);
  const choose = (name) => {
    const m = (state.m = scores.find((one) => one.name === name));
    const range = m.top && finite(m.top[0]) ? ` Uncompressed: ${number(m.top[0], 3)}${m.top[1] === m.top[2] ? "" : ` [${number(m.top[1], 3)} to ${number(m.top[2], 3)}]`}.` : "";
    score.textContent = `${plural(m.files, "file")}, ${m.higher ? "higher" : "lower"} is better.${range}`;
    compare();
    settings.replaceChildren(settings.firstChild, changeTable(s, m));
    draw();
  };
  const models = s.models[task] ?? [];
  const controls = el("div", { class: "controls" },
    picker("Score", scores.map((m) => [m.name, scoreTitle(m)]), state.m.name, choose),
    choice("Rate", SCALES, "log", (v) => { state.log = v === "log"; draw(); }),
    tick("Intervals", true, (v) => { state.bands = v; draw(); }),
    metrics.length > 1 ? picker("Second figure over", metrics.map((m) => [m.name, m.label.split(" (")[0]]), state.over.name, (v) => { state.over = metrics.find((m) => m.name === v); draw(); }) : null,
    anchorPicker(s), chips(s, curveNames(s, []), hidden, draw));
  choose(state.m.name);
  return {
    title: taskTitle(task), id: `task-${task}`,
    nodes: [el("p", { class: "lede" }, models.length ? `Model: ${models.join(", ")}. ` : "", models.length > 1 ? "The rows come from different models: their scores should not be compared. " : "", score), controls,
      el("div", { class: "pair even" }, left.node, metrics.length ? right.node : null), tables, settings],
  };
}

const LEADING = { image: ["psnr", "ms-ssim"], video: ["psnr-ycbcr", "psnr-y", "psnr-u", "psnr-v", "ssim", "ms-ssim"] };
// The answer first: bits saved against the anchor by the leading measures, and what it costs in time.
function glancePart(s) {
  const metrics = s.measures.filter((m) => !m.task && m.files), usual = metrics.filter((m) => (LEADING[s.media] ?? []).includes(m.name));
  const first = [...(usual.length ? usual : metrics.slice(0, 1)), ...[...new Set(s.measures.map((m) => m.task).filter(Boolean))].map((t) => s.measures.find((m) => m.task === t && m.files) ?? s.measures.find((m) => m.task === t))].slice(0, 6);
  if (!s.codecs.length) return null;
  const time = (found) => (name, i) => { const all = s.specs.filter((spec) => family(spec) === name && found[spec]).map((spec) => found[spec][i]); return all.length ? all.reduce((a, b) => a + b) / all.length : null; };
  const rates = (name) => s.measures.flatMap((m) => m.points[name] ?? []).map((p) => p.rate).filter(finite);
  const ends = (c) => (rates(c.name).length ? [Math.min(...rates(c.name)), Math.max(...rates(c.name))] : [null, null]);
  const of = (m, c) => bdOf(s, m).find((one) => one.codec === c.name);
  const seconds = ["encode", "decode"].map((title, i) => ({ title: `${title}, s`, why: (c) => (time(s.seconds)(c.name, i) === null ? NO_TIMES : ""), text: (c) => secondsText(time(s.seconds)(c.name, i)),
    data: (c) => ({ [`${title}_s`]: time(s.seconds)(c.name, i), [`${title}_cpu_s`]: time(s.cpu_seconds)(c.name, i) }) }));
  const made = table({
    label: "At a glance", rows: () => s.codecs, sticky: true,
    columns: [{ title: "codec", node: (c) => named(s, c.name), value: (c) => c.name, className: "wrap lead" },
      { title: `${s.rate} from to`, why: (c) => (rates(c.name).length ? "" : "no file that every codec has"), text: (c) => ends(c).map(rateNumber).join(" to "), data: (c) => ({ [`${s.rate} from`]: ends(c)[0], [`${s.rate} to`]: ends(c)[1] }) },
      ...first.map((m) => ({
        title: m.task ? m.name.slice(5) : m.label.split(" (")[0], className: "wrap", data: (c) => bdData(`bd.${m.name}`, of(m, c)),
        why: (c) => (c.name === s.anchor || of(m, c) ? "" : "no curve to compare"), node: (c, reasons) => (c.name === s.anchor ? el("span", { class: "none" }, "anchor") : bdCell(of(m, c), m, false, reasons)),
      })), ...seconds],
  });
  const lede = el("p", { class: "lede" }), tell = () => { lede.textContent = s.anchor && first.length ? `Bits against ${s.anchor} at equal quality (BD-rate): below zero saves bits; grey: no difference shown, or fewer than four points.` : ""; };
  tell();
  s.anchored.push(tell, made.paint);
  return { title: "At a glance", nodes: [lede, el("div", { class: "controls" }, anchorPicker(s)), made.node] };
}

// By what everything was made, as the rows say it.
function versionsPart() {
  const all = [...DATA.sections, ...(DATA.jpegs ? [DATA.jpegs] : [])], list = all.flatMap((s) => s.codecs.map((c) => [s, c]));
  if (!list.length) return null;
  const lines = (values) => values.map((v) => el("div", {}, v)), mixed = list.some(([, c]) => c.settings.length > 1);
  const column = (title, key, why) => ({ title, className: "text wrap", why: ([, c]) => (c[key].length ? "" : why), node: ([, c]) => lines(c[key]), value: ([, c]) => c[key].join("; ") || null });
  return {
    title: "Versions",
    nodes: [table({ label: "Versions", rows: () => list, sticky: true, columns: [{ title: "codec", node: ([s, c]) => named(s, c.name), value: ([, c]) => c.name }, column("versions and settings", "settings", "its rows do not say"), column("device", "devices", "its rows do not say")] }).node,
      el("p", { class: "note" }, mixed ? "Where a codec has several lines, its rows come from several versions or settings, and means mix them. " : "", `BD-rates, intervals and pictures of this page: ${DATA.made}.`)],
  };
}

function notesPart() {
  const { errors } = DATA;
  const list = errors.length ? table({ label: "Errors", rows: () => errors, columns: ["file", "codec", "error"].map((k) => ({ title: k, text: (r) => r[k], value: (r) => r[k], className: "text wrap" })) }).node : null;
  const notes = [
    "Rates are those of real files, headers included. Means are over the files that every codec could code; a metric's over those among them that have it with all.",
    "Intervals are 95 % percentile bootstraps over files. Where uncompressed scores are known, the same files are drawn for both, and the band is the uncompressed score plus the interval of the change: a band that reaches the dashed line is no loss shown. Bands say how a codec does on other files of the kind, not how two codecs differ.",
    "Published curves are of the files that their authors used, usually the 24 of Kodak: they compare with the others only where these are the same files.",
    "CPU seconds are those of all cores together; the others are of the clock, and depend on what else the machine did. The time of a codec in a figure is the mean over its settings, or at a rate between its settings\u2019 times.",
    "BD-rates take piecewise monotone cubics of the logarithm of the rate, over the range that both curves cover, which stands beside them; nothing is extrapolated. Those by a task's score need four points of each curve below the uncompressed score and half of the narrower range in common.",
    "\u201cUncompressed\u201d is the file as given: pictures and sound of most sets were compressed before.",
    "What this is not: sets are small, and each task is one model's view. A model may have been trained on the very files.",
  ];
  return { title: "Notes", nodes: [errors.length ? el("h3", {}, `${plural(errors.length, "row")} failed and ${errors.length === 1 ? "is" : "are"} in no mean`) : null, list, el("ul", { class: "note" }, notes.map((n) => el("li", {}, n)))] };
}

function build() {
  const main = document.getElementById("main"), nav = document.getElementById("nav"), several = DATA.sections.length > 1;
  const add = (part, suffix = "") => {
    if (!part) return;
    const id = (part.id ?? part.title.toLowerCase().replace(/[^a-z]+/g, "-")) + suffix.toLowerCase().replace(/[^a-z]+/g, "-");
    main.append(el("section", { id, "aria-label": part.title + suffix }, el("h2", {}, part.title + suffix), part.nodes));
    nav.append(el("a", { href: `#${id}` }, part.title + suffix));
  };
  const facts = [];
  for (const s of DATA.sections) {
    s.anchored = []; // what is drawn anew when another anchor is chosen
    const [kind, word] = { audio: ["sound", "sound file"], video: ["videos", "video"] }[s.media] ?? ["pictures", "picture"];
    const suffix = several ? `, ${kind}` : "";
    if (s.files) facts.push(plural(s.files, word), plural(s.codecs.length, "codec"), plural(s.specs.length, "setting"), ...(s.common === s.files ? [] : [`${number(s.common)} of the ${plural(s.files, word)} coded by all`]));
    add(glancePart(s), suffix);
    if (s.items.rows.length && !s.common) main.lastChild?.append(el("p", { class: "note" }, "No file was coded by every codec, so there is nothing to compare; the table of files has what there is."));
    add(rdPart(s), suffix);
    add(timePart(s), suffix);
    for (const task of new Set(s.measures.map((m) => m.task).filter(Boolean))) add(taskPart(s, task), suffix);
    const viewer = s.media !== "audio" && s.items.rows.length ? viewerPart(s) : null;
    if (viewer) add({ title: "Viewer", nodes: [viewer.node] }, suffix);
    const archives = Object.keys(s.archives);
    if (archives.length) add({ title: "Archives", nodes: [el("p", { class: "lede" }, "Each session of an archive: bytes that the archive grew by, frames that are earlier sessions\u2019, networks that begin from theirs. Backward transfer: PSNR after later sessions less that at first, the furthest from 0; changed: after how many of them its SHA-256 was another."), ...archives.map((spec) => sessionsTable(s, spec))] }, suffix);
    if (s.specs.length) add({ title: "Settings", nodes: [settingsTable(s)] }, suffix);
    if (s.items.rows.length) add({ title: "Files", nodes: [itemsTable(s, viewer?.open)] }, suffix);
  }
  if (DATA.jpegs) {
    facts.push(plural(DATA.jpegs.files, "JPEG"));
    add(jpegsPart(DATA.jpegs));
  }
  add(versionsPart());
  add(notesPart());
  if (DATA.errors.length) facts.push(plural(DATA.errors.length, "error"));
  document.getElementById("facts").textContent = [...facts, DATA.day].join(" \u00b7 ");
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
}
build();
