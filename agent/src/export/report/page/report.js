(() => {
  "use strict";
  const DEBOUNCE = 120;
  const list = document.getElementById("list");
  const search = document.getElementById("search");
  const matches = document.getElementById("matches");

  // Printed, nothing is folded away.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    for (const details of unfolded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of unfolded) details.open = false;
  });
  if (!list) return;

  document.documentElement.classList.add("js");
  const body = list.tBodies[0];
  let rows = [...body.rows].map((row) => ({ row, text: row.textContent.toLowerCase() }));
  let current = null;
  let timer = 0;

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text } of rows) {
      const fits = words.every((word) => text.includes(word));
      if (row.hidden === fits) row.hidden = !fits;
      shown += fits;
    }
    const all = rows.length.toLocaleString("en");
    matches.textContent = words.length ? `${shown.toLocaleString("en")} of ${all} match` : `${all} request${rows.length === 1 ? "" : "s"}`;
  };
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(filter, DEBOUNCE);
  });

  const select = (row) => {
    if (!row) return;
    if (current) current.tabIndex = -1;
    current = row;
    row.tabIndex = 0;
    row.focus();
  };
  // From the row that was selected last; from the top where that is not shown any more.
  const step = (by) => {
    const shown = rows.filter(({ row }) => !row.hidden).map(({ row }) => row);
    const at = shown.indexOf(current);
    select(at < 0 ? shown[0] : shown[Math.min(Math.max(at + by, 0), shown.length - 1)]);
  };
  rows.forEach(({ row }, nth) => {
    row.tabIndex = nth ? -1 : 0;
    row.querySelector("summary").tabIndex = -1;
  });
  current = rows.length ? rows[0].row : null;
  let visited = false;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inSearch = document.activeElement === search;
    const row = document.activeElement.closest("#list tbody tr");
    const onList = row || document.activeElement === document.body;
    const down = event.key === "ArrowDown" || (event.key === "j" && !inSearch);
    const up = event.key === "ArrowUp" || (event.key === "k" && !inSearch);
    const isLetter = event.key === "j" || event.key === "k";
    if (event.key === "/" && !inSearch) search.focus();
    else if (event.key === "Escape") {
      if (!search.value && !inSearch) return;
      search.value = "";
      filter();
      if (inSearch && current) search.blur();
    } else if ((down || up) && (row || inSearch || (onList && isLetter))) {
      // The first step goes to the row itself.
      if (visited && row) step(down ? 1 : -1); else step(0);
      visited = true;
    } else if (event.key === "Enter" && row === document.activeElement) {
      const details = row.querySelector("details");
      details.open = !details.open;
    } else return;
    event.preventDefault();
  });
  body.addEventListener("focusin", (event) => {
    const row = event.target.closest("tr");
    if (current && current !== row) current.tabIndex = -1;
    current = row;
    row.tabIndex = 0;
    visited = true;
  });

  const order = new Intl.Collator("en", { numeric: true });
  [...list.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = header.getAttribute("aria-sort") === "ascending";
      for (const other of list.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const text = ({ row }) => (row.cells[column].querySelector("summary") || row.cells[column]).textContent;
      const keyed = rows.map((one) => ({ one, key: text(one) }));
      keyed.sort((a, b) => order.compare(a.key, b.key) * (descending ? -1 : 1));
      rows = keyed.map(({ one }) => one);
      body.append(...rows.map(({ row }) => row));
    });
  });
})();
