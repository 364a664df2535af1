// One table: sorted by its heads, with a reason for all that is missing, and to be had as CSV and JSON.
//
// Columns are {title, text or node: what a row shows, value: what it is sorted and exported by, why: "" or the reason that
// it is missing, key: its name in exports, data: all its fields there, where it has more than one}.

// A dash for what is missing; the reasons stand below the table, once each.
function gapMark(reason, reasons) {
  if (!reasons.includes(reason)) reasons.push(reason);
  return el("span", { class: "none gap", title: reason, "aria-label": `missing: ${reason}` }, "\u2013", el("sup", { "aria-hidden": "true" }, reasons.indexOf(reason) + 1));
}

function table({ caption, columns, rows, sticky = false, tall = false, limit = Infinity, sortable = false, label = "" }) {
  const body = el("tbody"), more = el("button", { type: "button", class: "hidden" }), notes = el("p", { class: "note gaps", hidden: true });
  let order = null, all = false;
  const sorted = () => {
    const list = rows();
    if (!order) return list;
    const { column, down } = order, { value } = columns[column];
    const rank = (v) => (v === "inf" ? Infinity : v === "-inf" ? -Infinity : v ?? null);
    return list.map((r, i) => [rank(value(r)), i, r]).sort(([a, i], [b, j]) => {
      if (a === null || b === null) return (a === null) - (b === null) || i - j; // what is missing comes last either way
      const way = typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a < b ? -1 : a > b ? 1 : 0;
      return (down ? -way : way) || i - j;
    }).map(([, , r]) => r);
  };
  const paint = () => {
    const list = sorted(), part = all ? list : list.slice(0, limit), reasons = [];
    const cell = (c, r) => { const why = c.why?.(r); return why ? gapMark(why, reasons) : c.node ? c.node(r, reasons) : c.text(r); };
    body.replaceChildren(...part.map((r) => el("tr", {}, columns.map((c, i) => el(i ? "td" : "th", { class: c.cls?.(r) ?? c.className, scope: i ? null : "row" }, cell(c, r))))));
    more.classList.toggle("hidden", part.length === list.length);
    more.textContent = `Show all ${number(list.length)} rows`;
    notes.hidden = !reasons.length;
    notes.replaceChildren("Missing: ", ...reasons.flatMap((reason, i) => [i ? "; " : "", el("sup", {}, i + 1), ` ${reason}`]), ".");
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
  const grid = el("table", { class: kind || null }, caption ? el("caption", {}, el("span", {}, caption)) : null, el("thead", {}, el("tr", {}, heads)), body);
  const records = () => sorted().map((r) => Object.assign({}, ...columns.map((c) => (c.data ? c.data(r) : { [c.key ?? c.title]: c.value(r) ?? null }))));
  const node = el("div", { class: "table" }, el("div", { class: `scroll${tall ? " tall" : ""}`, tabindex: 0, role: "region", "aria-label": label || caption || "Table" }, grid),
    notes, el("div", { class: "under" }, more, downloads(label || caption || "table", records)));
  paint();
  return { node, paint };
}

// Buttons that save all rows of a table, in the order shown, with numbers as they are and not as they are rounded.
function downloads(name, records) {
  const file = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  const save = (end, type, text) => () => {
    const url = URL.createObjectURL(new Blob([text(records())], { type }));
    el("a", { href: url, download: `${file}.${end}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };
  const button = (title, action) => el("button", { type: "button", class: "save", title: `Save this table as ${title}`, onclick: action }, title);
  return el("span", { class: "saves" }, button("CSV", save("csv", "text/csv", csvText)), button("JSON", save("json", "application/json", (list) => `${JSON.stringify(list, null, 1)}\n`)));
}

// What is missing is empty. A text that a spreadsheet would take for a formula gets an apostrophe before it.
function csvText(list) {
  const names = [...new Set(list.flatMap((r) => Object.keys(r)))];
  const text = (v) => (typeof v === "string" && !["inf", "-inf"].includes(v) ? v.replace(/^(?=[=+\-@\t\r])/, "'") : v === null || v === undefined ? "" : String(v));
  const quoted = (t) => (/[",\r\n]/.test(t) ? `"${t.replace(/"/g, '""')}"` : t);
  return [names, ...list.map((r) => names.map((n) => r[n]))].map((line) => `${line.map((v) => quoted(text(v))).join(",")}\n`).join("");
}
