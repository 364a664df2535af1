// What quality costs in time: a point a codec, its seconds against its BD-rate or against its quality at one rate.

// A value between the settings of a codec, by the logarithm of the rate; null beyond them.
function atRate(points, rate, of) {
  const list = points.map((p) => [p.rate, of(p)]).filter(([, v]) => finite(v)).sort(([a], [b]) => a - b);
  const i = list.findIndex(([r]) => r >= rate);
  if (i < 0 || (i === 0 && list[0][0] !== rate)) return null;
  if (list[i][0] === rate) return list[i][1];
  const [[r0, v0], [r1, v1]] = [list[i - 1], list[i]], part = Math.log(rate / r0) / Math.log(r1 / r0);
  return v0 + part * (v1 - v0);
}

// Round rates, from which one can be chosen: those that some codec has settings on both sides of.
function roundRates(curves) {
  const found = [];
  for (let k = -3; k <= 4; k++) for (const m of [1, 1.5, 2, 3, 5, 7]) found.push(Number((m * 10 ** k).toPrecision(2)));
  return found.map((rate) => [rate, curves.filter((points) => atRate(points, rate, () => 0) !== null).length]).filter(([, n]) => n);
}

function timePart(s) {
  const cpu = Object.keys(s.cpu_seconds).length > 0 && Object.keys(s.seconds).every((spec) => spec in s.cpu_seconds), times = cpu ? s.cpu_seconds : s.seconds, unit = cpu ? "CPU seconds" : "seconds";
  const known = s.measures.filter((m) => m.files);
  if (!Object.keys(times).length || !known.length) return null;
  const state = { way: 0, show: "bd", m: known[0], rate: null }, hidden = new Set(), side = el("div"), rates = el("div", { class: "field" });
  const name = (m) => (m.task ? scoreTitle(m) : m.label.split(" (")[0]);
  const chart = new Chart((p, one) => [el("b", {}, one.name), `: ${secondsText(p.x)} ${unit} to ${state.way ? "decode" : "encode"}, `, el("b", {}, p.text)]);
  const seconds = (codec, i) => {
    const points = (state.m.points[codec] ?? []).filter((p) => times[p.spec]);
    if (!points.length) return null;
    if (state.show === "bd") return points.reduce((sum, p) => sum + times[p.spec][i], 0) / points.length;
    const log = atRate(points, state.rate, (p) => Math.log(Math.max(times[p.spec][i], 1e-5)));
    return log === null ? null : Math.exp(log);
  };
  // value, its interval, what is said of it; or why there is none.
  const quality = (codec) => {
    const { m } = state;
    if (state.show === "rate") {
      const v = atRate(m.points[codec] ?? [], state.rate, (p) => shown(m, p.value));
      return v === null ? { why: `no settings on both sides of ${rateNumber(state.rate)} ${s.rate}` } : { value: v, text: `${name(m)} ${number(v, m.unit ? 2 : 3)}${m.unit ? ` ${m.unit}` : ""} at ${rateNumber(state.rate)} ${s.rate}` };
    }
    if (codec === s.anchor) return { value: 0, text: "the anchor" };
    const b = bdOf(s, m).find((one) => one.codec === codec);
    if (!b || b.value === null) return { why: b?.why || "no curve to compare" };
    return { value: b.value, low: b.low, high: b.high, text: `${percent(b.value)} bits against ${s.anchor}${finite(b.low) ? ` [${percent(b.low)} to ${percent(b.high)}]` : ""}` };
  };
  const title = () => (state.show === "bd" ? `BD-rate against ${s.anchor} by ${name(state.m)} (%)` : `${name(state.m)}${state.m.unit ? ` (${state.m.unit})` : ""} at ${rateNumber(state.rate)} ${s.rate}`);
  const draw = () => {
    const names = s.codecs.map((c) => c.name), x = `${unit} to ${state.way ? "decode" : "encode"} a file`;
    const list = names.map((codec) => ({ codec, seconds: [0, 1].map((i) => seconds(codec, i)), ...quality(codec) }));
    const why = (r) => r.why ?? (r.seconds[state.way] === null ? NO_TIMES : "");
    chart.draw({
      title: `${title()} over ${x}`, x, y: title(), log: true, bands: true, line: null, empty: "No codec has both.",
      series: list.filter((r) => !hidden.has(r.codec)).map((r) => ({ name: r.codec, ...look(s, r.codec), points: why(r) ? [] : [{ ...r, x: Math.max(r.seconds[state.way], 1e-4), y: r.value }] })),
      hint: `${state.show === "bd" ? "Further down is smaller" : state.m.higher ? "Further up is better" : "Further down is better"}, further left is quicker. Times are of the machine that made the rows.`,
    });
    const way = (text, i) => ({ title: text, key: `${text}${cpu ? "_cpu" : ""}_s`, value: (r) => r.seconds[i], why: (r) => (r.seconds[i] === null ? r.why ?? NO_TIMES : ""), text: (r) => secondsText(r.seconds[i]) });
    side.replaceChildren(table({
      label: `Time and ${title()}`, caption: `Mean ${unit} a file`, rows: () => list, sticky: true,
      columns: [{ title: "codec", node: (r) => named(s, r.codec), value: (r) => r.codec, className: "wrap" }, way("encode", 0), way("decode", 1),
        { title: state.show === "bd" ? "BD-rate" : name(state.m), key: title(), value: (r) => r.value ?? null, why: (r) => r.why ?? "", text: (r) => (state.show === "bd" ? (r.codec === s.anchor ? "anchor" : percent(r.value)) : number(r.value, state.m.unit ? 2 : 3)) }],
    }).node);
  };
  const choose = () => {
    const found = roundRates(Object.values(state.m.points)), most = Math.max(...found.map(([, n]) => n)), best = found.filter(([, n]) => n === most);
    if (!found.some(([rate]) => rate === state.rate)) state.rate = best.length ? best[Math.floor(best.length / 2)][0] : null;
    rates.replaceChildren(picker("Rate", found.map(([rate, n]) => [rate, `${rateNumber(rate)} ${s.rate} (${plural(n, "codec")})`]), state.rate, (v) => { state.rate = Number(v); draw(); }));
    rates.classList.toggle("hidden", state.show === "bd" || !found.length);
    draw();
  };
  const controls = el("div", { class: "controls" },
    choice("Time to", [[0, "Encode"], [1, "Decode"]], 0, (v) => { state.way = v; draw(); }),
    choice("Against", [["bd", "BD-rate"], ["rate", "Quality at a rate"]], "bd", (v) => { state.show = v; choose(); }),
    picker("Quality by", known.map((m) => [m.name, m.task ? `${taskTitle(m.task)}: ${scoreTitle(m)}` : m.label]), state.m.name, (v) => { state.m = known.find((m) => m.name === v); choose(); }),
    rates, anchorPicker(s), chips(s, s.codecs.map((c) => c.name), hidden, draw));
  s.anchored.push(draw);
  choose();
  return { title: "Time and quality", nodes: [controls, el("div", { class: "pair aside" }, chart.node, side)] };
}
