// The history of AlexNet: its events in lanes on an axis, or one below the other where there is little room.

import { button, explorer, html, nothing, radios, svg } from "./kit.mjs";

const ASSET = "timeline.json";
// Where the receipts are told in the book, beside the modules' folder.
const RECEIPTS = "../chapters/receipts.html";
// The axis at its shortest, in pixels, as the style sheet has it; where it is longer, labels lie further apart.
const AXIS = 530;
const ROW = 22;
// Half a mark, and what lies at least between two labels.
const HALF = 8;
const GAP = 6;

const SYMBOLS = {
  ideas: svg`<circle cx="8" cy="8" r="5.5"></circle>`,
  data: svg`<path d="M3 3h10v10H3z"></path>`,
  hardware: svg`<path d="M8 1.5 14.5 8 8 14.5 1.5 8z"></path>`,
  contest: svg`<path d="M8 2 14.5 13.5h-13z"></path>`,
  people: svg`<path d="M6 2h4v4h4v4h-4v4H6v-4H2V6h4z"></path>`,
  software: svg`<path d="M8 14 1.5 2.5h13z"></path>`,
};

/** Where an event stands on the axis. */
export const middle = (event) => (event.start + event.end) / 2;

/** The events of some groups in a part of the history, in the order of time. */
export const shown = (events, groups, zoom) =>
  events.filter((e) => groups.includes(e.group) && zoom.start <= middle(e) && middle(e) < zoom.end);

/** The nearest events in sight before and after one that need not be in sight itself. */
export function neighbours(events, inSight, id) {
  const here = events.findIndex((e) => e.id === id);
  const place = new Map(events.map((e, n) => [e.id, n]));
  return {
    previous: inSight.findLast((e) => place.get(e.id) < here),
    next: inSight.find((e) => place.get(e.id) > here),
  };
}

/** A day's beginning as a decimal year; months count from 0. */
export function years(year, month, day) {
  const first = Date.UTC(year, 0, 1);
  return year + (Date.UTC(year, month, day) - first) / (Date.UTC(year + 1, 0, 1) - first);
}

/** Marks along the axis of a part of the history: [[decimal year, words], ...]. */
export function axisMarks({ start, end }) {
  const found = [];
  if (end - start > 1) {
    const step = end - start > 20 ? 5 : 1;
    for (let year = Math.ceil(start / step) * step; year <= end; year += step) found.push([year, String(year)]);
    return found;
  }
  const year = Math.floor(start);
  for (let month = 0; month < 12; month++)
    for (const day of end - start > 0.5 ? [1] : [1, 15]) {
      const name = new Date(Date.UTC(year, month, day)).toLocaleString("en-GB", { month: "short", timeZone: "UTC" });
      const at = years(year, month, day);
      if (at > start - 0.001)
        found.push([at, day === 1 && end - start > 0.5 ? name.slice(0, 3) : `${day} ${name.slice(0, 3)}`]);
    }
  return found;
}

/** How long a label is at most, in pixels, with its mark: letters of 12 pixels in a font that is wide. */
export const length = (event) =>
  [...event.label].reduce((sum, c) => sum + (/[A-Z0-9mw]/.test(c) ? 8.8 : /[fijlrt.,:' ()-]/.test(c) ? 5 : 7.6), 24);

/** The share of a part of the history that lies before a moment. */
const share = (moment, { start, end }) => Math.min(1, Math.max(0, (moment - start) / (end - start)));

/**
 * The rows of one lane: for each event {row, left, share}, as few as can be had, and so that no label lies over another
 * on an axis of AXIS pixels or more. left: whether the label stands left of the mark. share: of the axis.
 */
export function rows(events, zoom) {
  let best = null;
  // Labels to the left of earlier marks leave room for those to the right of later ones: how many, is tried.
  for (let lefts = 0; lefts <= events.length; lefts++) {
    const found = placed(events, zoom, lefts);
    const count = Math.max(0, ...found.map(({ row }) => row + 1));
    if (!best || count < best.count) best = { found, count };
  }
  return best.found;
}

/** Each event in the first row that has room; the labels of so many are to the left where they can be. */
function placed(events, zoom, lefts) {
  const taken = [];
  return events.map((event, n) => {
    const at = AXIS * share(middle(event), zoom);
    const long = length(event);
    // The days that a date leaves open are drawn too.
    const open = [AXIS * share(event.start, zoom), AXIS * share(event.end, zoom)];
    const right = { left: false, from: at - HALF, to: at - HALF + long };
    const left = { left: true, from: at + HALF - long, to: at + HALF };
    const both = n < lefts ? [left, right] : [right, left];
    const fit = both.filter(({ from, to }) => from >= -HALF && to <= AXIS + HALF);
    // One that has room on neither side is cut by the style sheet.
    const sides = fit.length ? fit : [at < AXIS / 2 ? right : left];
    for (let row = 0; ; row++) {
      taken[row] ??= [];
      for (const { left, from, to } of sides) {
        const [low, high] = [Math.min(from, open[0]), Math.max(to, open[1])];
        if (taken[row].some(([l, h]) => low < h + GAP && l < high + GAP)) continue;
        taken[row].push([low, high]);
        return { row, left, share: at / AXIS };
      }
    }
  });
}

/** Every lane with its place, and every event with its own; `rows` counts them all. */
export function arrange(inSight, groups, zoom) {
  const places = new Map();
  let total = 0;
  const lanes = groups.map((group) => {
    const members = inSight.filter((e) => e.group === group);
    const placed = rows(members, zoom);
    const lane = { group, row: total, rows: Math.max(1, ...placed.map(({ row }) => row + 1)) };
    members.forEach((event, n) => {
      places.set(event.id, { ...placed[n], row: total + placed[n].row });
    });
    total += lane.rows;
    return lane;
  });
  return { lanes, places, rows: total };
}

const percent = (share) => `${(100 * share).toFixed(3)}%`;

const symbol = (group, filled = true) =>
  html`<svg class=${filled ? "timeline-mark" : "timeline-mark hollow"} viewBox="0 0 16 16" aria-hidden="true">${SYMBOLS[group]}</svg>`;

/** Goes to an event. In a list, where its text opens among the others, it is kept in sight. */
function go(api, id) {
  api.set({ event: id });
  const chosen = api.root.querySelector(".timeline-event.here");
  if (chosen && getComputedStyle(chosen).position !== "absolute")
    chosen.closest("li").scrollIntoView?.({ block: "nearest" });
}

const badge = (api, how) =>
  html`<span class="timeline-how" data-how=${how}>${api.own.whole.kinds[how][0]} ${how}</span>`;

function receipt(api, { id, text, how, source }) {
  // Live there is no page to lead to.
  const address = api.page ? new URL(`${RECEIPTS}#${id}`, import.meta.url).href : nothing;
  return html`<li><a class="timeline-receipt" href=${address}>${text}</a><span class="soft">: ${source || "no source that could be opened"}</span>
    ${badge(api, how)}</li>`;
}

function card(api, event, inSight) {
  return html`<div class="timeline-card" data-group=${event.group}>
    ${inSight ? nothing : html`<p class="soft">Not among the events that are shown:</p>`}
    <p class="timeline-head"><span class="timeline-what"><strong>${event.title}</strong> ${event.when}, <span class="soft">${event.group}</span></span>
      ${badge(api, event.how)}</p>
    <p class="timeline-text">${event.text}</p>
    ${event.sure ? nothing : html`<p class="timeline-doubt">${event.how[0].toUpperCase()}${event.how.slice(1)}: ${api.own.whole.kinds[event.how][1]}.</p>`}
    <p class="timeline-from">Receipts:</p>
    <ul class="timeline-receipts">${event.receipts.map((found) => receipt(api, found))}</ul>
  </div>`;
}

function entry(api, event, { row, left, share: at }, zoom) {
  const here = event.id === api.get("event");
  const [from, to] = [share(event.start, zoom), share(event.end, zoom)];
  const top = `--top:${ROW * row}px`;
  return html`<li data-group=${event.group}>
    <div class="timeline-open" style=${`${top};--left:${percent(from)};--wide:${percent(to - from)}`}></div>
    <label class=${`timeline-event${left ? " left" : ""}${here ? " here" : ""}`}
      style=${`${top};--left:${percent(at)};--most:${Math.ceil(length(event))}px`}>
      <input type="radio" name=${`${api.id}-event`} .checked=${here} @change=${() => go(api, event.id)} />
      ${symbol(event.group, event.sure)}
      <span class="timeline-title">${event.label}</span>
      <span class="timeline-when">${event.when}, ${event.group}</span>
    </label>
    ${here ? card(api, event, true) : nothing}
  </li>`;
}

function lanes(arranged, zoom) {
  return html`<div class="timeline-lanes" aria-hidden="true">
    ${arranged.lanes.map(
      (lane) => html`<div class="timeline-lane" data-group=${lane.group}
        style=${`top:${ROW * lane.row}px;height:${ROW * lane.rows}px`}>${symbol(lane.group)}${lane.group}</div>`,
    )}
    <div class="timeline-axis">${axisMarks(zoom).map(
      ([moment, words]) => html`<span style=${`left:${percent(share(moment, zoom))}`}><i>${words}</i></span>`,
    )}</div>
  </div>`;
}

function filters(api, all) {
  const groups = api.get("groups");
  const toggle = (group) =>
    api.set({ groups: all.filter((g) => (g === group ? !groups.includes(g) : groups.includes(g))) });
  return html`<fieldset class="control radios timeline-groups">
    <legend>kinds</legend>
    ${all.map(
      (group) => html`<label data-group=${group}>
        <input type="checkbox" .checked=${groups.includes(group)} @change=${() => toggle(group)} />
        ${symbol(group)}<span>${group}</span>
      </label>`,
    )}
  </fieldset>`;
}

async function load(api) {
  api.own.failed = null;
  api.redraw();
  try {
    api.own.whole = JSON.parse(new TextDecoder().decode(await api.asset(ASSET)));
  } catch (error) {
    api.own.failed = error.message;
  }
  api.redraw();
}

function view(api) {
  const { whole, failed } = api.own;
  if (failed)
    return html`<p class="result" role="alert">The events could not be loaded (${failed}). ${button("try again", () => load(api))}</p>`;
  if (!whole) return html`<p class="result" aria-busy="true">The events are on their way.</p>`;
  const zoom = whole.zooms.find((z) => z.name === api.get("zoom"));
  const groups = api.get("groups");
  const inSight = shown(whole.events, groups, zoom);
  const event = whole.events.find((e) => e.id === api.get("event"));
  const number = inSight.indexOf(event);
  const { previous, next } = neighbours(whole.events, inSight, event?.id);
  const arranged = arrange(inSight, groups, zoom);
  const said = number < 0 ? `${inSight.length} events` : `${number + 1} of ${inSight.length}: ${event.title}`;
  return html`
    <div class="controls">
      ${radios(api, { name: "zoom", label: "years", options: whole.zooms.map(({ name, words }) => [name, words]) })}
      ${filters(api, whole.groups)}
    </div>
    <div class="timeline-steps">
      ${button("‹ previous", () => go(api, previous.id), { disabled: !previous })}
      ${button("next ›", () => go(api, next.id), { disabled: !next })}
      <span>${said}</span>
    </div>
    ${inSight.length ? nothing : html`<p class="result">No event of these kinds lies in this part of the history.</p>`}
    <div class="timeline" role="radiogroup" aria-label="events" style=${`--rows:${ROW * arranged.rows}px`}>
      ${lanes(arranged, zoom)}
      <ol>
        ${inSight.map((e) => entry(api, e, arranged.places.get(e.id), zoom))}
        ${event && number < 0 ? html`<li>${card(api, event, false)}</li>` : nothing}
      </ol>
    </div>
    <p class="soft timeline-key">A hollow mark: something in the event is less than sure, and its text says in which way.
      <span class="timeline-wide">A bar behind a mark: the time that its date leaves open. Arrow keys go from event to event.</span></p>
    <div class="timeline-unseen" role="status">${event ? `${event.when}, ${event.label}: ${event.text}` : nothing}</div>`;
}

export default explorer({ title: "Explorer: timeline of AlexNet", view, start: (api) => void load(api) });
