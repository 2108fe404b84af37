"use strict";
// Everything here is a convenience: without it the page says the same. Tables sort by column and show only the rows with some words,
// marks explain themselves, charts are saved as files or open interactively, the page is light or dark as its reader likes, the other
// language opens at the same place, a link opens what it leads into, and all of it is open on paper.
const meanings = new Map([...document.querySelectorAll("dl.marks dt")].map((term) => [term.textContent, term.nextElementSibling.textContent]));
for (const mark of document.querySelectorAll("abbr")) mark.title = meanings.get(mark.textContent) ?? "";

const words = new Intl.Collator(document.documentElement.lang, { numeric: true });
// A cell may say what it is sorted by, where its words do not tell: a month in words. Amounts in several currencies have no order.
const wordsOf = (cell) => cell.dataset.sort ?? (cell.querySelector("a") ?? cell).firstChild?.textContent.trim() ?? "";
const numberOf = (cell) => (cell.querySelector("abbr") && !/\d/.test(wordsOf(cell)) ? NaN : parseFloat(wordsOf(cell).replace(/,/g, "").replace("−", "-").replace("+", "")));

function sortBy(head, place, rows) {
  head.closest("table").order = rows;
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

// Letters of any width and case are the same; every word has to be somewhere in the row.
const plain = (text) => text.normalize("NFKC").toLowerCase();

function filterBy(field, output, rows) {
  const wanted = plain(field.value).split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const text = plain(row.textContent);
    row.hidden = !wanted.every((word) => text.includes(word));
  }
  const numbers = { shown: rows.filter((row) => !row.hidden).length, all: rows.length };
  output.textContent = wanted.length ? output.dataset.words.replace(/\{(\w+)\}/g, (_, name) => numbers[name]) : "";
}

function addFilter(table, rows) {
  const place = table.closest(".scroll");
  if (!place) return;
  place.before(document.getElementById("filter").content.cloneNode(true));
  const [field, output] = place.previousElementSibling.querySelectorAll("input, output");
  field.setAttribute("aria-label", `${field.getAttribute("aria-label")}: ${table.caption.firstChild.textContent.trim()}`);
  field.addEventListener("input", () => filterBy(field, output, rows));
}

for (const table of document.querySelectorAll("table")) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length < 3) continue;
  if (rows.length > 9) addFilter(table, rows);
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    if (head.dataset.sort === "no") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sortBy(head, place, rows));
  });
}

// The reader's choice of colours is kept where the browser lets a page keep anything.
const theme = document.getElementById("theme");
const paint = (name) => {
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
};
try {
  theme.value = localStorage.getItem("theme") ?? "";
  paint(theme.value);
} catch {
  // A page of a file may have no storage.
}
theme.addEventListener("change", () => {
  paint(theme.value);
  try {
    localStorage.setItem("theme", theme.value);
  } catch {
    // It holds for this page then.
  }
});
theme.closest(".tools").hidden = false;

// A drawing as a file stands alone: the colours of the light page, and around it what the page says of it in HTML.
const SPACE = "http://www.w3.org/2000/svg";
const whence = document.querySelector("meta[name=origin]");
const light = document.styleSheets[0].cssRules[0].style;
const pen = document.createElement("canvas").getContext("2d");
const folded = (words, font, room) => {
  pen.font = font;
  const lines = [];
  // A line may begin with a word, or with any East Asian letter.
  for (const piece of words.match(/[（「『【]*(?:[^\s\u3000-\uffef]+|[\u3000-\uffef])[）」』】、。：；・ー]*\s*/g) ?? []) {
    const longer = `${lines.at(-1)}${piece}`;
    if (lines.length && pen.measureText(longer.trimEnd()).width <= room) lines.splice(-1, 1, longer);
    else lines.push(piece);
  }
  return lines;
};

function standalone(figure) {
  const drawn = figure.querySelector("svg");
  const family = drawn.getAttribute("font-family");
  const [, , innerWidth, innerHeight] = drawn.getAttribute("viewBox").split(" ").map(Number);
  const [margin, width] = [16, Math.ceil(Math.max(innerWidth, 420))];
  const made = document.createElementNS(SPACE, "svg");
  const add = (name, attributes, words) => {
    const part = made.appendChild(document.createElementNS(SPACE, name));
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    if (words) part.textContent = words;
    return part;
  };
  const caption = figure.querySelector("figcaption");
  const title = caption.firstChild.textContent.trim();
  add("title", {}, title);
  add("desc", {}, drawn.querySelector("desc").textContent);
  const paper = add("rect", { fill: "#fff" });
  let y = margin;
  const write = (words, size, weight, colour) => {
    for (const line of folded(words, `${weight} ${size}px ${family}`, width)) {
      y += size * 1.35;
      add("text", { x: margin, y: y.toFixed(1), "font-size": size, "font-weight": weight, fill: `var(${colour})` }, line);
    }
  };
  write(title, 15, 700, "--ink");
  write(caption.querySelector("small")?.textContent ?? "", 11, 400, "--muted");
  let x = margin;
  y += 10;
  for (const item of figure.querySelectorAll(".legend li")) {
    pen.font = `12px ${family}`;
    const wide = pen.measureText(item.textContent).width + 34;
    if (x === margin || x + wide > margin + width) [x, y] = [margin, y + 18];
    add("rect", { x, y: y - 10, width: 11, height: 11, rx: 2, fill: item.querySelector("i").style.background });
    add("text", { x: x + 16, y, "font-size": 12, fill: "var(--ink)" }, item.textContent);
    x += wide;
  }
  y += 12;
  const marks = add("g", { transform: `translate(${margin} ${y.toFixed(1)})` });
  marks.append(...[...drawn.cloneNode(true).children].filter((part) => !["title", "desc"].includes(part.tagName)));
  y += innerHeight;
  write(figure.querySelector(".under small")?.textContent ?? "", 11, 400, "--muted");
  write(whence?.content ?? "", 11, 400, "--muted");
  const size = { width: width + 2 * margin, height: Math.ceil(y + margin) };
  for (const [key, value] of Object.entries({ ...size, viewBox: `0 0 ${size.width} ${size.height}`, "font-family": family, "font-size": 12 })) made.setAttribute(key, value);
  for (const [key, value] of Object.entries(size)) paper.setAttribute(key, value);
  const text = new XMLSerializer().serializeToString(made).replace(/var\((--[\w-]+)\)/g, (_, name) => light.getPropertyValue(name).trim());
  return { ...size, text: `<?xml version="1.0" encoding="UTF-8"?>\n${text}\n` };
}

function hand(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

async function save(figure, kind) {
  const { width, height, text } = standalone(figure);
  const name = `${[figure.id, whence?.dataset.name].filter(Boolean).join("-")}.${kind}`;
  if (kind === "svg") return hand(new Blob([text], { type: "image/svg+xml" }), name);
  const image = Object.assign(new Image(width, height), { src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}` });
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: width * 2, height: height * 2 });
  canvas.getContext("2d").drawImage(image, 0, 0, width * 2, height * 2);
  canvas.toBlob((file) => hand(file, name), "image/png");
}

for (const button of document.querySelectorAll("button[data-as]")) {
  button.parentElement.hidden = false;
  button.addEventListener("click", () => save(button.closest("figure"), button.dataset.as));
}

// The interactive form of a chart is drawn by a script of the site, which is loaded for the first reader who asks for it.
const charts = document.querySelector("meta[name=charts]");
let loaded;
for (const button of document.querySelectorAll("button[data-turn]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await (loaded ??= new Promise((done, failed) => {
        const script = document.createElement("script");
        document.head.append(Object.assign(script, { src: charts.content, onload: done, onerror: failed }));
      }));
      await turnChart(button.closest("figure"), button);
      button.disabled = false;
    } catch (error) {
      console.error(error);
      button.closest(".under").append(charts.dataset.missing);
    }
    button.focus();
  });
}

// The page in the other language opens at the same place.
for (const link of document.querySelectorAll(".languages a")) link.addEventListener("click", () => (link.hash = location.hash));

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
