/**
 * @module The portal's one stylesheet, as it is served. Colours have a contrast of at least 4.5 : 1, lengths are in rem so
 * that 200 % zoom keeps everything readable; the printed sheets are in millimetres.
 */
export const STYLE = `
:root { --ink: #1a2733; --soft: #4a5a68; --line: #c3ccd4; --paper: #ffffff; --ground: #f3f6f8; --blue: #0b4f8a;
  --red: #a3161f; --red-soft: #fdf0f0; --green: #14603a; --green-soft: #eef7f1;
  --mono: 'DejaVu Sans Mono', 'Cascadia Mono', Menlo, Consolas, 'Liberation Mono', monospace; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--ground); font: 1.0625rem/1.5 system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; }
a { color: var(--blue); }
:focus-visible { outline: 3px solid #b45309; outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5rem 1rem; z-index: 1; }
.top { background: var(--blue); color: #fff; }
.top > div { max-width: 78rem; margin: 0 auto; padding: .75rem 1.25rem; display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: center; }
.top span { overflow-wrap: anywhere; }
.brand { font-weight: 650; color: #fff; text-decoration: none; margin-right: auto; }
.top form { display: flex; flex-wrap: wrap; gap: .25rem; align-items: center; margin: 0; }
.top button { background: transparent; color: #fff; border: 1px solid #ffffff88; padding: .2rem .6rem; font-size: .95rem; min-height: 0; }
.top button[aria-pressed=true] { background: #fff; color: var(--blue); }
.frame { max-width: 78rem; margin: 0 auto; padding: 1.25rem; display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 1.5rem; align-items: start; }
.frame > main:only-child { grid-column: 1 / -1; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: block; padding: .5rem .75rem; border-radius: .4rem; text-decoration: none; }
nav a:hover { text-decoration: underline; }
nav a[aria-current] { background: var(--blue); color: #fff; }
main { background: var(--paper); border: 1px solid var(--line); border-radius: .6rem; padding: 1.25rem 1.75rem 1.75rem; min-width: 0; }
main :is(p, h1, h2, li, dd, .notice):not(td *) { overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .25rem 0 .75rem; }
h2 { font-size: 1.25rem; margin: 1.75rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 1rem 0 .3rem; }
.proposal { border: 1px solid var(--line); border-radius: .5rem; padding: .2rem 1rem; margin: 1rem 0; }
.code-box h2 { margin: 0; }
p { max-width: 44rem; }
.soft { color: var(--soft); }
.tiles { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }
.tiles a { display: block; height: 100%; border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1rem; text-decoration: none; color: var(--ink); }
.tiles a:hover { border-color: var(--blue); }
.tiles strong { display: block; color: var(--blue); }
.field { margin: 1rem 0; max-width: 34rem; }
.field > label, legend { display: block; font-weight: 600; margin-bottom: .2rem; padding: 0; }
.field small { display: block; margin-top: .4rem; color: var(--soft); font-size: .95rem; }
fieldset { border: 0; margin: 1rem 0; padding: 0; }
.choice { margin: .75rem 0; padding-left: 2rem; position: relative; max-width: 40rem; }
.choice > input { position: absolute; left: 0; top: .25rem; margin: 0; width: 1.05rem; height: 1.05rem; }
.choice small { display: block; color: var(--soft); font-size: .95rem; }
input, textarea, select, button { font: inherit; color: inherit; }
input:not([type=radio]):not([type=checkbox]), textarea, select { width: 100%; padding: .5rem .6rem; border: 1px solid #6b7a87; border-radius: .35rem; background: #fff; }
input[type=number], input[type=date] { max-width: 13rem; }
textarea { font-family: var(--mono); font-size: .9rem; }
button, .button { display: inline-block; min-height: 2.75rem; padding: .5rem 1.1rem; border: 1px solid var(--blue); border-radius: .4rem; background: var(--blue); color: #fff; cursor: pointer; font-weight: 600; text-decoration: none; }
button.plain, .button.plain { background: #fff; color: var(--blue); }
button.danger { background: var(--red); border-color: var(--red); }
td button { min-height: 0; padding: .3rem .7rem; font-size: .95rem; }
td button { overflow-wrap: anywhere; }
td button.short { white-space: nowrap; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin: 1rem 0; }
.filters { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: end; }
.filters .field { flex: 1 1 13rem; margin: .5rem 0; }
.filters button { margin: .5rem 0; }
.needs-js { display: none; }
.js .needs-js { display: inline-block; }
.notice { border: 1px solid var(--line); border-left: .35rem solid var(--blue); border-radius: .4rem; padding: .6rem 1rem; margin: 1rem 0; max-width: 44rem; }
.notice.good { border-left-color: var(--green); background: var(--green-soft); }
.notice.bad { border-left-color: var(--red); background: var(--red-soft); }
.code-box { border: 2px solid var(--blue); border-radius: .6rem; padding: 1rem 1.5rem; margin: 1rem 0; max-width: 44rem; }
.code { font: 700 clamp(1.9rem, 7vw, 3.6rem)/1.2 var(--mono); font-feature-settings: 'zero'; letter-spacing: .04em; margin: .25rem 0; overflow-wrap: anywhere; }
.qr svg { display: block; width: 15rem; height: 15rem; max-width: 100%; }
.timer { font-variant-numeric: tabular-nums; font-size: 1.2rem; margin: .25rem 0; }
.expired { border-color: var(--red); background: var(--red-soft); }
.expired .code { text-decoration: line-through; color: var(--soft); }
.table { overflow-x: auto; container-type: inline-size; }
.long { min-width: 8rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; padding: .45rem .8rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-size: .95rem; color: var(--soft); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
@container (max-width: 46rem) {
  table, tbody, tr, td { display: block; }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; white-space: nowrap; }
  tr { border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .8rem; margin-bottom: .75rem; }
  td { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: 0 .75rem; border: 0; padding: .25rem 0; }
  td::before { content: attr(data-head); color: var(--soft); font-weight: 600; font-size: .95rem; }
  td.number { text-align: left; }
  td > * { grid-column: 2; }
  td:empty { display: none; }
  td .long { min-width: 0; }
  td .nowrap, td.nowrap { white-space: normal; }
}
@container (max-width: 24rem) { td { grid-template-columns: 1fr; } td > * { grid-column: 1; } }
.mono { font-family: var(--mono); font-size: .88rem; }
.break { overflow-wrap: anywhere; }
.nowrap { white-space: nowrap; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; }
.figures div { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1.2rem; min-width: 9rem; }
.figures dt { color: var(--soft); }
.figures dd { margin: 0; font-size: 1.8rem; font-variant-numeric: tabular-nums; }
@media (max-width: 52rem) { .frame { grid-template-columns: 1fr; padding: .75rem; } main { padding: 1rem; } nav ul { display: flex; flex-wrap: wrap; } }

progress { width: 100%; max-width: 44rem; height: 1rem; accent-color: var(--blue); }
body:has(#sheets-end) .until-whole, body:not(:has(#sheets-end)) .when-whole, [hidden] { display: none; }
.sheets { margin: 1rem 0; }
.paper { position: relative; display: flow-root; width: 182mm; max-width: 100%; padding-right: 12mm; margin-bottom: 6mm; background: #fff; color: #000; }
.paper .number { position: absolute; right: 2mm; top: 0; margin: 0; writing-mode: vertical-rl; font-size: 7pt; color: #444; }
/* Nothing in a card is positioned or clipped: a browser goes over all such boxes again for each sheet it prints. */
.card { float: left; display: flex; flex-direction: column; width: 85mm; height: 54mm; padding: 2.5mm 4mm 2mm; max-width: 100%; border: solid #888; border-width: 0 1px 1px 0;
  font-size: 8pt; line-height: 1.2; }
.card:nth-child(-n+2) { border-top-width: 1px; }
.card:nth-child(odd) { border-left-width: 1px; }
.card p, .flyer p { margin: 0; max-width: none; }
.card .from { font-weight: 700; font-size: 8pt; }
.card .title { font-size: 8pt; }
.card .both { display: flex; }
.card svg { flex: none; width: 30mm; height: 30mm; margin: -1.5mm 1mm 0 -3mm; }
.card .type { padding-top: 1mm; font-size: 7.5pt; }
.typed { font-family: var(--mono); font-weight: 700; font-size: 14pt; line-height: 1.2; letter-spacing: .06em; }
.card .foot { margin-top: auto; font-size: 7pt; overflow-wrap: anywhere; }
.card .tight { font-size: 5.5pt; }
.card .dense { font-size: 5pt; line-height: 1.1; word-break: break-all; }
.card .from.tight { font-size: 7pt; }
.flyer { width: 180mm; max-width: 100%; min-height: 255mm; background: #fff; color: #000; border: 1px solid var(--line); padding: 10mm; margin: 1rem 0; display: grid;
  grid-template-rows: 1fr auto 1fr; break-after: page; break-inside: avoid; }
.flyer h2 { margin: 0 0 4mm; font-size: 20pt; }
.flyer .kind { text-transform: uppercase; letter-spacing: .08em; font-size: 9pt; color: #444; }
.flyer .from { font-weight: 700; font-size: 12pt; margin-bottom: 3mm; }
.flyer .questions { margin-top: 4mm; font-weight: 600; }
.flyer .parts { display: grid; grid-template-columns: 58mm 1fr; gap: 8mm; align-items: start; }
@media screen and (max-width: 52rem) { .paper { padding-right: 0; } .paper .number { display: none; }
  .card { border-width: 1px; height: auto; min-height: 54mm; } .card .foot { padding-top: 2mm; } }
@media screen { .sheets { overflow-x: auto; } .paper { content-visibility: auto; contain-intrinsic-size: auto 182mm auto 270mm; } }
.flyer .parts > * { min-width: 0; overflow-wrap: anywhere; }
.flyer svg { width: 58mm; height: 58mm; display: block; }
.flyer ol { margin: 0; padding-left: 6mm; font-size: 12.5pt; }
.flyer li { margin-bottom: 3mm; }
.cut { border-top: 1px dashed #444; margin: 6mm 0; font-size: 8pt; color: #444; text-align: center; }
.flyer .line { display: flex; gap: 3mm; margin: 3mm 0 8mm; font-size: 11pt; }
.line::after { content: ''; flex: 1; border-bottom: 1px solid #444; }
.guid { font-family: var(--mono); font-feature-settings: 'zero'; font-size: 9pt; overflow-wrap: anywhere; }
@page { size: A4; margin: 13mm 14mm; }
@media print {
  body { background: #fff; }
  .top, nav, .skip, .screen { display: none !important; }
  .frame, main { display: block; margin: 0; padding: 0; border: 0; max-width: none; }
  .sheets { margin: 0; }
  .paper { height: 270mm; margin: 0; overflow: hidden; break-after: page; break-inside: avoid; }
  .paper:last-child { break-after: auto; }
  .flyer { border: 0; padding: 0; margin: 0; width: auto; min-height: 0; height: 265mm; }
  .flyer:last-child { break-after: auto; }
}
`;
