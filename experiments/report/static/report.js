// Sorting and filtering of the ledger. The page is complete without it.
"use strict";
(() => {
  const table = document.querySelector("table.ledger");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const form = document.querySelector("form.filters");
  const shown = document.getElementById("shown");
  const empty = document.getElementById("empty");
  const sortBy = document.getElementById("sort-by");
  const fields = Object.fromEntries(
    ["text", "paper", "kind", "status", "flag"].map((name) => [name, document.getElementById("filter-" + name)]),
  );
  let sorting = { column: -1, descending: false };

  const keys = rows.map((row) => Array.from(row.cells, (cell) => cell.dataset.sort));
  const numeric = heads.map((_, c) => keys.every((key) => key[c] === "" || !Number.isNaN(Number(key[c]))));
  const order = new Map(rows.map((row, i) => [row, i]));

  function compare(i, j, c) {
    const a = keys[i][c], b = keys[j][c];
    if (a === "" || b === "") return { missing: (a === "") - (b === "") };
    return { value: numeric[c] ? Number(a) - Number(b) : a.localeCompare(b, "en") };
  }

  // Missing values come last in either direction; equal ones keep the order of the ledger.
  function sort(column, descending) {
    sorting = { column, descending };
    const sorted = rows.slice().sort((x, y) => {
      const i = order.get(x), j = order.get(y);
      if (column < 0) return i - j;
      const { missing, value } = compare(i, j, column);
      return missing || (descending ? -value : value) || i - j;
    });
    body.append(...sorted);
    heads.forEach((head, c) => {
      head.setAttribute("aria-sort", c !== column ? "none" : descending ? "descending" : "ascending");
    });
    sortBy.value = String(column);
  }

  function filter() {
    const words = fields.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const data = row.dataset;
      const keep =
        (!fields.paper.value || data.paper === fields.paper.value) &&
        (!fields.kind.value || data.kind === fields.kind.value) &&
        (!fields.status.value || data.status === fields.status.value) &&
        (!fields.flag.value || data.flags.split(" ").includes(fields.flag.value)) &&
        words.every((word) => data.text.includes(word));
      row.hidden = !keep;
      count += keep;
    }
    const noun = rows.length === 1 ? "claim" : "claims";
    shown.textContent = count === rows.length ? `${count} ${noun}` : `${count} of ${rows.length} ${noun}`;
    empty.hidden = count > 0;
    table.hidden = count === 0;
  }

  // The filters live in the address, so that a view can be kept and sent.
  function remember() {
    const state = new URLSearchParams();
    for (const [name, field] of Object.entries(fields)) if (field.value) state.set(name, field.value);
    const text = state.toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname);
  }

  function recall() {
    if (!location.hash.includes("=")) return;
    const state = new URLSearchParams(location.hash.slice(1));
    for (const [name, field] of Object.entries(fields)) field.value = state.get(name) || "";
    filter();
  }

  function clear() {
    for (const field of Object.values(fields)) field.value = "";
    sort(-1, false);
    filter();
    remember();
  }

  heads.forEach((head, c) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(c, sorting.column === c && !sorting.descending));
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
  });
  sortBy.addEventListener("change", () => sort(Number(sortBy.value), false));
  for (const event of ["input", "change"]) form.addEventListener(event, () => { filter(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("reset").addEventListener("click", clear);
  document.getElementById("clear").addEventListener("click", () => { clear(); fields.text.focus(); });
  for (const link of document.querySelectorAll("[data-filter-status], [data-filter-flag]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      for (const field of Object.values(fields)) field.value = "";
      if (link.dataset.filterStatus) fields.status.value = link.dataset.filterStatus;
      if (link.dataset.filterFlag) fields.flag.value = link.dataset.filterFlag;
      filter();
      remember();
      document.getElementById("ledger").scrollIntoView();
    });
  }
  window.addEventListener("hashchange", recall);
  form.hidden = false;
  recall();
})();
