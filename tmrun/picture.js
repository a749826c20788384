// What a click shows.  TIMELINE: the id of the picture, which draws itself without this.
(() => {
  const make = (tag, text, name) => {
    const node = document.createElement(tag);
    if (text !== undefined && text !== null) node.textContent = text;
    if (name) node.className = name;
    return node;
  };

  const start = (root) => {
    root.dataset.ready = "yes";
    root.classList.add("tmrun-ready");
    const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    const panel = root.querySelector(".tmrun-variables");
    const scroll = root.querySelector(".tmrun-scroll");
    const rows = [...root.querySelectorAll(".tmrun-grid tbody tr")];
    const places = new Map(data.cells.map((cell, place) => [cell[0], place]));
    const bands = [make("div", null, "tmrun-band"), make("div", null, "tmrun-band")];
    scroll.append(...bands);

    // the span that a variable has in a row: [first row, kind, entry]
    const span = (column, row) => {
      let found = [0, " ", -1];
      for (const one of data.columns[column]) {
        if (one[0] > row) break;
        found = one;
      }
      return found;
    };

    const lay = (band, left, top, width, height) =>
      Object.assign(band.style, {
        left: left + "px", top: top + "px", width: width + "px", height: height + "px",
      });

    const line = (column, row) => {
      const [first, kind, place] = span(column, row);
      // of what was made, changed or deleted the span is that one cell
      const tr = make("tr");
      const [n, type, shape, size, text] = place < 0 ? [0, "", "", "", ""] : data.entries[place];
      const told = data.kinds[kind];
      const made = make("td", n || "");
      if (places.has(n)) made.dataset.to = n;
      tr.dataset.v = column;
      tr.append(make("td", kind), make("td", data.names[column]), make("td", told), made);
      tr.append(...[type, shape, size, text].map((value) => make("td", value)));
      tr.firstChild.title = told;
      return { tr, touched: "+~-".includes(kind) && first === row };
    };

    const table = (row) => {
      const here = data.names.map((_, v) => v).filter((v) => span(v, row)[1] !== " ");
      const lines = here.map((v) => line(v, row));
      const head = ["", "variable", "", "by cell", "type", "shape", "size", "value"];
      const heads = make("tr");
      heads.append(...head.map((name) => make("th", name)));
      const thead = make("thead"), body = make("tbody"), whole = make("table");
      thead.append(heads);
      body.append(
        ...lines.filter((l) => l.touched).map((l) => l.tr),
        ...lines.filter((l) => !l.touched).map((l) => l.tr),
      );
      whole.append(thead, body);
      const box = make("div", null, "tmrun-scroll");
      box.append(whole);
      return lines.length ? box : make("p", "no variables");
    };

    const showCell = (row, column) => {
      const [, facts, error, source] = data.cells[row];
      root.querySelectorAll(".tmrun-chosen").forEach((e) => e.classList.remove("tmrun-chosen"));
      rows[row].querySelector(".tmrun-cell").classList.add("tmrun-chosen");
      lay(bands[0], 0, rows[row].offsetTop, scroll.scrollWidth, rows[row].offsetHeight);
      panel.replaceChildren(make("b", facts), make("pre", source));
      if (error) panel.append(make("pre", error, "tmrun-error"));
      panel.append(table(row));
      if (column === undefined) return;
      const tr = panel.querySelector(`tr[data-v="${column}"]`);
      if (tr) {
        tr.classList.add("tmrun-chosen");
        tr.parentElement.parentElement.parentElement.scrollTop = tr.offsetTop - 60;
      }
    };

    const showColumn = (column) => {
      const head = root.querySelector(`.tmrun-grid thead th[data-v="${column}"]`);
      const table = root.querySelector(".tmrun-grid");
      lay(bands[1], head.offsetLeft, 0, head.offsetWidth, table.offsetHeight);
    };

    // a square may stand for many rows
    const rowAt = (square, y) => {
      const first = rows.indexOf(square.parentElement);
      const box = square.getBoundingClientRect();
      const below = Math.floor(((y - box.top) / box.height) * square.rowSpan);
      return first + Math.max(0, Math.min(square.rowSpan - 1, below));
    };

    root.addEventListener("click", (event) => {
      const cell = event.target.closest(".tmrun-cell, [data-to]");
      if (cell) return showCell(places.get(Number(cell.dataset.n || cell.dataset.to)));
      const square = event.target.closest("[data-v]");
      if (!square) return undefined;
      showColumn(square.dataset.v);
      if (square.closest("tbody") && square.closest(".tmrun-grid"))
        showCell(rowAt(square, event.clientY), square.dataset.v);
      return undefined;
    });
    root.addEventListener("keydown", (event) => {
      if (!event.target.matches(".tmrun-cell") || !["Enter", " "].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      event.target.click();
    });
    root.addEventListener("mouseover", (event) => {
      const square = event.target;
      if (!square.matches(".tmrun-grid tbody td[data-v]") || square.dataset.told) return;
      square.dataset.told = "yes";
      const entry = data.entries[span(square.dataset.v, rows.indexOf(square.parentElement))[2]];
      if (entry) square.title += `\n${entry[1]} ${entry[2] ?? ""}\n${entry[4]}`;
    });
  };

  // a view of an output that is shown twice has the same id twice
  document.querySelectorAll('[id="TIMELINE"]').forEach((root) => root.dataset.ready || start(root));
})();
