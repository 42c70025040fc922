// Tables that change in place, so that whoever reads, selects or listens is not disturbed.

export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function made(parent, name, role) {
  const element = parent.appendChild(document.createElement(name));
  // A phone shows rows as blocks, which would take the meaning of a table from them.
  if (role) element.setAttribute("role", role);
  return element;
}

// Of a column: numbers are compared digit by digit, below each other.
export const number = (of) => Object.assign(of, { isNumber: true });

// pairs: of a name and a text.
export function fill(list, pairs) {
  while (list.children.length < pairs.length) {
    const group = made(list, "div");
    made(group, "dt");
    made(group, "dd");
  }
  pairs.forEach(([name, text], index) => {
    const [term, value] = list.children[index].children;
    set(term, name);
    set(value, text);
  });
}

// columns: for each heading what makes a cell of an item: a text, or {text, kind, part}.
// kind: good, doubtful or bad. part: of a bar, from 0 to 1. The first column names the row.
export function rows(table, columns, items) {
  const headings = Object.keys(columns);
  if (!table.tHead) {
    const row = made(made(table, "thead", "rowgroup"), "tr", "row");
    for (const heading of headings) {
      const cell = made(row, "th", "columnheader");
      cell.scope = "col";
      if (columns[heading].isNumber) cell.className = "number";
      cell.textContent = heading;
    }
    made(table, "tbody", "rowgroup");
  }
  const body = table.tBodies[0];
  while (body.rows.length > items.length) body.deleteRow(-1);
  while (body.rows.length < items.length) {
    const row = made(body, "tr", "row");
    headings.forEach((heading, index) => {
      const cell = made(row, index ? "td" : "th", index ? "cell" : "rowheader");
      if (!index) cell.scope = "row";
      cell.dataset.heading = heading;
      if (columns[heading].isNumber) cell.className = "number";
      made(cell, "span");
    });
  }
  items.forEach((item, index) => {
    headings.forEach((heading, column) => {
      draw(body.rows[index].cells[column], columns[heading](item));
    });
  });
}

function draw(cell, value) {
  const { text, kind = "", part = null } = typeof value === "string" ? { text: value } : value;
  set(cell.firstChild, text);
  if (cell.dataset.kind !== kind) cell.dataset.kind = kind;
  let bar = cell.querySelector("i");
  if (part === null) {
    bar?.remove();
    return;
  }
  if (bar === null) {
    bar = made(cell, "i");
    // The text says the same.
    bar.setAttribute("aria-hidden", "true");
    made(bar, "b");
  }
  bar.firstChild.style.width = `${Math.min(1, part) * 100}%`;
  bar.dataset.kind = part > 0.9 ? "bad" : part > 0.7 ? "doubtful" : "good";
}
