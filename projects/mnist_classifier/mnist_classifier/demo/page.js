
"use strict";
(() => {
  const SIZE = 280; // the drawing's own pixels; the server brings them to 28×28
  const PEN = 28; // as thick as MNIST's strokes in a digit that fills the paper
  const STEP = 10; // of an arrow key

  const byId = (id) => document.getElementById(id);
  const paper = byId("paper");
  const rows = [...document.querySelectorAll(".bars li")].map((row) => ({
    row,
    name: row.querySelector(".name").textContent,
    bar: row.querySelector("i"),
    value: row.querySelector(".value"),
  }));
  const sent = new OffscreenCanvas(SIZE, SIZE).getContext("2d", { willReadFrequently: true });

  let strokes = []; // each a list of [x, y] from 0 to SIZE
  let pointer = null; // the one that draws; further fingers are ignored
  let pen = null; // the keyboard's: {x, y, down}

  /* drawing */

  const trace = (context, colour) => {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = PEN;
    context.lineCap = context.lineJoin = "round";
    for (const points of strokes) {
      const [first, ...rest] = points;
      context.beginPath();
      if (rest.every(([x, y]) => x === first[0] && y === first[1])) {
        context.arc(...first, PEN / 2, 0, 2 * Math.PI);
        context.fill();
        continue;
      }
      context.moveTo(...first);
      rest.forEach(([x, y], index) => {
        const next = rest[index + 1];
        if (next) context.quadraticCurveTo(x, y, (x + next[0]) / 2, (y + next[1]) / 2);
        else context.lineTo(x, y);
      });
      context.stroke();
    }
  };

  const show = () => {
    const ratio = window.devicePixelRatio || 1;
    const side = Math.round(paper.clientWidth * ratio);
    if (paper.width !== side) paper.width = paper.height = side;
    const context = paper.getContext("2d");
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, side, side);
    context.setTransform(side / SIZE, 0, 0, side / SIZE, 0, 0);
    trace(context, ink);
    if (pen && document.activeElement === paper) {
      context.beginPath();
      context.arc(pen.x, pen.y, PEN / 2 + 3, 0, 2 * Math.PI);
      context.lineWidth = pen.down ? 4 : 1.5;
      context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--best");
      context.stroke();
    }
    document.body.dataset.drawn = strokes.length ? "yes" : "no";
  };

  const place = (event) => {
    const frame = paper.getBoundingClientRect();
    return [
      ((event.clientX - frame.left) / frame.width) * SIZE,
      ((event.clientY - frame.top) / frame.height) * SIZE,
    ];
  };

  const changed = () => {
    show();
    ask();
  };

  paper.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    paper.setPointerCapture(pointer);
    pen = null;
    strokes.push([place(event)]);
    changed();
  });
  paper.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    strokes.at(-1).push(...(events.length ? events : [event]).map(place));
    changed();
  });
  const lift = (event) => {
    if (event.pointerId === pointer) pointer = null;
  };
  paper.addEventListener("pointerup", lift);
  paper.addEventListener("pointercancel", lift);
  paper.addEventListener("focus", show);
  paper.addEventListener("blur", show);

  /* keys and buttons */

  const endStroke = () => {
    pointer = null;
    if (pen) pen.down = false;
  };
  const undo = () => {
    endStroke();
    strokes.pop();
    changed();
  };
  const clear = () => {
    endStroke();
    strokes = [];
    changed();
  };
  byId("undo").addEventListener("click", undo);
  byId("clear").addEventListener("click", clear);

  const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  const inside = (value) => Math.min(Math.max(value, PEN / 2), SIZE - PEN / 2);

  paper.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (!arrow && event.key !== " ") return;
    event.preventDefault();
    pen ??= { x: SIZE / 2, y: SIZE / 2, down: false };
    if (arrow) {
      pen.x = inside(pen.x + arrow[0]);
      pen.y = inside(pen.y + arrow[1]);
      if (!pen.down) return show();
      strokes.at(-1).push([pen.x, pen.y]);
    } else {
      pen.down = !pen.down;
      if (!pen.down) return show();
      strokes.push([[pen.x, pen.y]]);
    }
    changed();
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.repeat) return;
    const plain = !event.ctrlKey && !event.metaKey;
    if (event.key.toLowerCase() === "z" && !event.shiftKey) {
      event.preventDefault();
      undo();
    } else if (event.key === "Escape" && plain) clear();
  });

  /* asking the network: one question at a time, and always about the newest drawing */

  let isAsking = false;
  let isOutdated = false;

  const ask = async () => {
    isOutdated = true;
    if (isAsking) return;
    isAsking = true;
    document.body.dataset.state = "asking";
    while (isOutdated) {
      isOutdated = false;
      await (strokes.length ? askOnce() : forget());
    }
    isAsking = false;
    document.body.dataset.state = "settled";
  };

  const askOnce = async () => {
    try {
      const response = await fetch(`predict?width=${SIZE}&height=${SIZE}`, {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream" },
        body: pixels(),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.error);
      byId("trouble").textContent = "";
      if (strokes.length) tell(answer);
    } catch (error) {
      const isGone = error instanceof TypeError;
      byId("trouble").textContent = isGone ? "No answer. Does the command still run?" : error.message;
    }
  };

  const pixels = () => {
    sent.fillStyle = "#000";
    sent.fillRect(0, 0, SIZE, SIZE);
    trace(sent, "#fff");
    const { data } = sent.getImageData(0, 0, SIZE, SIZE);
    return Uint8Array.from({ length: SIZE * SIZE }, (_, index) => data[4 * index]);
  };

  /* the answer */

  const percent = (value) => `${(100 * value).toFixed(1)} %`;

  const tell = ({ prediction, probabilities, image }) => {
    rows.forEach(({ row, bar, value }, index) => {
      bar.style.width = `${100 * probabilities[index]}%`;
      value.textContent = percent(probabilities[index]);
      row.classList.toggle("best", index === prediction);
    });
    const { name } = rows[prediction];
    byId("prediction").textContent = name;
    byId("prediction").classList.toggle("long", name.length > 3);
    byId("confidence").textContent = percent(probabilities[prediction]);
    announce(`${name}, ${percent(probabilities[prediction])}`);
    showSeen(image);
  };

  const forget = () => {
    for (const { row, bar, value } of rows) {
      bar.style.width = "0%";
      value.textContent = "–";
      row.classList.remove("best");
    }
    byId("prediction").textContent = "–";
    byId("prediction").classList.remove("long");
    byId("confidence").textContent = "";
    byId("trouble").textContent = "";
    announce("");
    showSeen([]);
  };

  const showSeen = (image) => {
    const context = byId("seen").getContext("2d");
    const shown = context.createImageData(28, 28);
    for (let index = 0; index < 28 * 28; index += 1) {
      shown.data.fill(image[index] ?? 0, 4 * index, 4 * index + 3);
      shown.data[4 * index + 3] = 255;
    }
    context.putImageData(shown, 0, 0);
  };

  let announcing = 0;
  const announce = (text) => {
    // A screen reader hears the answer when the hand rests, not at every point of a stroke.
    clearTimeout(announcing);
    announcing = setTimeout(() => (byId("announcement").textContent = text), 600);
  };

  document.querySelector(".bars").style.setProperty("--half", Math.ceil(rows.length / 2));
  new ResizeObserver(show).observe(paper);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  document.body.dataset.state = "settled";
  show();
  forget();
})();
