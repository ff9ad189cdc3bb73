// CSV by RFC 4180: quoted cells, line ends of any kind, a byte order mark, and `;` where a spreadsheet writes it for `,`.

/** The columns that an import takes, in any order: those of `cargo admin access-ids`. */
export const COLUMNS = ["ocppIdTag", "name", "type", "authorizationStatus", "customer", "vehicle.make", "vehicle.model", "vehicle.vin", "vehicleId"];

/** A cell that a spreadsheet would take for a formula, or that got an apostrophe for that reason and would lose it again. */
const FORMULA = /^'*[=+\-@\t\r\n]/;

/** Reads a text. Rows are lists of cells; each has the number of its first line. Throws a sentence about what is wrong. */
export function parse(text) {
  const given = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const separator = separatorOf(given);
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  let wasQuoted = false;
  let line = 1;
  let begins = 1;
  const endCell = () => {
    row.push(cell);
    cell = "";
    wasQuoted = false;
  };
  const endRow = () => {
    endCell();
    // An empty line is no row.
    if (row.length > 1 || row[0] !== "") rows.push({ line: begins, cells: row });
    row = [];
    begins = line;
  };
  for (let at = 0; at < given.length; at += 1) {
    const character = given[at];
    if (character === "\n" || (character === "\r" && given[at + 1] !== "\n")) line += 1;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (given[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && cell === "" && !wasQuoted) {
      quoted = true;
      wasQuoted = true;
    } else if (character === separator) endCell();
    else if (character === "\r" && given[at + 1] === "\n") continue;
    else if (character === "\n" || character === "\r") endRow();
    else if (wasQuoted) throw new Error(`Line ${line}: after a closing quotation mark comes a ${separator} or the end of the line.`);
    else cell += character;
  }
  if (quoted) throw new Error(`Line ${begins}: a quotation mark is opened and never closed.`);
  if (cell !== "" || row.length > 0 || wasQuoted) endRow();
  return rows;
}

/** What separates the cells of the first line. */
function separatorOf(text) {
  let quoted = false;
  const counts = { ",": 0, ";": 0 };
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && (character === "\n" || character === "\r")) break;
    else if (!quoted && character in counts) counts[character] += 1;
  }
  return counts[";"] > counts[","] ? ";" : ",";
}

/**
 * Reads access IDs. Each row has its line, its tag as it stands in the file, and the item for the API, or what is wrong with
 * it. An empty cell is left out, and so changes nothing.
 */
export function readAccessIds(text) {
  const [header, ...rows] = parse(text);
  if (!header) throw new Error("The file is empty.");
  const names = header.cells.map((name) => name.trim());
  const bad = names.filter((name) => !COLUMNS.includes(name));
  if (bad.length > 0) throw new Error(`The first line names columns that are not known: ${bad.join(", ")}. Known are ${COLUMNS.join(", ")}.`);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice) throw new Error(`The first line names the column ${twice} twice.`);
  for (const required of ["ocppIdTag", "name", "type"]) {
    if (!names.includes(required)) throw new Error(`The first line must name the column ${required}.`);
  }
  // Spreadsheets leave rows of empty cells.
  return rows.filter(({ cells }) => cells.some((cell) => cell.trim() !== "")).map(({ line, cells }) => {
    const value = Object.fromEntries(names.map((name, at) => [name, unguard(cells[at] ?? "")]));
    if (cells.length === names.length) return { line, tag: value.ocppIdTag, item: item(value) };
    return { line, tag: value.ocppIdTag, problem: `The row has ${cells.length} cells, the first line ${names.length}.` };
  });
}

function item(value) {
  const made = {};
  for (const [name, text] of Object.entries(value).filter(([, text]) => text.trim() !== "")) {
    const [object, field] = name.split(".");
    if (field) (made[object] ??= {})[field] = text;
    else if (name === "customer") made.customer = { name: text };
    // What is no number is for the API to refuse.
    else if (name === "vehicleId" && /^\s*\d+\s*$/.test(text)) made.vehicleId = Number(text);
    else made[name] = text;
  }
  return made;
}

/** A cell without the apostrophe that an export puts before what looks like a formula. */
function unguard(cell) {
  return cell.startsWith("'") && FORMULA.test(cell.slice(1)) ? cell.slice(1) : cell;
}

function guard(cell) {
  return FORMULA.test(cell) ? `'${cell}` : cell;
}

/** Writes rows of cells. */
export function write(rows) {
  const cell = (given) => {
    const text = guard(given === null || given === undefined ? "" : String(given));
    return /["\n\r,;]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}
