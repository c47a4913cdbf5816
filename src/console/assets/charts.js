// Charts ([data-chart="ID"]), drawn by uPlot from the table of that id, so that both always say the same. A heading with
// data-bars="COLOUR" is drawn as bars, those of one row upon each other; with data-line="COLOUR" as a line with the scale on the
// right, up to data-max. A cell's number is its data-v, or its text. May run more than once in a page.
"use strict";
(() => {
  if (typeof uPlot === "undefined") return;
  const HEIGHT = 260;
  const number = (cell) => { const text = cell.dataset.v ?? cell.textContent; return text === "" ? null : Number(text); };

  for (const chart of document.querySelectorAll("[data-chart]:not([data-ready])")) {
    const table = document.getElementById(chart.dataset.chart);
    const rows = [...table.tBodies[0].rows];
    if (rows.length === 0) continue;
    chart.dataset.ready = "";
    const labels = rows.map((row) => row.cells[0].textContent);
    const columns = [...table.tHead.rows[0].cells].map((head, at) => ({ head, at }));
    const bars = columns.filter(({ head }) => head.dataset.bars), lines = columns.filter(({ head }) => head.dataset.line);
    const values = ({ at }) => rows.map((row) => number(row.cells[at]));

    // Bars upon each other: each holds the sum of those below it too, and the tallest is drawn first.
    const stacked = [];
    bars.forEach((column, n) => stacked.push(values(column).map((value, row) => (value ?? 0) + (n ? stacked[n - 1][row] : 0))));
    const data = [labels.map((_, n) => n), ...stacked.toReversed(), ...lines.map(values)];

    // Pixels of the widest label: Chinese letters are twice as wide.
    const widest = 14 + Math.max(...labels.map((text) => [...text].reduce((sum, c) => sum + (c > "\u2e80" ? 13 : 7.5), 0)));

    function build() {
      const style = getComputedStyle(document.documentElement);
      const colour = (name) => {
        // light-dark() is resolved by the browser alone.
        const probe = document.createElement("i");
        probe.style.color = `var(${name})`;
        chart.append(probe);
        const found = getComputedStyle(probe).color;
        probe.remove();
        return found;
      };
      const ink = colour("--quiet"), grid = { stroke: colour("--line"), width: 1 };
      const font = `12px ${style.fontFamily}`;
      const own = (name) => (u, splits) => splits.map((n) => Number.isInteger(n) ? name[n] ?? "" : "");
      const axes = [
        { stroke: ink, font, grid: { show: false }, ticks: grid, values: own(labels), space: widest, incrs: [1, 2, 3, 5, 7, 10, 14, 20, 28, 50, 100, 200] },
        { scale: "n", stroke: ink, font, grid, ticks: grid, size: 56, values: (u, splits) => splits.map((n) => Number.isInteger(n) ? n : "") },
      ];
      const scales = { x: { time: false, range: [-0.6, labels.length - 0.4] }, n: { range: (u, low, high) => [0, Math.max(1, high * 1.05)] } };
      if (lines.length) {
        const most = Number(lines[0].head.dataset.max);
        axes.push({ scale: "p", side: 1, stroke: ink, font, grid: { show: false }, ticks: grid, size: 56, values: (u, splits) => splits.map((n) => n + "%") });
        scales.p = { range: [0, most * 1.02] };
      }
      const shown = (at) => (u, value, series, row) => row == null ? "" : rows[row].cells[at].textContent;
      const series = [
        { label: table.tHead.rows[0].cells[0].textContent, value: (u, n) => n == null ? "" : labels[n] },
        ...bars.toReversed().map(({ head, at }) => ({
          label: head.textContent, scale: "n", fill: colour(head.dataset.bars), stroke: colour(head.dataset.bars), width: 0,
          paths: uPlot.paths.bars({ size: [0.7, 48] }), points: { show: false }, value: shown(at),
        })),
        ...lines.map(({ head, at }, n) => ({
          label: head.textContent, scale: "p", stroke: colour(head.dataset.line), width: 2, dash: n ? [6, 4] : undefined, spanGaps: true,
          points: { show: labels.length < 60, size: 6 }, value: shown(at),
        })),
      ];
      return new uPlot({ width: chart.clientWidth, height: HEIGHT, axes, scales, series, legend: { live: true }, cursor: { drag: { x: false, y: false } } }, data, chart);
    }
    let drawn = build();
    const again = () => { drawn.destroy(); drawn = build(); };
    new ResizeObserver(() => { if (chart.isConnected && chart.clientWidth > 0 && chart.clientWidth !== drawn.width) drawn.setSize({ width: chart.clientWidth, height: HEIGHT }); }).observe(chart);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (chart.isConnected) again(); });
  }
})();
