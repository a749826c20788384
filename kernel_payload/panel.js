// The view of a jobs panel: a table of jobs that follows its model; see panel.py.

const STYLE = `
.tmrun-panel {
  --tmrun-line: var(--jp-border-color2, color-mix(in srgb, currentColor 20%, transparent));
  --tmrun-faint: color-mix(in srgb, currentColor 8%, transparent);
  --tmrun-quiet: color-mix(in srgb, currentColor 65%, transparent);
  color: var(--jp-ui-font-color1, inherit);
  font-family: var(--jp-ui-font-family, system-ui, sans-serif);
  font-size: var(--jp-ui-font-size1, 13px);
  line-height: 1.4;
}
.tmrun-panel .tmrun-head { display: flex; flex-wrap: wrap; gap: 4px 12px; padding: 4px 0; }
.tmrun-panel .tmrun-message { color: var(--tmrun-quiet); }
.tmrun-panel .tmrun-scroll { max-height: 70vh; overflow: auto; }
.tmrun-panel table { border-collapse: collapse; width: 100%; font-size: inherit; margin: 0; }
.tmrun-panel th, .tmrun-panel td {
  border: 0; border-top: 1px solid var(--tmrun-line); padding: 4px 8px;
  text-align: left; vertical-align: middle; background: none;
}
.tmrun-panel th { border-top: 0; font-weight: 600; color: var(--tmrun-quiet); white-space: nowrap; }
.tmrun-panel .tmrun-number {
  text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums;
}
.tmrun-panel .tmrun-status {
  display: inline-block; padding: 0 8px; border-radius: 9px; color: #fff; background: #6e7781;
  white-space: nowrap;
}
.tmrun-panel .tmrun-job[data-status="running"] .tmrun-status { background: #1f6feb; }
.tmrun-panel .tmrun-job[data-status="finished"] .tmrun-status { background: #1a7f37; }
.tmrun-panel .tmrun-job[data-status="failed"] .tmrun-status,
.tmrun-panel .tmrun-job[data-status="died"] .tmrun-status { background: #cf222e; }
.tmrun-panel .tmrun-job[data-status="timed out"] .tmrun-status,
.tmrun-panel .tmrun-job[data-status="cancelled"] .tmrun-status { background: #bc4c00; }
.tmrun-panel .tmrun-name {
  max-width: 14em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
}
.tmrun-panel .tmrun-why {
  max-width: 20em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  color: var(--tmrun-quiet); font-size: 0.92em;
}
.tmrun-panel .tmrun-bar {
  width: 72px; height: 6px; border-radius: 3px; overflow: hidden; background: var(--tmrun-line);
}
.tmrun-panel .tmrun-bar > div { height: 100%; background: #1f6feb; }
.tmrun-panel .tmrun-last {
  width: 40%; max-width: 0; min-width: 8em; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; font-family: var(--jp-code-font-family, monospace); font-size: 0.92em;
}
.tmrun-panel .tmrun-buttons { white-space: nowrap; text-align: right; }
.tmrun-panel button {
  font: inherit; color: inherit; background: var(--tmrun-faint); cursor: pointer;
  border: 1px solid var(--tmrun-line); border-radius: 3px; padding: 0 8px; margin-left: 4px;
}
.tmrun-panel button:hover, .tmrun-panel button[aria-expanded="true"] {
  background: var(--tmrun-line);
}
.tmrun-panel .tmrun-text td { border-top: 0; padding-top: 0; }
.tmrun-panel pre {
  margin: 0; padding: 6px 8px; max-height: 22em; overflow: auto; color: inherit;
  background: var(--tmrun-faint); white-space: pre-wrap; overflow-wrap: anywhere;
  font-family: var(--jp-code-font-family, monospace); font-size: 0.92em;
}
.tmrun-panel [hidden] { display: none; }
`;

const HEAD = ["cell", "name", "status", "time", "progress", "CPU", "memory", "last output", ""];
const NUMBERS = new Set(["cell", "time", "CPU", "memory"]);
const GOING = new Set(["waiting", "running"]);
const SILENCE = 10; // seconds without a word of what runs, after which its time stands still

function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (parent) parent.append(made);
  return made;
}

function put(node, text) {
  // a text that is written anew loses what the reader has selected in it
  if (node.textContent !== text) node.textContent = text;
}

function duration(seconds) {
  if (seconds === null) return "";
  if (seconds < 60) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = Math.floor(seconds % 60);
  if (minutes < 60) return `${minutes} min ${String(rest).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

class Row {
  constructor(n, send) {
    this.n = n;
    this.send = send;
    this.line = element("tr", "tmrun-job");
    this.line.dataset.n = n;
    const cells = HEAD.map((name) => {
      return element("td", NUMBERS.has(name) ? "tmrun-number" : "", this.line);
    });
    [this.number, this.name, this.state, this.time, this.progress, this.cpu] = cells;
    [this.memory, this.last, this.buttons] = cells.slice(6);
    this.last.classList.add("tmrun-last");
    this.buttons.classList.add("tmrun-buttons");
    this.time.classList.add("tmrun-time");
    this.name.classList.add("tmrun-name");
    this.status = element("span", "tmrun-status", this.state);
    this.why = element("div", "tmrun-why", this.state);
    this.bar = element("div", "tmrun-bar", this.progress);
    this.bar.setAttribute("role", "progressbar");
    this.done = element("div", "", this.bar);
    this.output = this.button("output", "output", `show or hide the output of job ${n}`);
    this.output.onclick = () => send({ type: "output", n, on: this.below.hidden });
    this.cancel = this.button("cancel", "cancel", `cancel job ${n}`);
    this.cancel.onclick = () => send({ type: "cancel", n });
    this.go = this.button("go", "go to its state", `go to the state after cell ${n}`);
    this.go.onclick = () => send({ type: "go", n });
    this.below = element("tr", "tmrun-text");
    this.below.hidden = true;
    const whole = element("td", "", this.below);
    whole.colSpan = HEAD.length;
    this.text = element("pre", "", whole);
    put(this.number, String(n));
  }

  button(what, label, title) {
    const made = element("button", `tmrun-${what}`, this.buttons);
    made.type = "button";
    made.title = title;
    made.textContent = label;
    return made;
  }

  follow(job) {
    this.job = job;
    this.at = performance.now();
    const going = GOING.has(job.status);
    this.line.dataset.status = job.status;
    put(this.status, job.status);
    put(this.cpu, job.cpu);
    put(this.memory, job.memory);
    for (const what of ["name", "why", "last"]) {
      put(this[what], job[what]);
      this[what].title = job[what]; // for there may be more of it than there is room for
    }
    this.bar.hidden = job.progress === null;
    if (job.progress !== null) {
      const percent = Math.floor(job.progress * 100 + 1e-9);
      this.bar.title = `${percent} %`;
      this.bar.setAttribute("aria-valuenow", percent);
      this.done.style.width = `${job.progress * 100}%`;
    }
    this.cancel.hidden = !going;
    this.go.hidden = going;
    this.tick(true);
  }

  tick(heard) {
    const { seconds, status } = this.job;
    const since = (performance.now() - this.at) / 1000;
    const runs = status === "running" && seconds !== null && heard;
    put(this.time, duration(runs ? seconds + since : seconds));
  }

  unfold(text) {
    this.below.hidden = text === undefined;
    this.output.setAttribute("aria-expanded", String(!this.below.hidden));
    if (text === undefined) return;
    const { scrollTop, scrollHeight, clientHeight } = this.text;
    const atEnd = scrollTop + clientHeight >= scrollHeight - 4;
    put(this.text, text || "no output");
    if (atEnd) this.text.scrollTop = this.text.scrollHeight;
  }
}

class View {
  constructor(model, root) {
    this.model = model;
    this.rows = new Map();
    element("style", "", root).textContent = STYLE;
    const panel = element("div", "tmrun-panel", root);
    const head = element("div", "tmrun-head", panel);
    this.counts = element("b", "tmrun-counts", head);
    this.message = element("span", "tmrun-message", head);
    this.message.setAttribute("role", "status");
    this.table = element("table", "", element("div", "tmrun-scroll", panel));
    const titles = element("tr", "", element("thead", "", this.table));
    for (const name of HEAD) {
      put(element("th", NUMBERS.has(name) ? "tmrun-number" : "", titles), name);
    }
    this.progress = titles.children[HEAD.indexOf("progress")];
    this.body = element("tbody", "", this.table);
    this.send = (content) => this.tell(content);
  }

  tell(content) {
    try {
      this.model.send(content);
    } catch {
      put(this.message, "the kernel cannot be reached: restart it, and run this cell again");
    }
  }

  jobs() {
    const jobs = this.model.get("jobs");
    const known = new Set(jobs.map((job) => job.n));
    for (const [n, row] of this.rows) {
      if (known.has(n)) continue;
      row.line.remove();
      row.below.remove();
      this.rows.delete(n);
    }
    jobs.forEach((job, place) => {
      let row = this.rows.get(job.n);
      if (row === undefined) this.rows.set(job.n, (row = new Row(job.n, this.send)));
      if (this.body.children[2 * place] !== row.line) {
        this.body.insertBefore(row.line, this.body.children[2 * place] ?? null);
        row.line.after(row.below);
      }
      row.follow(job);
    });
    this.table.hidden = jobs.length === 0;
    this.progress.textContent = jobs.some((job) => job.progress !== null) ? "progress" : "";
    this.heard = performance.now();
    this.count(jobs);
    this.outputs();
  }

  count(jobs) {
    const counts = new Map(["running", "waiting", "finished"].map((status) => [status, 0]));
    for (const { status } of jobs) counts.set(status, (counts.get(status) ?? 0) + 1);
    const words = [...counts].map(([status, count]) => `${count} ${status}`).join(", ");
    put(this.counts, jobs.length ? words : "no jobs");
  }

  outputs() {
    const texts = this.model.get("outputs");
    for (const [n, row] of this.rows) row.unfold(texts[n]);
  }

  say() {
    put(this.message, this.model.get("message"));
  }

  tick() {
    const heard = performance.now() - this.heard < SILENCE * 1000;
    for (const row of this.rows.values()) row.tick(heard);
  }
}

function render({ model, el }) {
  const view = new View(model, el);
  const follow = {
    "change:jobs": () => view.jobs(),
    "change:outputs": () => view.outputs(),
    "change:message": () => view.say(),
  };
  for (const [event, heard] of Object.entries(follow)) {
    model.on(event, heard);
    heard();
  }
  const timer = setInterval(() => view.tick(), 100);
  view.tell({ type: "ready" });
  return () => {
    clearInterval(timer);
    for (const [event, heard] of Object.entries(follow)) model.off(event, heard);
    view.tell({ type: "gone" });
  };
}

export default { render };
