// Tables: BD-rates, rates of equal quality, all settings, single files.

const named = (s, codec) => (codec === "original" ? codec : [keyOf(s, codec), " ", codec]);

// What a BD-rate says: green and orange only where there is an interval and it leaves no doubt of the sign; grey where a
// curve has too few points.
function bdCell(b, m, overlap, reasons) {
  if (b.value === null) return gapMark(b.why, reasons);
  const known = finite(b.low) && finite(b.high), unsure = known && b.low <= 0 && b.high >= 0;
  const cls = b.thin || unsure ? "unsure" : !known ? null : b.value < 0 ? "better" : "worse";
  const parts = [el("span", { class: cls, title: unsure ? "within its interval: no difference shown" : null }, percent(b.value))];
  if (b.thin) parts.push(el("small", {}, `${b.points} points only`));
  if (known) parts.push(el("small", {}, `${percent(b.low).replace(" %", "")} to ${percent(b.high)}`));
  if (overlap) parts.push(el("small", {}, `over ${valueRange(m, b.overlap)}`));
  return parts;
}
// A BD-rate as exports have it.
const bdData = (name, b) => ({ [name]: b?.value ?? null, [`${name}.low`]: b?.low ?? null, [`${name}.high`]: b?.high ?? null, [`${name}.points`]: b?.points ?? null });
const bdOf = (s, m) => m.bd[s.anchor] ?? [];

function valueRange(m, [low, high]) {
  const d = m.unit === "dB" ? 2 : 3;
  return `${number(low, finite(low) ? d : undefined)} to ${number(high, finite(high) ? d : undefined)}${m.unit ? ` ${m.unit}` : ""}`;
}

function bdTable(s, m) {
  const list = [...bdOf(s, m)].sort((a, b) => (a.value ?? Infinity) - (b.value ?? Infinity));
  if (!list.length) return el("p", { class: "note" }, s.anchor ? `No curve of ${s.anchor} to compare with.` : "Nothing to compare with.");
  return table({
    caption: `BD-rate against ${s.anchor}`, label: `BD-rate by ${m.name} against ${s.anchor}`, rows: () => list,
    columns: [
      { title: "codec", node: (b) => named(s, b.codec), value: (b) => b.codec, className: "wrap" },
      { title: "bits for the same quality", node: (b, reasons) => bdCell(b, m, true, reasons), className: "wrap",
        data: (b) => ({ ...bdData(`bd.${m.name}`, b), from: b.overlap[0], to: b.overlap[1], why: b.why || null }) },
    ],
  }).node;
}

function equalTable(s, m) {
  if (!m.equal.length) return null;
  const shares = [...new Set(m.equal.map((e) => e.share))];
  const codecs = [...new Set(m.equal.map((e) => e.codec))];
  const at = (codec, share) => m.equal.find((e) => e.codec === codec && e.share === share);
  const saving = (e) => { const base = at(s.anchor, e.share)?.rate; return e.rate === null || !base || e.codec === s.anchor ? null : 100 * (e.rate / base - 1); };
  const cell = (e) => [e.rate === null ? el("span", { class: "none", title: "beyond its points" }, e.why) : rateNumber(e.rate), saving(e) === null ? null : el("small", {}, `${percent(saving(e), 0)} against ${s.anchor}`)];
  return table({
    caption: `${s.rate} that keep a share of the uncompressed score`, label: `${s.rate} at shares of ${m.name}`, rows: () => codecs, sticky: true,
    columns: [
      { title: "codec", node: (c) => named(s, c), value: (c) => c, className: "wrap" },
      ...shares.map((share) => ({ title: `${number(100 * share)} % (${number(at(codecs[0], share).score, 3)})`, node: (c) => cell(at(c, share)), className: "wrap",
        data: (c) => ({ [`${s.rate} at ${100 * share} %`]: at(c, share).rate ?? at(c, share).why, [`change at ${100 * share} %`]: saving(at(c, share)) }) })),
    ],
  }).node;
}

// Every setting of a score: change against the uncompressed files, and which answers flipped.
function changeTable(s, m) {
  const rows = s.specs.map((spec) => m.points[family(spec)]?.find((p) => p.spec === spec)).filter(Boolean);
  const flips = rows.some((p) => p.flips), change = rows.some((p) => p.change);
  const unsure = (p) => p.change && finite(p.change[1]) && p.change[1] <= 0 && p.change[2] >= 0;
  const sign = (v) => (v > 0 ? "+" : "") + number(v, 3);
  const flip = (title, i, text) => ({ title, why: (p) => (p.flips ? "" : "not every answer is right or wrong"), text: (p) => text(p.flips[i]), value: (p) => p.flips?.[i] ?? null });
  return table({
    label: `Every setting: ${m.name}`, rows: () => rows, sortable: true, sticky: true,
    columns: [
      { title: "codec", node: (p) => named(s, p.spec), value: (p) => p.spec },
      { title: s.rate, text: (p) => rateNumber(p.rate), value: (p) => p.rate },
      { title: "score", text: (p) => number(p.value, 3), value: (p) => p.value },
      { title: "95 % interval", text: (p) => `${number(p.low, 3)} to ${number(p.high, 3)}`, value: (p) => p.low, data: (p) => ({ low: p.low, high: p.high }) },
      ...(change ? [{ title: "change", why: (p) => (p.change ? "" : "no uncompressed score"), text: (p) => `${sign(p.change[0])} (${sign(p.change[1])} to ${sign(p.change[2])})`, value: (p) => p.change?.[0] ?? null, cls: (p) => (unsure(p) ? "unsure" : ""),
        data: (p) => ({ change: p.change?.[0] ?? null, "change.low": p.change?.[1] ?? null, "change.high": p.change?.[2] ?? null }) }] : []),
      ...(flips ? [flip("right to wrong", 0, String), flip("wrong to right", 1, String), flip("McNemar p", 2, (v) => number(v, 3))] : []),
    ],
  }).node;
}

const NO_TIMES = "its rows have no times";
// Columns of the mean seconds that a codec's setting takes.
const timeColumns = (s, spec) => ["encode", "decode"].flatMap((title, i) => [["s", s.seconds], ["CPU s", s.cpu_seconds]].filter(([unit, found]) => unit === "s" || Object.keys(found).length).map(([unit, found]) => {
  const value = (r) => found[spec(r)]?.[i] ?? null;
  return { title: `${title}, ${unit}`, key: `${title}${unit === "s" ? "" : "_cpu"}_s`, why: (r) => (value(r) === null ? NO_TIMES : ""), text: (r) => secondsText(value(r)), value, upFirst: true };
}));

function settingsTable(s) {
  const point = (m, spec) => m.points[family(spec)]?.find((p) => p.spec === spec);
  const most = [...s.measures].sort((a, b) => b.files - a.files)[0];
  const drawn = s.specs.filter((spec) => most && point(most, spec));
  const rate = (spec) => point(most, spec).rate;
  return table({
    label: "Every setting", rows: () => drawn, sortable: true, sticky: true, tall: true,
    columns: [
      { title: "codec", node: (spec) => named(s, spec), value: (spec) => spec },
      { title: s.rate, text: (spec) => rateNumber(rate(spec)), value: rate },
      ...s.measures.filter((m) => m.files).map((m) => ({
        title: m.task ? m.name.slice(5) : m.name, key: m.name, value: (spec) => point(m, spec)?.value ?? null,
        why: (spec) => (point(m, spec)?.value ?? null) === null ? "no file has it with every codec" : "",
        text: (spec) => number(point(m, spec).value, finite(point(m, spec).value) ? decimalsOf(m) : undefined),
      })),
      ...timeColumns(s, (spec) => spec),
    ],
  }).node;
}

// The sessions of an archive, in their order: what each takes, what it has of earlier ones, what it has become since.
function sessionsTable(s, spec) {
  const names = shortNames(s.items.files), name = (file) => names[s.items.files.indexOf(file)];
  const column = (key, title, why, digits) => ({ title, key, why: (r) => ((r[key] ?? null) === null ? why : ""), text: (r) => number(r[key], digits), value: (r) => r[key] ?? null });
  const list = s.archives[spec], known = ({ value }) => list.some((r) => value(r) !== null);
  const none = "its row does not say", alone = "not coded alone in these rows", later = "no session came after it";
  return table({
    caption: spec, label: `Sessions of ${spec}`, rows: () => list, sticky: true,
    columns: [
      { title: "file", text: (r) => name(r.file), value: (r) => r.file },
      column("bytes", "bytes", none), column("content", "content", none), column("entry", "entry", none), column("psnr", "PSNR, 6:1:1", none, 2),
      ...[column("alone_bytes", "alone: bytes", alone), column("alone_psnr", "alone: PSNR", alone, 2)].filter(known),
      column("frames", "frames", none), column("shared", "shared", none), column("begun", "networks begun", none),
      { title: "weights reused", key: "reused", why: (r) => ((r.reused ?? null) === null ? "it has no networks" : ""), text: (r) => `${number(100 * r.reused, 0)} %`, value: (r) => r.reused ?? null },
      column("backward", "backward transfer, dB", later, 3), column("changed", "changed", later),
    ],
  }).node;
}

// Every row of the evaluation, with a way to the pictures.
function itemsTable(s, view) {
  const { files, specs, columns, rows } = s.items, names = shortNames(files);
  const state = { codec: "", text: "" }, reasons = new Map();
  for (const [reason, cells] of Object.entries(s.items.gaps)) for (const cell of cells) reasons.set(cell, reason);
  const line = new Map(rows.map((r, i) => [r, i * columns.length]));
  const pictured = new Set(picturesOf(s).images.flatMap((p) => Object.keys(p.versions).map((spec) => `${p.file}\n${spec}`)));
  const chosen = () => rows.filter((r) => (!state.codec || specs[r[1]] === state.codec || family(specs[r[1]]) === state.codec) && names[r[0]].toLowerCase().includes(state.text));
  const open = (r) => {
    const file = files[r[0]], spec = specs[r[1]];
    if (!view || !pictured.has(`${file}\n${spec}`)) return names[r[0]];
    return el("button", { type: "button", class: "link", title: "show in the viewer", onclick: () => view(file, spec) }, names[r[0]]);
  };
  const made = table({
    label: s.media === "jpeg" ? "Every JPEG" : "Every file", rows: chosen, sortable: true, sticky: true, tall: true, limit: 200,
    columns: [
      { title: "file", node: open, value: (r) => names[r[0]], data: (r) => ({ file: files[r[0]] }) },
      { title: "codec", node: (r) => named(s, specs[r[1]]), value: (r) => specs[r[1]], className: "text" },
      ...columns.map((c, i) => ({
        title: c.replace(/^task\./, "").replace(/_cpu_s$/, ", CPU s").replace(/_s$/, ", s"), key: c, value: (r) => r[i + 2],
        why: (r) => (r[i + 2] === null ? reasons.get(line.get(r) + i) : ""), text: (r) => (c.endsWith("_s") ? secondsText(r[i + 2]) : number(r[i + 2])),
      })),
    ],
  });
  const search = el("input", { type: "search", placeholder: "part of a name", oninput: () => { state.text = search.value.toLowerCase(); made.paint(); } });
  const some = [["", "all"], ...new Set([...s.codecs.map((c) => c.name), ...s.specs])].map((v) => (Array.isArray(v) ? v : [v, v]));
  return el("div", {}, el("div", { class: "controls" }, picker("Codec", some, "", (v) => { state.codec = v; made.paint(); }), el("label", { class: "field" }, "Files", search)), made.node);
}
