"use strict";
// Everything here is a convenience: without it the page says the same. Tables sort by column, marks explain themselves, a link
// opens what it leads into, and all of it is open on paper.
const meanings = new Map([...document.querySelectorAll("dl.marks dt")].map((term) => [term.textContent, term.nextElementSibling.textContent]));
for (const mark of document.querySelectorAll("abbr")) mark.title = meanings.get(mark.textContent) ?? "";

const words = new Intl.Collator("en", { numeric: true });
const wordsOf = (cell) => (cell.querySelector("a") ?? cell).firstChild?.textContent.trim() ?? "";
const numberOf = (cell) => (cell.querySelector("abbr") && !/\d/.test(wordsOf(cell)) ? NaN : parseFloat(wordsOf(cell).replace(/,/g, "").replace("−", "-").replace("+", "")));

function sortBy(head, place, rows) {
  const [body] = head.closest("table").tBodies;
  const next = { none: "descending", descending: "ascending", ascending: "none" }[head.getAttribute("aria-sort") ?? "none"];
  for (const other of head.parentElement.cells) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", next);
  const totals = rows.filter((row) => row.classList.contains("total"));
  const others = rows.filter((row) => !row.classList.contains("total"));
  const turn = next === "ascending" ? 1 : -1;
  const compared = (one, two) => {
    if (!head.classList.contains("num")) return turn * words.compare(wordsOf(one.cells[place]), wordsOf(two.cells[place]));
    const [first, second] = [numberOf(one.cells[place]), numberOf(two.cells[place])];
    // What has no value stands last in either order.
    return Number.isNaN(first) - Number.isNaN(second) || turn * (first - second) || 0;
  };
  body.append(...totals, ...(next === "none" ? others : [...others].sort(compared)));
}

for (const table of document.querySelectorAll("table")) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < 3) continue;
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sortBy(head, place, rows));
  });
}

const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const closed = target?.closest("details:not([open])");
  if (closed) {
    closed.open = true;
    target.scrollIntoView();
  }
};
addEventListener("hashchange", reveal);
reveal();
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => (details.open = true)));
