// Draws every canvas of the page from the JSON beside it. Colours: Okabe and Ito's, told apart by colour-blind readers.
"use strict";
(() => {
  const colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#777777", "#332288", "#882255"];
  const soft = (hex) => hex + "b0";
  const short = (value) => Number(value.toPrecision(4)).toLocaleString("en");

  const points = (chart, s) => s.x.map((x, i) => {
    const place = chart.categories.length ? chart.categories[x] : x;
    const value = chart.kind === "spans" ? [s.from[i], s.y[i]] : s.y[i];
    const label = s.labels ? s.labels[i] : "";
    return chart.sideways ? { x: value, y: place, label } : { x: place, y: value, label };
  });

  const dataset = (chart, s, i) => {
    const colour = s.faint ? "#8c959f" : colours[i % colours.length];
    const common = { label: s.name, data: points(chart, s), borderColor: colour, backgroundColor: soft(colour) };
    if (chart.kind === "area") return { ...common, type: "line", fill: i ? "-1" : "origin", pointRadius: 0, borderWidth: 1, stepped: true };
    if (chart.kind === "line") return { ...common, type: "line", pointRadius: s.x.length > 60 ? 0 : 3, borderWidth: 2 };
    if (chart.kind === "scatter") return { ...common, type: "scatter", pointRadius: s.faint ? 3 : 6, pointStyle: ["circle", "triangle", "rect", "star", "crossRot"][i % 5] };
    return { ...common, type: "bar", borderWidth: 1, borderSkipped: false, minBarLength: 2, grouped: false };
  };

  const thin = (s) => ({ label: s.name, type: "line", data: s.x.map((x, i) => ({ x, y: s.y[i], label: "" })), borderColor: "#57606a",
    borderWidth: 1, borderDash: [4, 4], pointRadius: 0, fill: false });

  // A dashed line at a value, drawn after the data.
  const limits = (chart) => ({
    id: "limits",
    afterDatasetsDraw(drawn) {
      const area = drawn.chartArea, pen = drawn.ctx;
      const line = (axis, limit, upright) => {
        const at = drawn.scales[axis].getPixelForValue(limit.value);
        if (!(at >= (upright ? area.left : area.top) - 1 && at <= (upright ? area.right : area.bottom) + 1)) return;
        pen.save();
        pen.strokeStyle = pen.fillStyle = "#b00020";
        pen.setLineDash([6, 4]);
        pen.lineWidth = 2;
        pen.beginPath();
        if (upright) { pen.moveTo(at, area.top); pen.lineTo(at, area.bottom); }
        else { pen.moveTo(area.left, at); pen.lineTo(area.right, at); }
        pen.stroke();
        pen.font = "12px sans-serif";
        pen.textAlign = "right";
        if (upright) pen.fillText(limit.name, Math.max(at - 4, area.left + pen.measureText(limit.name).width), area.top + 12);
        else pen.fillText(limit.name, area.right - 4, Math.max(at - 5, area.top + 12));
        pen.restore();
      };
      if (chart.limit) line(chart.sideways ? "x" : "y", chart.limit, chart.sideways);
      if (chart.x_limit) line("x", chart.x_limit, true);
    },
  });

  const axes = (chart) => {
    const stacked = chart.kind === "area" || chart.kind === "bars";
    const numbers = { type: chart.logarithmic ? "logarithmic" : "linear" };
    const bars = chart.categories.length > 0;
    const x = { title: { display: !!chart.x_title, text: chart.x_title }, stacked: bars && stacked };
    const y = { title: { display: !!chart.y_title, text: chart.y_title }, stacked };
    Object.assign(x, bars && !chart.sideways ? { type: "category" } : numbers);
    Object.assign(y, bars && chart.sideways ? { type: "category", stacked } : numbers);
    if (bars) Object.assign(chart.sideways ? y : x, { labels: chart.categories, ticks: { autoSkip: false } });
    const value = chart.sideways ? x : y;
    if (!chart.logarithmic && chart.kind !== "scatter" && chart.kind !== "line") value.beginAtZero = chart.from_zero;
    if (chart.limit) value.suggestedMax = chart.limit.value * 1.05;
    if (chart.x_limit) x.suggestedMax = chart.x_limit.value * 1.05;
    return { x, y };
  };

  const tooltip = (chart) => (item) => {
    const raw = item.raw, value = chart.sideways ? raw.x : raw.y;
    const number = Array.isArray(value) ? `${short(value[0])} to ${short(value[1])}` : short(value);
    return [item.dataset.label, raw.label, number].filter((part) => part).join(": ");
  };

  const draw = (canvas) => {
    const chart = JSON.parse(canvas.nextElementSibling.textContent);
    // Sideways bars are as thick however many there are.
    if (chart.sideways) canvas.parentElement.style.height = `${7 + 2.6 * chart.categories.length}rem`;
    new Chart(canvas, {
      data: { datasets: [...chart.series.map((s, i) => dataset(chart, s, i)), ...chart.lines.map(thin)] },
      options: {
        animation: false,
        maintainAspectRatio: false,
        indexAxis: chart.sideways ? "y" : "x",
        scales: axes(chart),
        plugins: {
          legend: { display: chart.series.length > 1, position: "bottom", labels: { boxWidth: 14 } },
          tooltip: { callbacks: { label: tooltip(chart), title: () => "" } },
        },
      },
      plugins: [limits(chart)],
    });
    canvas.parentElement.dataset.drawn = "yes";
  };

  const failures = [];
  for (const canvas of document.querySelectorAll("canvas")) {
    try { draw(canvas); } catch (error) { failures.push(`${canvas.closest("section").id}: ${error.message}`); }
  }
  document.documentElement.dataset.failures = failures.join("; ");
  for (const name of failures) console.error(name);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
})();
