// A rate of the last minutes as a line that moves: SVG, drawn anew with each point.

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 80;
// Seconds that are shown; and after so many without news the line is interrupted.
const SPAN = 300;
const GAP = 3.5;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const brief = (value) => (value < 10 ? value.toFixed(1) : whole.format(value));

// The end of the scale: 1, 2 or 5 and zeros.
function above(value) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((factor) => factor * unit).find((end) => end >= value);
}

function made(parent, name, attributes = {}) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return parent.appendChild(element);
}

export class Plot {
  #points = [];
  #name;
  #now;
  #scale;
  #svg;
  #area;
  #line;

  // figure: has a figcaption, the name of what is shown.
  constructor(figure) {
    const caption = figure.querySelector("figcaption");
    this.#name = caption.textContent;
    // No output element: a screen reader would say it each second.
    this.#now = caption.appendChild(document.createElement("strong"));
    this.#svg = made(figure, "svg", {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
    });
    for (const part of [0, 0.5, 1]) {
      made(this.#svg, "line", { x1: 0, x2: WIDTH, y1: part * HEIGHT, y2: part * HEIGHT });
    }
    this.#area = made(this.#svg, "path", { class: "area", d: "" });
    this.#line = made(this.#svg, "path", { class: "line", d: "" });
    this.#scale = figure.appendChild(document.createElement("p"));
    this.#scale.className = "scale";
    this.#scale.setAttribute("aria-hidden", "true");
    const span = figure.appendChild(document.createElement("p"));
    span.className = "span";
    span.setAttribute("aria-hidden", "true");
    for (const text of [`${SPAN / 60} min ago`, "now"]) {
      span.appendChild(document.createElement("span")).textContent = text;
    }
    this.#say(null);
  }

  // time: in seconds.
  add(time, value) {
    // What is later than now is from before the clock was set back.
    this.#points = this.#points.filter((point) => point.time >= time - SPAN && point.time < time);
    this.#points.push({ time, value });
    this.#draw(time);
    this.#say(value);
  }

  #draw(now) {
    const end = above(Math.max(...this.#points.map((point) => point.value)));
    const runs = [];
    let before = -Infinity;
    for (const { time, value } of this.#points) {
      if (time - before > GAP) runs.push([]);
      const x = WIDTH - ((now - time) / SPAN) * WIDTH;
      runs.at(-1).push([x.toFixed(2), (HEIGHT - (value / end) * HEIGHT).toFixed(2)]);
      before = time;
    }
    const lines = runs.map((run) => `M${run.join("L")}`);
    this.#line.setAttribute("d", lines.join(""));
    const areas = runs.map((run, index) =>
      `${lines[index]}L${run.at(-1)[0]},${HEIGHT}L${run[0][0]},${HEIGHT}Z`);
    this.#area.setAttribute("d", areas.join(""));
    this.#scale.textContent = whole.format(end);
  }

  #say(value) {
    this.#now.textContent = value === null ? "\u2013" : brief(value);
    const most = brief(Math.max(0, ...this.#points.map((point) => point.value)));
    this.#svg.setAttribute("aria-label",
      value === null ? `${this.#name}: no news yet`
        : `${this.#name}: ${brief(value)} now, at most ${most} in five minutes`);
  }
}
