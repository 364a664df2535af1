"use strict";
// Elements, numbers and the look of each codec: what all parts of the page share. Text only ever becomes text nodes.

const DATA = JSON.parse(document.getElementById("data").textContent);
const PICTURES = JSON.parse(document.getElementById("pictures").textContent);
const picturesOf = (section) => PICTURES[section.media] ?? { side: 0, images: [], left_out: 0, missing: [], decibels: [] };
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}
const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

let serial = 0;
const unique = (name) => `${name}-${++serial}`;

// Numbers come as numbers, "inf", "-inf", or null for what is missing.
const finite = (v) => typeof v === "number" && Number.isFinite(v);
const minus = (text) => text.replace(/-/g, "\u2212");
function number(v, decimals) {
  if (v === null || v === undefined) return "\u2013";
  if (!finite(v)) return v === "-inf" ? "\u2212\u221e" : "\u221e";
  if (decimals !== undefined) return minus(v.toFixed(decimals));
  if (v === 0 || (Number.isInteger(v) && Math.abs(v) < 1e15)) return minus(v.toLocaleString("en", { useGrouping: Math.abs(v) >= 1e4 }));
  const size = Math.floor(Math.log10(Math.abs(v)));
  return minus(size < -5 || size > 9 ? v.toExponential(2) : v.toFixed(Math.max(0, Math.min(8, 3 - size))));
}
const percent = (v, decimals = 1) => `${v > 0 ? "+" : ""}${number(v, decimals)} %`;
const secondsText = (v) => (finite(v) ? minus(String(Number(v.toPrecision(3)))) : number(v));
const rateNumber = (v) => (finite(v) ? number(v, v < 10 ? 3 : 1) : number(v));
const plural = (n, word) => `${number(n)} ${word}${n === 1 ? "" : "s"}`;

// A measure's value as its figures show it: MS-SSIM in decibels, since it crowds just below 1.
const shown = (m, v) => (!m.decibels || v === null ? v : !finite(v) ? v : v >= 1 ? "inf" : -10 * Math.log10(1 - v));
const decimalsOf = (m) => (m.unit === "dB" && !m.decibels ? 2 : m.decibels ? 4 : 3);
const valueText = (m, v) => `${number(v, finite(v) ? decimalsOf(m) : undefined)}${m.unit && !m.decibels ? ` ${m.unit}` : ""}`;
const axisText = (m) => (m.unit ? `${m.label} (${m.unit})` : m.label);
const taskTitle = (name) => ({ classify: "Classification", boundary: "Boundaries", segment: "Segmentation", speech: "Speech" })[name] ?? name;
const SCORES = {
  top1: "Top-1 accuracy", top5: "Top-5 accuracy", agree: "Agreement with the uncompressed prediction", nll: "Negative log-likelihood of the label",
  kl: "Divergence of the uncompressed prediction from the decoded one", wer: "Word error rate", wer_self: "Word error rate against the uncompressed transcript", capped: "Transcripts cut off",
  f: "F-measure of boundaries", covering: "Covering of the labelled regions", self_covering: "Covering of the uncompressed regions",
  correlation: "Correlation with the uncompressed boundaries", miou: "Mean intersection over union", miou_self: "Mean intersection over union with the uncompressed segmentation",
};
function scoreTitle(m) {
  const [base, ...rest] = m.label.split(".");
  return (SCORES[base] ?? base) + (rest.length ? `, ${rest.join(".")}` : "");
}
const rateTitle = (s) => (s.rate === "kbps" ? "kilobits per second" : "bits per pixel");

// Names without the folders that all files share.
function shortNames(files) {
  if (!files.length) return [];
  let start = files[0].lastIndexOf("/") + 1;
  while (start > 0 && !files.every((f) => f.startsWith(files[0].slice(0, start)))) start = files[0].lastIndexOf("/", start - 2) + 1;
  return files.map((f) => f.slice(start));
}

const MARKS = [
  "M0-4.6A4.6 4.6 0 1 1 0 4.6A4.6 4.6 0 1 1 0-4.6Z", "M-4.2-4.2H4.2V4.2H-4.2Z", "M0-5.4L5.2 3.8H-5.2Z",
  "M0-5.8L5.2 0L0 5.8L-5.2 0Z", "M0 5.4L5.2-3.8H-5.2Z", "M-1.7-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",
];
const family = (spec) => spec.split(":", 1)[0];
function look(section, codec) {
  const at = (name) => section.codecs.findIndex((c) => c.name === name), i = at(codec) < 0 ? at(family(codec)) : at(codec);
  return i < 0 ? { cls: "sp", mark: "" } : { cls: `s${i % 8}`, mark: MARKS[i % MARKS.length] };
}
function keyOf(section, codec) {
  const { cls, mark } = look(section, codec);
  return svg("svg", { class: `key ${cls}`, viewBox: "-11 -6 22 12", "aria-hidden": "true" },
    svg("line", { x1: -11, x2: 11 }), mark ? svg("path", { d: mark }) : null);
}

// Controls
function choice(title, options, value, onchange) {
  const name = unique("choice");
  return el("fieldset", { class: "field" }, el("legend", {}, title), el("span", { class: "choice" },
    options.map(([v, text]) => el("label", {}, el("input", { type: "radio", name, value: v, checked: v === value, onchange: () => onchange(v) }), text))));
}
function picker(title, options, value, onchange) {
  const select = el("select", { onchange: () => onchange(select.value) },
    options.map(([v, text]) => el("option", { value: v, selected: v === value }, text)));
  return el("label", { class: "field" }, title, select);
}
function tick(title, checked, onchange) {
  const box = el("input", { type: "checkbox", checked, onchange: () => onchange(box.checked) });
  return el("label", { class: "tick" }, box, title);
}
