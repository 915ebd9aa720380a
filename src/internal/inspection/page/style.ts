/** How the page looks. Statuses differ in lightness and by a sign as well, not in hue alone. */
export const style = /* css */ `
:root {
  color-scheme: light dark;
  --ground: #f4f5f2; --card: #ffffff; --raised: #f8f9f6; --line: #dfe2da; --text: #1c211d; --soft: #5c655e;
  --accent: #2459c2; --focus: #2459c2;
  --A: #d5ecdd; --A-line: #5da57c; --A-text: #1d5a38;
  --B: #3566cc; --B-line: #3566cc; --B-text: #ffffff;
  --O: #bd2440; --O-line: #bd2440; --O-text: #ffffff;
  --P: #f6d98c; --P-line: #c8961c; --P-text: #5b4300;
  --D: #ddd6f0; --D-line: #9182c4; --D-text: #463a78;
  --U: #d9b9a3; --U-line: #9a5b34; --U-text: #52290e;
  --I: #8a8f8b; --I-line: #6a6f6b; --I-text: #ffffff;
  --bad: #b01f3a; --bad-ground: #fbe9ea; --warning: #855500; --warning-ground: #fcf2d9;
  --note: #48524b; --note-ground: #eceeea; --well: #1d6b41; --well-ground: #e2f2e7;
  --shadow: 0 1px 2px rgb(20 30 20 / .06), 0 4px 16px rgb(20 30 20 / .05);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131615; --card: #1c201e; --raised: #222724; --line: #333a36; --text: #e6eae6; --soft: #9aa59d;
    --accent: #8fb2ff; --focus: #8fb2ff;
    --A: #1f3b2c; --A-line: #4c9a70; --A-text: #a6dfbe;
    --B: #5b8af0; --B-line: #5b8af0; --B-text: #0a1430;
    --O: #ff6177; --O-line: #ff6177; --O-text: #32030b;
    --P: #6b4f10; --P-line: #d9a83a; --P-text: #ffe3a0;
    --D: #2d2748; --D-line: #7f70ba; --D-text: #cdc3f3;
    --U: #5a3a24; --U-line: #c58a62; --U-text: #f7d3ba;
    --I: #59605b; --I-line: #7b837d; --I-text: #f2f4f2;
    --bad: #ff93a2; --bad-ground: #3a1a20; --warning: #f0c765; --warning-ground: #372b12;
    --note: #b4beb7; --note-ground: #262b28; --well: #86d6a6; --well-ground: #173023;
    --shadow: 0 1px 2px rgb(0 0 0 / .4);
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text); font: 14px/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums }
main, .top { max-width: 1480px; margin: 0 auto; padding: 0 20px }
main { padding-bottom: 48px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 18px }
h1, h2, h3, p, ul { margin: 0; padding: 0 }
h1 { font-size: 17px; font-weight: 650; letter-spacing: -.01em }
h2 { font-size: 16px; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere }
h3 { font-size: 12px; font-weight: 600; color: var(--soft) }
a { color: var(--accent) }
[hidden] { display: none !important }
.away { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.skip { position: absolute; left: -999px; top: 8px; background: var(--card); padding: 6px 12px; border-radius: 6px; z-index: 5 }
.skip:focus { left: 12px }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 4px }
button, select, input { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line);
  border-radius: 7px; padding: 3px 10px; min-height: 28px }
button { cursor: pointer }
button:hover { border-color: var(--soft) }
button.danger { color: var(--bad) }
.top { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 14px; padding-top: 16px; padding-bottom: 14px }
.top .grow { flex: 1 }
.top .host { color: var(--soft) }
#pause { min-width: 72px }
.state { display: inline-flex; align-items: center; gap: 7px; color: var(--soft) }
.state::before { content: ""; width: 9px; height: 9px; border-radius: 50%; background: var(--I-line) }
.state[data-state=live]::before { background: var(--A-line) }
.state[data-state=lost]::before { background: var(--O) }
.state[data-state=paused]::before { background: var(--P-line); border-radius: 2px }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow) }

.troubles { list-style: none; overflow: auto; height: 152px }
.troubles li { display: flex; gap: 10px; align-items: baseline; padding: 8px 14px; border-top: 1px solid var(--line) }
.troubles li:first-child { border-top: 0 }
.troubles .sign { flex: none; width: 1.2em; text-align: center; font-weight: 700 }
.troubles a { font-weight: 650; color: inherit; flex: none }
.troubles .bad { background: var(--bad-ground); color: var(--bad) }
.troubles .warning { background: var(--warning-ground); color: var(--warning) }
.troubles .note { background: var(--note-ground); color: var(--note) }
.troubles .well { background: var(--well-ground); color: var(--well); height: 100%; align-items: center }
.troubles .text::first-letter { text-transform: uppercase }

.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; padding: 10px 14px 6px; font-size: 12px; font-weight: 600; color: var(--soft) }
th, td { padding: 5px 10px; text-align: right; white-space: nowrap }
th { font-size: 12px; font-weight: 500; color: var(--soft) }
tbody th { font-size: inherit; font-weight: 600; color: inherit }
th:first-child, td:first-child { padding-left: 14px }
th:last-child, td:last-child { padding-right: 14px }
.left th.l, .l { text-align: left }
/* columns do not follow what is in them: numbers change all the time */
#overview, .events table, .pool details table { table-layout: fixed }
#overview { min-width: 1140px }
#overview th, #overview td { padding-left: 3px; padding-right: 3px; width: 66px }
#overview th { white-space: normal; vertical-align: bottom }
#overview tr > :first-child { width: auto; padding-left: 14px; overflow-wrap: anywhere }
#overview tr > :nth-child(2) { width: 84px; padding-left: 10px }
#overview tr > :last-child { width: 76px; padding-right: 14px }
tbody tr { border-top: 1px solid var(--line) }
td.zero { color: var(--soft); opacity: .65 }
td.hot { color: var(--bad); font-weight: 650 }

.pools { display: grid; gap: 18px; grid-template-columns: minmax(0, 1fr); align-items: start }
@media (min-width: 1240px) {
  .pools { grid-template-columns: repeat(2, minmax(0, 1fr)) }
  .pool:last-child:nth-child(odd) { grid-column: 1 / -1 }
}
.pool { padding: 14px 16px 12px; display: grid; gap: 12px; scroll-margin-top: 12px; min-width: 0 }
.pool > header { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: start; gap: 2px 12px }
.pool > header .name { display: flex; align-items: center; gap: 10px; min-height: 28px }
.pool > header .size { grid-column: 1; grid-row: 2; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.pool > header .actions { grid-column: 2; grid-row: 1 / 3 }
.badge { flex: none; min-width: 84px; text-align: center; font-size: 12px; padding: 0 8px; border-radius: 99px; border: 1px solid var(--line); color: var(--soft) }
.badge.warn { color: var(--warning); background: var(--warning-ground); border-color: transparent }
.size { color: var(--soft) }
.actions { display: flex; flex-wrap: wrap; gap: 6px }
.actions button { min-width: 78px }
.legend { display: grid; grid-template-columns: repeat(auto-fill, minmax(124px, 1fr)); gap: 4px 10px; list-style: none }
.legend li { display: flex; align-items: center; gap: 6px; color: var(--soft); white-space: nowrap }
.legend li.none { opacity: .6 }
.legend b { color: var(--text); font-weight: 650 }
.dot { width: 12px; height: 12px; border-radius: 3px; border: 1.5px solid; flex: none;
  font-size: 9px; line-height: 9px; text-align: center; font-weight: 700 }
.dot.A { background: var(--A); border-color: var(--A-line) } .dot.B { background: var(--B); border-color: var(--B-line) }
.dot.O { background: var(--O); border-color: var(--O-line); color: var(--O-text) }
.dot.P { background: var(--P); border-color: var(--P-line); color: var(--P-text) }
.dot.D { background: var(--D); border-color: var(--D-line); color: var(--D-text) }
.dot.U { background: var(--U); border-color: var(--U-line); color: var(--U-text) }
.dot.I { background: var(--I); border-color: var(--I-line); color: var(--I-text) }
.dot.M { background: none; border-color: var(--soft); border-style: dashed }
.cells { display: block; width: 100%; cursor: crosshair; border-radius: 4px }
.detail { height: 52px; overflow: auto; display: flex; flex-wrap: wrap; gap: 2px 12px; align-content: center; align-items: center; color: var(--soft) }
.detail b { color: var(--text) }
.charts { display: grid; grid-template-columns: 1fr 1.6fr 1fr; gap: 18px }
.chart { min-width: 0 }
.chart .value { min-height: 22px; font-size: 17px; font-weight: 600; letter-spacing: -.02em; line-height: 1.3; white-space: nowrap }
.chart .value small + small, .chart .value .second { margin-left: .5em }
.chart .value small { font-size: 12px; font-weight: 500; color: var(--soft); letter-spacing: 0 }
.chart svg { display: block; width: 100%; height: 44px; margin-top: 3px; overflow: visible }
.chart .range { display: flex; justify-content: space-between; font-size: 11px; color: var(--soft) }
.chart path { fill: none; stroke: var(--B-line); stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round }
.chart path.area { stroke: none; fill: var(--B-line); opacity: .14 }
.chart path.high { stroke: var(--P-line) } .chart path.high.area { fill: var(--P-line) }
.chart path.bars { stroke: none; fill: var(--O) }
.chart line { stroke: var(--line); vector-effect: non-scaling-stroke }
.key { display: inline-block; width: 10px; height: 3px; border-radius: 2px; vertical-align: middle; margin-right: 4px }
.key.low { background: var(--B-line) } .key.high { background: var(--P-line) }
.queue { display: grid; gap: 3px }
.queue ol { list-style: none; margin: 0; padding: 0; display: grid; gap: 2px; align-content: start; height: 64px; overflow: auto }
.queue li { height: 20px; display: grid; grid-template-columns: 86px 1fr auto; gap: 10px; align-items: center; font-size: 12.5px; color: var(--soft) }
.queue .bar { height: 7px; border-radius: 4px; background: var(--raised); border: 1px solid var(--line); overflow: hidden }
.queue .bar i { display: block; height: 100%; background: var(--P-line) }
.queue .bar i.late { background: var(--O) }
details > summary { cursor: pointer; color: var(--soft); font-size: 12.5px; width: fit-content }
details[open] > summary { margin-bottom: 6px }
.pool details table { min-width: 860px }
.pool details th, .pool details td { width: 72px }
.pool details th:nth-child(2), .pool details td:nth-child(2) { width: 130px }
.pool details :is(th, td):is(:nth-child(5), :nth-child(8)) { width: auto; overflow-wrap: anywhere; white-space: normal }
.pool details :is(th, td):last-child { width: 90px }
.pool details .scroll { height: 340px; overflow: auto; border: 1px solid var(--line); border-radius: 8px }
.pool details thead th { position: sticky; top: 0; background: var(--card) }
.pool details td, .pool details tbody th { padding-top: 2px; padding-bottom: 2px }
.pool details button { min-height: 22px; padding: 0 8px; font-size: 12px }

.events > header { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; padding: 12px 14px }
.events > header label { display: inline-flex; gap: 5px; align-items: center }
.events fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 12px }
.events .grow { flex: 1 }
.events input[type=checkbox] { min-height: 0; accent-color: var(--accent) }
.events .scroll { height: 420px; overflow: auto; border-top: 1px solid var(--line); border-radius: 0 0 12px 12px }
.events td, .events th { text-align: left; padding-top: 2px; padding-bottom: 2px }
.events thead th { position: sticky; top: 0; background: var(--card); padding-top: 6px; padding-bottom: 4px }
.events table { min-width: 760px }
.events th { width: 72px }
.events th:nth-child(1) { width: 112px }
.events th:nth-child(2), .events th:nth-child(3) { width: 144px }
.events th:nth-child(6) { width: auto }
.events td.text, .events td.pool-name { white-space: normal; overflow-wrap: anywhere }
.events tr.bad td { color: var(--bad) }
.events tr.warning td { color: var(--warning) }
.events td.at, .events td.pool-name { color: var(--soft) }
.empty { padding: 28px 14px; text-align: center; color: var(--soft) }
dialog { border: 1px solid var(--line); border-radius: 12px; background: var(--card); color: var(--text); padding: 18px 20px;
  width: min(420px, 100vw - 24px); max-height: calc(100dvh - 24px); overflow: auto; box-shadow: 0 12px 48px rgb(0 0 0 / .3) }
dialog::backdrop { background: rgb(0 0 0 / .35) }
dialog p { margin-bottom: 12px }
dialog form { display: grid; gap: 10px }
dialog label { display: grid; grid-template-columns: 110px minmax(0, 1fr); align-items: center; gap: 8px }
dialog input { width: 100% }
dialog .buttons { display: flex; justify-content: flex-end; gap: 8px; margin-top: 6px }
dialog .go { background: var(--accent); border-color: var(--accent); color: var(--card) }
.toast { position: fixed; bottom: 18px; left: 50%; translate: -50%; padding: 8px 16px; border-radius: 99px; background: var(--text);
  color: var(--ground); max-width: 90vw; transition: opacity .2s }
.toast:empty { opacity: 0; pointer-events: none }
@media (max-width: 560px) {
  .charts { grid-template-columns: 1fr }
  main, .top { padding-left: 12px; padding-right: 12px }
  .top .host { display: none }
  .pool > header { grid-template-columns: minmax(0, 1fr) }
  .pool > header .actions { grid-column: 1; grid-row: 3 }
  /* a finger is wider than a pointer, and a smaller text would have the page zoomed */
  dialog input, dialog button, .actions button { min-height: 44px; font-size: 16px }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; scroll-behavior: auto !important } }
@media (forced-colors: active) { .dot, .bar i { forced-color-adjust: none } }
`
