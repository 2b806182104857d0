
"use strict";
// A read-out under the pointer. The page is complete without it.
(function () {
  var data = JSON.parse(document.getElementById("hover-data").textContent);
  var SVG = "http://www.w3.org/2000/svg";

  function nearest(points, x) {
    var low = 0, high = points.length - 1;
    while (high - low > 1) {
      var middle = (low + high) >> 1;
      if (points[middle][0] < x) { low = middle; } else { high = middle; }
    }
    return x - points[low][0] < points[high][0] - x ? points[low] : points[high];
  }

  function format(value) {
    var size = Math.abs(value);
    if (size !== 0 && (size < 0.001 || size >= 1e7)) { return value.toExponential(2); }
    if (size >= 1000) { return Math.round(value).toLocaleString("en"); }
    return value.toPrecision(4);
  }

  function place(axis, log, value) {
    var at = function (v) { return log ? Math.log10(Math.max(v, axis[0] / 10)) : v; };
    return axis[2] + (at(value) - at(axis[0])) / (at(axis[1]) - at(axis[0])) * (axis[3] - axis[2]);
  }

  function add(parent, name, attributes) {
    var element = document.createElementNS(SVG, name);
    Object.keys(attributes).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    parent.appendChild(element);
  }

  document.querySelectorAll("svg.chart").forEach(function (svg) {
    var series = data[svg.dataset.chart] || [];
    var plot = JSON.parse(svg.dataset.plot);
    var cursor = svg.querySelector(".cursor");
    var readout = svg.closest("figure").querySelector(".readout");

    function clear() {
      cursor.replaceChildren();
      readout.textContent = "";
    }

    svg.addEventListener("pointermove", function (event) {
      var box = svg.getBoundingClientRect();
      var px = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      var share = (px - plot.x[2]) / (plot.x[3] - plot.x[2]);
      if (share < -0.02 || share > 1.02 || !series.length) { clear(); return; }
      var x = plot.x[0] + share * (plot.x[1] - plot.x[0]);
      var step = nearest(series[0].points, x)[0];
      var left = place(plot.x, false, step);
      var words = ["step " + step.toLocaleString("en")];
      cursor.replaceChildren();
      add(cursor, "line", { x1: left, x2: left, y1: plot.y[3], y2: plot.y[2] });
      series.forEach(function (line) {
        var point = nearest(line.points, x);
        words.push((series.length > 1 ? line.name + " " : "") + format(point[1]));
        var y = place(plot.y, plot.log, point[1]);
        if (y >= plot.y[3] - 4 && y <= plot.y[2]) {
          add(cursor, "circle", { "class": line.style, cx: place(plot.x, false, point[0]), cy: y, r: 3.5 });
        }
      });
      readout.textContent = words.join("  ·  ");
    });
    svg.addEventListener("pointerleave", clear);
  });
  document.documentElement.dataset.script = "ready";
})();
