"use strict";
// The interactive form of a chart: the reader asks for it, so nothing here costs a page anything until then. The figures are read from the
// table behind the chart, and the specification of its kind draws them: what is not in the table cannot be in the drawing. `files`, `words`
// and `look` stand in front of this file (pipeline/publish/chart_assets.py).
{
  const here = document.currentScript.src.replace(/[^/]*$/, "");
  const said = words[document.documentElement.lang] ?? words.en;
  const say = (name, values = {}) => said[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
  const load = (name) =>
    new Promise((done, failed) => document.head.append(Object.assign(document.createElement("script"), { src: here + name, onload: done, onerror: failed })));
  let library;
  const make = (name, attributes = {}, ...children) => {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(...children);
    return made;
  };
  document.head.append(make("style", { textContent: look }));

  // --------------------------------------------------------------------------------------------------------- the table behind a chart

  const own = (cell) => cell.querySelector("button") ?? cell;
  const nameOf = (cell) => [...own(cell).childNodes].filter((part) => part.nodeName !== "SMALL").map((part) => part.textContent).join("");
  const unitOf = (cell) => own(cell).querySelector("small")?.textContent ?? "";
  const numberOf = (text) => parseFloat(text.replace(/,/g, "").replace("−", "-").replace("+", ""));

  // Every figure of the table: line and column by name, its words, and what it says of itself.
  function figuresOf(table) {
    const heads = [...table.tHead.rows[0].cells].slice(1).map((cell) => [nameOf(cell), unitOf(cell)]);
    // A reader may have sorted the lines.
    return (table.order ?? [...table.tBodies[0].rows]).flatMap((row) => {
      const [first, ...cells] = row.cells;
      return cells.flatMap((cell, place) => {
        const text = (cell.querySelector("a") ?? cell).firstChild?.textContent ?? "";
        if (!/\d/.test(text)) return [];
        const marks = [...cell.querySelectorAll("abbr")].map((mark) => mark.textContent).join("");
        const provisional = marks.includes("[p]") || "provisional" in cell.dataset;
        return [{ line: nameOf(first), column: heads[place][0], unit: heads[place][1] || unitOf(first), text, marks, provisional }];
      });
    });
  }

  // What is drawn of a chart: the rows of its specification, and the names of periods, categories and series.
  function drawnOf(figure, about) {
    const table = figure.querySelector("details table");
    const found = figuresOf(table).map((cell) => ({ ...cell, ...(about.turned ? { series: cell.line, x: cell.column } : { series: cell.column, x: cell.line }) }));
    const legend = [...figure.querySelectorAll(":scope > .legend li")].map((item) => item.textContent);
    const series = legend.length ? legend : [...new Set(found.map((cell) => cell.series))];
    let places = [...new Set(found.map((cell) => cell.x))];
    if (about.gaps) places = [...places, ...about.gaps].sort();
    const [drawnSeries, drawnPlaces] = [series.slice(0, about.most_series), places.slice(0, about.most_places)];
    const axisOf = (name) => about.axes[Math.min(series.indexOf(name), about.axes.length - 1)];
    const order = [...found].sort((one, two) => series.indexOf(one.series) - series.indexOf(two.series) || places.indexOf(one.x) - places.indexOf(two.x));
    const breaks = about.breaks.map(([name, from, why]) => ({ name, from, why, at: places.indexOf(from) })).filter((item) => item.at > 0);
    const rows = order
      .filter((cell) => drawnSeries.includes(cell.series) && drawnPlaces.includes(cell.x))
      .map((cell, id) => {
        const [row, at] = [series.indexOf(cell.series), places.indexOf(cell.x)];
        const unit = cell.unit && cell.unit !== "%" ? said.blank + cell.unit : "";
        const marks = cell.marks ? ` ${cell.marks}` : "";
        return {
          kind: "figure", id, row, at, series: cell.series, x: cell.x, provisional: cell.provisional,
          colour: about.kind === "small_multiples" ? 1 : (row % 8) + 1,
          value: numberOf(cell.text) / axisOf(cell.series)[1],
          era: breaks.filter((item) => item.at <= at).length,
          told: `${cell.series}${said.comma}${cell.x}${said.colon}${cell.text}${marks}${unit}`,
        };
      });
    let free = -1;
    for (const [place, item] of breaks.sort((one, two) => one.at - two.at).entries()) {
      const label = item.at > free ? say("break") : "";
      if (label) free = item.at + drawnPlaces.length / 12;
      const told = item.why ? `${item.from}${said.colon}${item.why}` : `${item.from}${said.colon}${say("break")}`;
      // A small chart shows the breaks of its own series; every chart of the specification needs a line of a series that is drawn.
      const row = item.name ? series.indexOf(item.name) : 0;
      if (row < drawnSeries.length) rows.push({ kind: "break", id: rows.length, row, at: item.at, series: item.name, x: item.from, label, told });
    }
    return { rows, series: drawnSeries, places: drawnPlaces };
  }

  // --------------------------------------------------------------------------------------------------------------- each kind of chart

  const pen = document.createElement("canvas").getContext("2d");
  const widest = (texts) => {
    pen.font = "12px Arial, sans-serif";
    return Math.max(0, ...texts.map((text) => pen.measureText(text).width));
  };
  // The parts of a head: one line each, and those too long for the room in two.
  const folded = (lines, room) => lines.flatMap((line) => {
    const letters = [...line];
    const fits = Math.max(4, Math.floor((room / Math.max(widest([line]) * 1.08, 1)) * letters.length));
    if (letters.length <= fits) return [line];
    const cut = /\s/.test(line) ? letters.slice(0, fits).join("").lastIndexOf(" ") : fits;
    const [one, two] = [letters.slice(0, cut > 0 ? cut : fits).join(""), letters.slice(cut > 0 ? cut : fits).join("").trim()];
    return [one, [...two].length > fits ? `${[...two].slice(0, fits - 1).join("")}…` : two];
  });
  const overTime = (spec, drawn, about, room) => {
    const few = drawn.places.length <= 16;
    // Few periods are all in sight: there is nowhere to move to.
    if (few) spec.params = spec.params.filter((param) => param.name !== "window");
    spec.width = room;
    spec.autosize = { type: "fit", contains: "padding" };
    return { periods: drawn.places, extent: [-0.5, drawn.places.length - 0.5], axis_title: about.axes[0][0] };
  };
  const prepared = {
    lines: overTime,
    stacked_bars: overTime,
    small_multiples(spec, drawn, about, room) {
      const columns = Math.max(1, Math.min(Math.floor(room / (about.axes.length > 1 ? 280 : 165)), drawn.series.length, 5));
      const figures = drawn.rows.filter((row) => row.kind === "figure").map((row) => Math.abs(row.value));
      const marks = 12 + widest(figures.map((value) => (value < 100 ? value.toPrecision(2) : Math.round(value).toLocaleString("en"))));
      spec.columns = columns;
      const between = Math.max(marks, 34) + 18;
      spec.spec.width = Math.min(260, Math.floor(room / columns) - between);
      const heads = drawn.series.map((name, row) => folded(about.heads[row] ?? [name], spec.spec.width + 10));
      spec.spacing = { column: between, row: 34 + 15 * Math.max(...heads.map((lines) => lines.length)) };
      return {
        periods: drawn.places, heads, extent: [-0.5, drawn.places.length - 0.5], ends: [0, drawn.places.length - 1],
        axis_title: about.axes.length > 1 ? "" : about.axes[0][0],
      };
    },
    bars_side_by_side(spec, drawn, about, room) {
      const side = room > 560;
      const names = Math.min(side ? 230 : room * 0.4, widest(drawn.places) + 4);
      const columns = side ? drawn.series.length : 1;
      spec.columns = columns;
      spec.spec.width = Math.floor((room - (side ? names : 0)) / columns - (side ? 0 : names) - 34);
      return { labels: drawn.places, heads: about.axes.map(([title]) => title), room: names, axis_title: "" };
    },
    pyramid(spec, drawn, about, room) {
      spec.width = Math.floor(room - widest(drawn.places) - 30);
      for (const row of drawn.rows) if (row.row === 0) row.value = -row.value;
      const most = Math.max(...drawn.rows.map((row) => Math.abs(row.value)));
      return { labels: drawn.places, extent: [-most, most], axis_title: about.axes[0][0] };
    },
    tile_map(spec, drawn, about, room) {
      const across = Math.max(...about.tiles.map(([, column]) => column)) + 1;
      const down = Math.max(...about.tiles.map(([, , line]) => line)) + 1;
      const size = Math.min(56, Math.floor((room - 12) / across));
      drawn.rows.forEach((row) => ([row.short, row.column, row.line] = about.tiles[row.at]));
      for (const [short, column, line] of about.tiles.slice(drawn.rows.length))
        drawn.rows.push({ kind: "absent", id: drawn.rows.length, short, column, line, label: "[x]", told: `${short}${said.colon}[x]` });
      [spec.width, spec.height] = [size * across, size * down];
      const most = Math.max(0, ...drawn.rows.map((row) => row.value ?? 0)) || 1;
      return { across, down, most, disc: Math.PI * (size * 0.29) ** 2, shaded: about.shaded, axis_title: about.axes[0][0] };
    },
  };

  // ------------------------------------------------------------------------------------------------------------------ one chart, opened

  class Live {
    constructor(figure) {
      this.figure = figure;
      this.about = { breaks: [], heads: [], ...JSON.parse(figure.dataset.chart) };
      this.shown = this.read = null;
      this.tip = make("div", { className: "tip", hidden: true });
      this.canvas = make("div", { className: "canvas" });
      this.box = make("div", { className: "live" }, this.canvas, this.tip);
      figure.querySelector(":scope > svg").after(this.box);
      figure.classList.add("lively");
      this.legend();
    }

    async draw() {
      const drawn = drawnOf(this.figure, this.about);
      this.width = this.box.clientWidth;
      const spec = structuredClone(specifications[this.about.kind]);
      const values = { ...prepared[this.about.kind](spec, drawn, this.about, this.width), shown: this.shown, read: null };
      for (const param of spec.params) if (param.name in values) param.value = values[param.name];
      if (!values.axis_title) delete spec.title;
      spec.datasets = { rows: drawn.rows };
      this.made?.finalize();
      // No expression is turned into code: the interpreter walks through it, so that the page allows its browser no `eval`.
      this.made = await vegaEmbed(this.canvas, spec, { mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false, ast: true, tooltip: this.point.bind(this) });
      this.rows = drawn.rows;
      this.tidy();
      const svg = this.canvas.querySelector("svg");
      svg.setAttribute("role", "graphics-document");
      svg.setAttribute("aria-label", this.figure.querySelector("figcaption").firstChild.textContent.trim());
      this.reader ??= this.addReader();
      this.reader.max = this.inSight().length - 1;
      if (drawn.places.length > 16 && spec.params.some((param) => param.name === "window")) this.mover ??= this.addMover(drawn.places.length);
      // A page that was turned or widened has other room.
      this.watch ??= new ResizeObserver(() => {
        clearTimeout(this.later);
        this.later = setTimeout(() => this.box.isConnected && this.box.clientWidth && Math.abs(this.box.clientWidth - this.width) > 8 && this.draw(), 150);
      });
      this.watch.observe(this.box);
    }

    inSight() {
      return this.rows.filter((row) => this.shown === null || row.kind !== "figure" || row.series === this.shown);
    }

    async tell(signal, value) {
      await this.made.view.signal(signal, value).runAsync();
      this.tidy();
    }

    // A layer without any mark calls itself one, without words for it.
    tidy() {
      for (const empty of this.canvas.querySelectorAll("svg [role=graphics-symbol]:not([aria-label])"))
        for (const name of ["role", "aria-roledescription"]) empty.removeAttribute(name);
    }

    point(handler, event, item, value) {
      this.tip.hidden = value == null || value === "";
      if (this.tip.hidden) return;
      this.tip.textContent = value;
      const [box, at] = [this.box.getBoundingClientRect(), this.tip.getBoundingClientRect()];
      this.tip.style.left = `${Math.max(0, Math.min(event.clientX - box.left + 12, box.width - at.width))}px`;
      this.tip.style.top = `${Math.max(0, event.clientY - box.top - at.height - 10)}px`;
    }

    // A name in the legend shows its series alone, and all of them again.
    legend() {
      for (const item of this.figure.querySelectorAll(":scope > .legend li")) {
        const button = make("button", { type: "button", ariaPressed: "false" }, ...item.childNodes);
        item.append(button);
        button.addEventListener("click", () => {
          this.shown = this.shown === item.textContent ? null : item.textContent;
          for (const other of this.figure.querySelectorAll(":scope > .legend button")) other.ariaPressed = String(other.textContent === this.shown);
          this.reader.max = this.inSight().length - 1;
          this.reader.value = 0;
          this.tell("shown", this.shown);
        });
      }
    }

    // Every figure can be read without a pointer: a slider goes from one to the next, and says it.
    addReader() {
      const [slider, words] = [make("input", { type: "range", min: 0, value: 0, ariaLabel: say("read") }), make("output")];
      const title = make("span", { textContent: say("read"), ariaHidden: "true" });
      const show = () => {
        const row = this.inSight()[slider.value];
        words.textContent = slider.ariaValueText = row.told;
        this.tell("read", row.id);
      };
      for (const kind of ["input", "focus"]) slider.addEventListener(kind, show);
      slider.addEventListener("blur", () => this.tell("read", null));
      this.box.append(make("p", { className: "reader" }, title, slider, words));
      return slider;
    }

    // The periods in sight: nearer, farther, earlier, later, all.
    addMover(count) {
      const whole = [-0.5, count - 0.5];
      const move = (change) => () => {
        const [from, to] = this.made.view.signal("window").at ?? whole;
        this.tell("window_at", change(from, to, to - from));
      };
      const held = (from, wide) => {
        const start = Math.max(whole[0], Math.min(from, whole[1] - wide));
        return [start, start + wide];
      };
      const scaled = (by) => (from, to, wide) => held((from + to) / 2 - (wide * by) / 2, Math.max(3, Math.min(wide * by, count)));
      const moves = { nearer: scaled(0.6), farther: scaled(1 / 0.6), earlier: (from, to, wide) => held(from - wide / 3, wide), later: (from, to, wide) => held(from + wide / 3, wide), all: () => whole };
      const buttons = Object.entries(moves).map(([name, change]) => {
        const button = make("button", { type: "button", textContent: say(name) });
        button.addEventListener("click", move(change));
        return button;
      });
      const group = make("p", { className: "mover", role: "group", ariaLabel: say("periods") }, ...buttons);
      this.canvas.after(group);
      return group;
    }

    close() {
      this.watch?.disconnect();
      clearTimeout(this.later);
      this.made?.finalize();
      this.box.remove();
      this.figure.classList.remove("lively");
      for (const item of this.figure.querySelectorAll(":scope > .legend li")) item.replaceChildren(...item.querySelector("button").childNodes);
    }
  }

  const opened = new WeakMap();

  // What the button of a chart does: the interactive form, and the drawing again.
  globalThis.turnChart = async (figure, button) => {
    const live = opened.get(figure);
    if (live) {
      live.close();
      opened.delete(figure);
    } else {
      await (library ??= Promise.all(files.map(load)));
      const made = new Live(figure);
      try {
        await made.draw();
      } catch (error) {
        made.close();
        throw error;
      }
      opened.set(figure, made);
    }
    button.ariaPressed = String(!live);
  };
}
