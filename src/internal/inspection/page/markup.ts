/** What the page is before the first frame; the script fills it. */

const icon = "data:image/svg+xml," + encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><g fill="#3566cc"><rect x="1" y="1" width="6" height="6" rx="1.5"/>` +
    `<rect x="9" y="9" width="6" height="6" rx="1.5"/></g><g fill="#5da57c"><rect x="9" y="1" width="6" height="6" rx="1.5"/>` +
    `<rect x="1" y="9" width="6" height="6" rx="1.5"/></g></svg>`
)

export const head = `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Pools</title>
<link rel="icon" href="${icon}">`

export const body = `<a class="skip" href="#events">Skip to the events</a>
<header class="top">
  <h1>Pools</h1><span class="host" id="host"></span><span class="grow"></span>
  <span class="state" id="state" data-state="lost" role="status">connecting</span>
  <button type="button" id="pause" aria-pressed="false" aria-keyshortcuts="p" title="Hold the picture (p)">Pause</button>
</header>
<main>
  <p class="away" id="said" aria-live="polite"></p>
  <section aria-labelledby="wrong"><h2 class="away" id="wrong">What is wrong</h2><ul class="troubles card" id="troubles" tabindex="0" aria-labelledby="wrong"></ul></section>
  <section class="card scroll" aria-label="All pools" tabindex="0">
    <table id="overview"><caption>All pools</caption>
      <thead><tr><th scope="col" class="l">Pool</th><th scope="col" class="l">State</th><th scope="col">Objects</th>
      <th scope="col">Available</th><th scope="col">Borrowed</th><th scope="col">Overdue</th><th scope="col">Dormant</th>
      <th scope="col">Pending</th><th scope="col">Unknown</th><th scope="col">Invalid</th><th scope="col">Being made</th>
      <th scope="col">Waiting</th><th scope="col">Borrows/s</th><th scope="col">Wait p50</th><th scope="col">Wait p99</th>
      <th scope="col">Time-outs/min</th></tr></thead>
      <tbody></tbody></table>
  </section>
  <p class="empty card" id="none" hidden>There is no pool in this process.</p>
  <div class="pools" id="pools"></div>
  <p class="empty" id="more" hidden></p>
  <section class="events card" id="events" aria-labelledby="events-title" tabindex="-1">
    <header><h2 id="events-title">Events</h2>
      <label><span class="away">Pool</span><select id="event-pool"><option value="">all pools</option></select></label>
      <label><span class="away">Text</span><input id="event-text" type="search" placeholder="filter, as in: object 12" aria-keyshortcuts="/"></label>
      <fieldset id="event-groups"><legend class="away">Kinds</legend></fieldset>
      <span class="grow"></span><span id="event-count" class="size"></span></header>
    <div class="scroll" tabindex="0" role="region" aria-label="The last events"><table>
      <caption class="away">The last events, the newest first</caption>
      <thead><tr><th scope="col">Time, UTC</th><th scope="col">Pool</th><th scope="col">Event</th><th scope="col">Object</th>
      <th scope="col">Lease</th><th scope="col">Detail</th></tr></thead><tbody id="event-rows"></tbody></table></div>
  </section>
</main>
<dialog id="dialog" aria-labelledby="dialog-title"><form><h2 id="dialog-title"></h2><p id="dialog-text"></p>
  <div id="dialog-fields"></div>
  <div class="buttons"><button type="button" id="dialog-no">Cancel</button><button type="submit" class="go" id="dialog-yes"></button></div>
</form></dialog>
<div class="toast" id="toast" role="status"></div>
<noscript><p class="empty">This page needs JavaScript.</p></noscript>`
