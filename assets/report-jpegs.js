// JPEG files that were made smaller: bytes against the JPEGs', by folder and by how they were coded.

function jpegsPart(found) {
  const s = { ...found, media: "jpeg", rate: "bpp", measures: [], anchored: [] }, hidden = new Set();
  const items = itemsTable(s, null);
  if (!found.whole) return { title: "JPEG files", nodes: [el("p", { class: "note" }, "No JPEG was made smaller by every codec, so there is nothing to compare; the table of files has what there is."), items] };
  const title = (g) => [g.folder === "." ? "" : g.folder, g.kind].filter(Boolean).join(": ") || "these files";
  const rows = [...found.groups.map((g) => ({ ...g, title: title(g) })), ...(found.groups.length > 1 ? [{ ...found.whole, title: "all together" }] : [])];
  const chart = new Chart((p, one) => [el("b", {}, one.name), `: ${p.text}, `, el("b", {}, percent(p.y)), finite(p.low) ? ` [${percent(p.low)} to ${percent(p.high)}]` : ""]);
  const point = (g, codec) => { const c = g.codecs[codec]; return { x: g.bpp, y: c.change, low: g.files > 1 ? c.low : null, high: g.files > 1 ? c.high : null, text: `${title(g)}, ${plural(g.files, "file")}` }; };
  const draw = () => chart.draw({
    title: "Bytes against the JPEGs over the JPEGs\u2019 bits per pixel", x: "bits per pixel of the JPEGs", y: "bytes against the JPEGs (%)", log: false, bands: true, line: null, empty: "Nothing to draw.",
    series: found.specs.filter((codec) => !hidden.has(codec)).map((codec) => ({ name: codec, ...look(s, codec), points: found.groups.map((g) => point(g, codec)).filter((p) => finite(p.x)).sort((a, b) => a.x - b.x) })),
    hint: "A mark for each folder and kind of JPEG; further down is smaller. Point at one to read its numbers.",
  });
  const cell = (codec) => (g) => { const c = g.codecs[codec]; return [el("span", { class: g.files > 1 && c.low > 0 ? "worse" : g.files > 1 && c.high < 0 ? "better" : null }, percent(c.change)), el("small", {}, `${number(c.bytes)} bytes`), g.files > 1 ? el("small", {}, `${percent(c.low).replace(" %", "")} to ${percent(c.high)}`) : null]; };
  const data = (codec) => (g) => { const c = g.codecs[codec]; return { [codec]: c.bytes, [`${codec} %`]: c.change, [`${codec} %.low`]: c.low, [`${codec} %.high`]: c.high }; };
  const sizes = table({
    label: "JPEG files made smaller", rows: () => rows, sticky: true,
    columns: [{ title: "JPEGs", text: (g) => g.title, value: (g) => g.title, className: "wrap lead" }, { title: "files", text: (g) => number(g.files), value: (g) => g.files },
      { title: "bytes", text: (g) => number(g.file_bytes), value: (g) => g.file_bytes }, ...found.specs.map((codec) => ({ title: codec, node: cell(codec), data: data(codec), className: "wrap" }))],
  });
  const time = (key) => (codec) => found.whole.codecs[codec][key];
  const column = (title, key) => ({ title, key, why: (codec) => (time(key)(codec) === null ? NO_TIMES : ""), text: (codec) => secondsText(time(key)(codec)), value: time(key) });
  const times = table({ label: "Seconds for a JPEG", caption: "Mean seconds for a JPEG", rows: () => found.specs, columns: [{ title: "codec", node: (codec) => named(s, codec), value: (codec) => codec, className: "wrap" }, column("encode, s", "encode_s"), column("decode, s", "decode_s")] });
  const lost = found.files - found.whole.files;
  draw();
  return {
    title: "JPEG files",
    nodes: [
      el("p", { class: "lede" }, `${plural(found.whole.files, "JPEG")} made smaller, each of which came back byte for byte: bytes against the JPEGs\u2019 own, of all files of a row together.${lost ? ` ${number(lost)} more that not every codec took ${lost === 1 ? "is" : "are"} left out.` : ""}`),
      el("div", { class: "controls" }, chips(s, found.specs, hidden, draw)), el("div", { class: "pair aside" }, chart.node, times.node), sizes.node,
      el("p", { class: "note" }, "Below the change its 95 % interval from resampled files. A kind with a quality has libjpeg\u2019s tables of it."),
      el("details", {}, el("summary", {}, "Every JPEG"), items)],
  };
}
