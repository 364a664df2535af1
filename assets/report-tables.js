// Tables: BD-rates, rates of equal quality, all settings, single files. Columns are {title, text, value, node, cls}.

function table({ caption, columns, rows, sticky = false, tall = false, limit = Infinity, sortable = false, label = "" }) {
  const body = el("tbody"), more = el("button", { type: "button", class: "hidden" });
  let order = null, all = false;
  const paint = () => {
    let list = rows();
    if (order) {
      const { column, down } = order, value = columns[column].value;
      const rank = (v) => (v === "inf" ? Infinity : v === "-inf" ? -Infinity : v);
      list = list.map((r, i) => [rank(value(r)), i, r]).sort(([a, i], [b, j]) => {
        if (a === null || b === null) return (a === null) - (b === null) || i - j; // what is missing comes last either way
        const way = typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a < b ? -1 : a > b ? 1 : 0;
        return (down ? -way : way) || i - j;
      }).map(([, , r]) => r);
    }
    const part = all ? list : list.slice(0, limit);
    body.replaceChildren(...part.map((r) => el("tr", {}, columns.map((c, i) => el(i ? "td" : "th", { class: c.cls?.(r) ?? c.className, scope: i ? null : "row" }, c.node ? c.node(r) : c.text(r))))));
    more.classList.toggle("hidden", part.length === list.length);
    more.textContent = `Show all ${number(list.length)} rows`;
  };
  more.addEventListener("click", () => { all = true; paint(); });
  const heads = columns.map((c, i) => {
    if (!sortable) return el("th", { scope: "col", class: c.className }, c.title);
    const head = el("th", { scope: "col", class: c.className }, el("button", { type: "button", class: "sort", onclick: () => {
      order = { column: i, down: order?.column === i ? !order.down : !c.upFirst && rows().some((r) => typeof c.value(r) === "number") };
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      paint();
    } }, c.title));
    return head;
  });
  const kind = [sticky ? "sticky" : "", columns.length > 9 ? "wide" : ""].join(" ").trim();
  const grid = el("table", { class: kind || null }, caption ? el("caption", {}, caption) : null, el("thead", {}, el("tr", {}, heads)), body);
  const node = el("div", {}, el("div", { class: `scroll${tall ? " tall" : ""}`, tabindex: 0, role: "region", "aria-label": label || caption || "Table" }, grid), more);
  paint();
  return { node, paint };
}

const named = (s, codec) => (codec === "original" ? codec : [keyOf(s, codec), " ", codec]);

// What a BD-rate says: green and orange only where there is an interval and it leaves no doubt of the sign; grey where a
// curve has too few points.
function bdCell(b, m, overlap) {
  if (b.value === null) return el("span", { class: "none" }, `n/a: ${b.why}`);
  const known = finite(b.low) && finite(b.high), unsure = known && b.low <= 0 && b.high >= 0;
  const cls = b.thin || unsure ? "unsure" : !known ? null : b.value < 0 ? "better" : "worse";
  const parts = [el("span", { class: cls, title: unsure ? "within its interval: no difference shown" : null }, percent(b.value))];
  if (b.thin) parts.push(el("small", {}, `${b.points} points only`));
  if (known) parts.push(el("small", {}, `${percent(b.low).replace(" %", "")} to ${percent(b.high)}`));
  if (overlap) parts.push(el("small", {}, `over ${valueRange(m, b.overlap)}`));
  return parts;
}
function valueRange(m, [low, high]) {
  const d = m.unit === "dB" ? 2 : 3;
  return `${number(low, finite(low) ? d : undefined)} to ${number(high, finite(high) ? d : undefined)}${m.unit ? ` ${m.unit}` : ""}`;
}

function bdTable(s, m) {
  if (!m.bd.length) return el("p", { class: "note" }, s.anchor ? `No curve of ${s.anchor} to compare with.` : "Nothing to compare with.");
  const list = [...m.bd].sort((a, b) => (a.value ?? Infinity) - (b.value ?? Infinity));
  return table({
    caption: `BD-rate against ${s.anchor}`, rows: () => list,
    columns: [
      { title: "codec", node: (b) => named(s, b.codec), className: "wrap" },
      { title: "bits for the same quality", node: (b) => bdCell(b, m, true), className: "wrap" },
    ],
  }).node;
}

function equalTable(s, m) {
  if (!m.equal.length) return null;
  const shares = [...new Set(m.equal.map((e) => e.share))];
  const codecs = [...new Set(m.equal.map((e) => e.codec))];
  const at = (codec, share) => m.equal.find((e) => e.codec === codec && e.share === share);
  const cell = (e) => [rate(e), e.saving === null ? null : el("small", {}, `${percent(e.saving, 0)} against ${s.anchor}`)];
  const rate = (e) => (e.rate === null ? el("span", { class: "none" }, e.why) : rateNumber(e.rate));
  return table({
    caption: `${s.rate} that keep a share of the uncompressed score`, rows: () => codecs,
    columns: [{ title: "codec", node: (c) => named(s, c), className: "wrap" },
      ...shares.map((share) => ({ title: `${number(100 * share)} % (${number(at(codecs[0], share).score, 3)})`, node: (c) => cell(at(c, share)) }))],
  }).node;
}

// Every setting of a score: change against the uncompressed files, and which answers flipped.
function changeTable(s, m) {
  const rows = s.specs.map((spec) => m.points[family(spec)]?.find((p) => p.spec === spec)).filter(Boolean);
  const flips = rows.some((p) => p.flips), change = rows.some((p) => p.change);
  const unsure = (p) => p.change && finite(p.change[1]) && p.change[1] <= 0 && p.change[2] >= 0;
  const sign = (v) => (v > 0 ? "+" : "") + number(v, 3);
  return table({
    label: `Every setting: ${m.name}`, rows: () => rows, sortable: true, sticky: true,
    columns: [
      { title: "codec", node: (p) => named(s, p.spec), value: (p) => p.spec },
      { title: s.rate, text: (p) => rateNumber(p.rate), value: (p) => p.rate },
      { title: "score", text: (p) => number(p.value, 3), value: (p) => p.value },
      { title: "95 % interval", text: (p) => `${number(p.low, 3)} to ${number(p.high, 3)}`, value: (p) => p.low },
      ...(change ? [{ title: "change", text: (p) => (p.change ? `${sign(p.change[0])} (${sign(p.change[1])} to ${sign(p.change[2])})` : ""), value: (p) => p.change?.[0] ?? null, cls: (p) => (unsure(p) ? "unsure" : "") }] : []),
      ...(flips ? [
        { title: "right to wrong", text: (p) => (p.flips ? String(p.flips[0]) : ""), value: (p) => p.flips?.[0] ?? null },
        { title: "wrong to right", text: (p) => (p.flips ? String(p.flips[1]) : ""), value: (p) => p.flips?.[1] ?? null },
        { title: "McNemar p", text: (p) => (p.flips ? number(p.flips[2], 3) : ""), value: (p) => p.flips?.[2] ?? null },
      ] : []),
    ],
  }).node;
}

function settingsTable(s) {
  const point = (m, spec) => m.points[family(spec)]?.find((p) => p.spec === spec);
  const most = [...s.measures].sort((a, b) => b.files - a.files)[0];
  const drawn = s.specs.filter((spec) => most && point(most, spec));
  const rate = (spec) => point(most, spec).rate;
  const time = (i) => (spec) => s.seconds[spec]?.[i] ?? null;
  return table({
    label: "Every setting", rows: () => drawn, sortable: true, sticky: true, tall: true,
    columns: [
      { title: "codec", node: (spec) => named(s, spec), value: (spec) => spec },
      { title: s.rate, text: (spec) => rateNumber(rate(spec)), value: rate },
      ...s.measures.filter((m) => m.files).map((m) => ({
        title: m.task ? m.name.slice(5) : m.name, value: (spec) => point(m, spec)?.value ?? null,
        text: (spec) => number(point(m, spec)?.value ?? null, finite(point(m, spec)?.value) ? decimalsOf(m) : undefined),
      })),
      { title: "encode, s", text: (spec) => secondsText(time(0)(spec)), value: time(0), upFirst: true },
      { title: "decode, s", text: (spec) => secondsText(time(1)(spec)), value: time(1), upFirst: true },
    ],
  }).node;
}

// The sessions of an archive, in their order: what each takes, what it has of earlier ones, what it has become since.
function sessionsTable(s, spec) {
  const names = shortNames(s.items.files), name = (file) => names[s.items.files.indexOf(file)];
  const column = (key, title, digits) => ({ title, text: (r) => number(r[key], digits), value: (r) => r[key] });
  const list = s.archives[spec], known = ({ value }) => list.some((r) => value(r) !== null);
  return table({
    caption: spec, rows: () => list, sticky: true,
    columns: [
      { title: "file", text: (r) => name(r.file), value: (r) => r.session },
      column("bytes", "bytes"), column("content", "content"), column("entry", "entry"), column("psnr", "PSNR, 6:1:1", 2),
      ...[column("alone_bytes", "alone: bytes"), column("alone_psnr", "alone: PSNR", 2)].filter(known),
      column("frames", "frames"), column("shared", "shared"), column("begun", "networks begun"),
      { title: "weights reused", text: (r) => (r.reused === null ? "" : `${number(100 * r.reused, 0)} %`) },
      column("backward", "backward transfer, dB", 3), column("changed", "changed"),
    ],
  }).node;
}

// Every row of the evaluation, with a way to the pictures.
function itemsTable(s, view) {
  const { files, specs, columns, rows } = s.items, names = shortNames(files);
  const state = { codec: "", text: "" };
  const pictured = new Set(picturesOf(s).images.flatMap((p) => Object.keys(p.versions).map((spec) => `${p.file}\n${spec}`)));
  const chosen = () => rows.filter((r) => (!state.codec || specs[r[1]] === state.codec || family(specs[r[1]]) === state.codec) && names[r[0]].toLowerCase().includes(state.text));
  const open = (r) => {
    const file = files[r[0]], spec = specs[r[1]];
    if (!view || !pictured.has(`${file}\n${spec}`)) return names[r[0]];
    return el("button", { type: "button", class: "link", title: "show in the viewer", onclick: () => view(file, spec) }, names[r[0]]);
  };
  const made = table({
    label: "Every file", rows: chosen, sortable: true, sticky: true, tall: true, limit: 200,
    columns: [
      { title: "file", node: open, value: (r) => names[r[0]] },
      { title: "codec", node: (r) => named(s, specs[r[1]]), value: (r) => specs[r[1]], className: "text" },
      ...columns.map((c, i) => ({ title: c.replace(/^task\./, "").replace(/_s$/, ", s"), text: (r) => number(r[i + 2]), value: (r) => r[i + 2] })),
    ],
  });
  const search = el("input", { type: "search", placeholder: "part of a name", oninput: () => { state.text = search.value.toLowerCase(); made.paint(); } });
  const some = [["", "all"], ...new Set([...s.codecs.map((c) => c.name), ...s.specs])].map((v) => (Array.isArray(v) ? v : [v, v]));
  return el("div", {}, el("div", { class: "controls" }, picker("Codec", some, "", (v) => { state.codec = v; made.paint(); }), el("label", { class: "field" }, "Files", search)), made.node);
}
