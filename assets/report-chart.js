// One figure: curves of points with bands, direct labels, a readout for pointer and keyboard. It knows no codecs.

function ticks(low, high, log, count) {
  if (log) {
    const found = [];
    for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++)
      for (const m of [1, 2, 3, 5, 7]) if (m * 10 ** k >= low && m * 10 ** k <= high) found.push(Number((m * 10 ** k).toPrecision(1)));
    if (found.length >= 3) return found;
  }
  const raw = (high - low) / count, size = 10 ** Math.floor(Math.log10(raw));
  const step = size * ([1, 2, 2.5, 5].find((m) => m * size >= raw) ?? 10);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}
const tickText = (v) => minus(String(Number(v.toPrecision(6))));

const FEW = 2, APART = 3; // bands that are filled beside each other, pixels between bars

class Chart {
  constructor(describe) {
    this.describe = describe; // point, series -> nodes of the readout
    this.svg = svg("svg", { class: "chart", role: "group", tabindex: 0 });
    this.readout = el("p", { class: "readout", "aria-live": "polite" });
    this.node = el("figure", {}, this.svg, this.readout);
    this.svg.addEventListener("pointermove", (e) => this.nearest(e));
    this.svg.addEventListener("pointerdown", (e) => this.nearest(e));
    this.svg.addEventListener("pointerleave", (e) => { if (e.pointerType === "mouse") this.clear(); });
    this.svg.addEventListener("keydown", (e) => this.key(e));
    new ResizeObserver(() => this.paint()).observe(this.node);
  }

  // Intervals are bars at the points, a little apart where curves share a rate; the band between them is filled of the curve
  // that is pointed at, or where there are few of them: more than that over each other are one grey.
  // plot: {title, x, y: axis titles, log, bands, line: {y, text} or null, series: [{name, cls, mark, points: [{x, y, low, high, ...}]}]}
  draw(plot) {
    this.plot = plot;
    this.at = null;
    this.svg.classList.remove("focused");
    this.painted = 0;
    this.svg.setAttribute("aria-label", `${plot.title}. Arrow keys go from point to point.`);
    this.paint();
    this.idle();
  }

  idle() {
    this.readout.replaceChildren(el("span", {}, this.plot.hint ?? "Point at a mark, or focus the figure and use the arrow keys, to read its numbers."));
  }

  scales(width, height) {
    const { series, line, log, bands } = this.plot;
    const own = series.filter((s) => s.mark && s.points.length), used = own.length ? own : series;
    const points = used.flatMap((s) => s.points);
    if (!points.length) return null;
    const range = (values) => [Math.min(...values), Math.max(...values)];
    let [x0, x1] = range(points.map((p) => p.x));
    let [y0, y1] = range([...points.flatMap((p) => (bands && finite(p.low) && finite(p.high) ? [p.y, p.low, p.high] : [p.y])), ...(line ? [line.y] : [])]);
    if (log) [x0, x1] = [x0 / 1.12, x1 * 1.12];
    else { const pad = (x1 - x0) * 0.05 || Math.abs(x0) * 0.1 || 1; [x0, x1] = [x0 >= 0 ? Math.max(0, x0 - pad) : x0 - pad, x1 + pad]; }
    const pad = (y1 - y0) * 0.07 || Math.abs(y0) * 0.1 || 1;
    [y0, y1] = [y0 - pad, y1 + pad];
    const longest = Math.max(0, ...own.map((s) => s.name.length));
    const box = { left: 58, right: width - Math.min(width * 0.16, 22 + 7.3 * longest), top: 34, bottom: height - 46 };
    const t = log ? Math.log : (v) => v;
    return {
      box, x0, x1, y0, y1,
      x: (v) => box.left + ((t(v) - t(x0)) / (t(x1) - t(x0))) * (box.right - box.left),
      y: (v) => box.bottom - ((v - y0) / (y1 - y0)) * (box.bottom - box.top),
    };
  }

  paint() {
    const width = Math.round(this.node.clientWidth);
    if (!this.plot || !width || width === this.painted) return;
    this.painted = width;
    const height = Math.round(Math.max(280, Math.min(460, width * 0.62)));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const s = (this.scale = this.scales(width, height));
    if (!s) {
      this.svg.replaceChildren(svg("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, this.plot.empty ?? "Nothing to draw."));
      this.dots = [];
      return;
    }
    const clip = unique("clip"), { box } = s;
    this.dots = [];
    const layers = { bands: svg("g", { "clip-path": `url(#${clip})` }), curves: svg("g", { "clip-path": `url(#${clip})` }), marks: svg("g"), labels: svg("g") };
    const banded = this.plot.bands ? this.plot.series.filter((one) => one.points.some((p) => finite(p.low) && finite(p.high))) : [];
    this.svg.classList.toggle("few", banded.length <= FEW);
    const apart = banded.some((one) => one.points.length > 1) ? APART : 0;
    for (const one of this.plot.series) this.curve(one, layers, s, apart * (banded.indexOf(one) - (banded.length - 1) / 2));
    this.focus = svg("g", { "pointer-events": "none" });
    this.svg.replaceChildren(
      svg("defs", {}, svg("clipPath", { id: clip }, svg("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top }))),
      this.axes(s, width, height), layers.bands, this.line(s), layers.curves, layers.marks, layers.labels, this.focus);
    this.labels(layers.labels, s, width);
    if (this.at) this.select(this.at.series, this.at.index, true);
  }

  axes(s, width, height) {
    const { box } = s, g = svg("g");
    let last = -Infinity;
    for (const v of ticks(s.x0, s.x1, this.plot.log, Math.max(3, width / 90))) {
      const x = s.x(v);
      g.append(svg("line", { class: "grid", x1: x, x2: x, y1: box.top, y2: box.bottom }));
      if (x - last < 34) continue;
      last = x;
      g.append(svg("text", { x, y: box.bottom + 17, "text-anchor": "middle" }, tickText(v)));
    }
    for (const v of ticks(s.y0, s.y1, false, height / 60)) {
      const y = s.y(v);
      g.append(svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y, y2: y }), svg("text", { x: box.left - 8, y: y + 4, "text-anchor": "end" }, tickText(v)));
    }
    g.append(svg("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
      svg("text", { x: box.right, y: height - 11, "text-anchor": "end" }, this.plot.x), svg("text", { class: "title", x: 14, y: 21 }, this.plot.y));
    return g;
  }

  line(s) {
    const { line } = this.plot;
    if (!line) return "";
    const y = s.y(line.y);
    return svg("g", {}, svg("line", { class: "top", x1: s.box.left, x2: s.box.right, y1: y, y2: y }),
      svg("text", { class: "toplabel", x: s.box.left + 6, y: y - 6 }, line.text));
  }

  curve(one, layers, s, aside) {
    const points = one.points.map((p) => [s.x(p.x), s.y(p.y)]);
    const path = (list) => list.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
    const banded = one.points.filter((p) => finite(p.low) && finite(p.high));
    const group = (...children) => svg("g", { class: one.cls, "data-series": one.name }, ...children);
    if (this.plot.bands && banded.length) {
      const bars = banded.filter((p) => p.low !== p.high).map((p) => {
        const x = s.x(p.x), [top, bottom] = [s.y(p.high), s.y(p.low)];
        return `M${(x - 2.5).toFixed(1)} ${top.toFixed(1)}h5M${x.toFixed(1)} ${top.toFixed(1)}V${bottom.toFixed(1)}m-2.5 0h5`;
      });
      const ends = [...banded.map((p) => [s.x(p.x), s.y(p.high)]), ...banded.reverse().map((p) => [s.x(p.x), s.y(p.low)])];
      layers.bands.append(group(ends.length > 2 ? svg("path", { class: "band", d: `${path(ends)}Z` }) : "", svg("path", { class: "bars", d: bars.join(""), style: `--aside: ${aside}px` })));
    }
    layers.curves.append(group(svg("path", { class: "curve", d: path(points) })));
    if (one.mark) layers.marks.append(group(points.map(([x, y]) => svg("path", { class: "mark", d: one.mark, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` }))));
    this.dots.push(points);
  }

  // Each name beside its own curve, where it covers least of the others; the far end is best.
  labels(layer, s, width) {
    const taken = [], ink = [];
    this.dots.forEach((points, k) => points.forEach(([x, y], i) => {
      ink.push([x, y, k]);
      if (i) for (let t = 0.1; t < 1; t += 0.1) ink.push([points[i - 1][0] + (x - points[i - 1][0]) * t, points[i - 1][1] + (y - points[i - 1][1]) * t, k]);
    }));
    if (this.plot.line) for (let x = s.box.left; x < s.box.left + 170; x += 8) ink.push([x, s.y(this.plot.line.y) - 8, -1]);
    const { box } = s;
    this.plot.series.forEach((one, k) => {
      const w = one.name.length * 7.3 + 4, h = 14;
      let best = null;
      const inside = ([x, y]) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
      const dots = this.dots[k].filter(inside);
      const seen = dots.length ? dots : ink.filter((o) => o[2] === k && inside(o)); // a curve may only pass through
      seen.forEach(([x, y], i) => {
        for (const [dx, dy] of [[10, 4], [8, -9], [8, 17], [-w / 2, -11], [-w / 2, 21], [-w - 9, 4], [-w - 6, -9], [-w - 6, 17], [12, 30], [12, -22], [-w - 10, -22], [-w - 10, 30]]) {
          const b = [x + dx, y + dy - 11, x + dx + w, y + dy - 11 + h];
          if (b[0] < box.left || b[2] > width - 4 || b[1] < box.top - 6 || b[3] > box.bottom) continue;
          const over = taken.filter((o) => b[0] < o[2] + 2 && o[0] < b[2] + 2 && b[1] < o[3] && o[1] < b[3]).length;
          const hit = ink.filter((o) => o[0] > b[0] - 3 && o[0] < b[2] + 3 && o[1] > b[1] && o[1] < b[3]).length;
          const cost = over * 100 + hit * 3 + (seen.length - 1 - i) * 1.5 + Math.hypot(dx < 0 ? dx + w : dx, dy - 4) * 0.05 + (dx < 0 ? 2 : 0);
          if (!best || cost < best.cost) best = { cost, b, x: x + dx, y: y + dy };
        }
      });
      if (!best || best.cost >= 100) return; // no room: the key above the figure still names it
      taken.push(best.b);
      layer.append(svg("g", { class: one.cls, "data-series": one.name }, svg("text", { class: "label", x: best.x.toFixed(1), y: best.y.toFixed(1) }, one.name)));
    });
  }

  nearest(event) {
    if (!this.scale || !this.plot) return;
    const r = this.svg.getBoundingClientRect(), k = this.painted / r.width;
    const x = (event.clientX - r.left) * k, y = (event.clientY - r.top) * k;
    let best = null;
    this.dots.forEach((points, series) => points.forEach(([px, py], index) => {
      const d = Math.hypot(px - x, py - y);
      if (d < 36 && (!best || d < best.d)) best = { d, series, index };
    }));
    if (best) this.select(best.series, best.index);
    else if (event.type === "pointerdown") this.clear();
  }

  clear() {
    if (!this.at || !this.plot) return;
    this.at = null;
    this.focus.replaceChildren();
    this.svg.classList.remove("focused");
    this.idle();
  }

  key(event) {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (event.key === "Escape") return this.clear();
    if (!step || !this.dots?.length) return;
    event.preventDefault();
    const n = this.dots.length, some = (i) => this.dots[i].length > 0;
    if (!this.at) return this.select(Math.max(0, this.dots.findIndex((d) => d.length)), 0);
    let series = this.at.series;
    if (step[0]) do series = (series + step[0] + n) % n; while (!some(series)); // one at least has points: this one
    this.select(series, Math.max(0, Math.min(this.dots[series].length - 1, this.at.index + step[1])));
  }

  select(series, index, again = false) {
    const dot = this.dots[series]?.[index];
    if (!dot || (!again && this.at?.series === series && this.at.index === index)) return;
    this.at = { series, index };
    const [x, y] = dot, { box } = this.scale;
    this.focus.replaceChildren(svg("line", { class: "cross", x1: x, x2: x, y1: y, y2: box.bottom }), svg("line", { class: "cross", x1: box.left, x2: x, y1: y, y2: y }), svg("circle", { class: "ring", cx: x, cy: y, r: 8 }));
    const one = this.plot.series[series];
    this.svg.classList.add("focused");
    for (const g of this.svg.querySelectorAll("[data-series]")) g.classList.toggle("on", g.dataset.series === one.name);
    this.readout.replaceChildren(...this.describe(one.points[index], one));
  }
}
