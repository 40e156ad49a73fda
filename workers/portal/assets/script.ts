/**
 * @module The portal's scripts, as they are served: copy, print, and the time a teleTAN has left; how many of the sheets have
 * come. Every page works without them; buttons that need one are hidden until it runs.
 */
export const SCRIPT = `'use strict';
document.documentElement.classList.add('js');
// A page out of the browser's memory has forms that were sent: it is asked for anew.
window.addEventListener('pageshow', (event) => event.persisted && location.reload());
for (const button of document.querySelectorAll('[data-print]')) button.addEventListener('click', () => window.print());
for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
  });
}
for (const timer of document.querySelectorAll('[data-seconds-left]')) {
  const end = performance.now() + 1000 * Number(timer.dataset.secondsLeft);
  const text = timer.textContent;
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    if (left > 0) {
      const time = String(Math.floor(left / 60)).padStart(2, '0') + ':' + String(left % 60).padStart(2, '0');
      timer.textContent = timer.dataset.text.replace('{time}', time);
      return;
    }
    clearInterval(interval);
    timer.textContent = timer.dataset.expired;
    timer.setAttribute('role', 'alert');
    timer.closest('[data-code]').classList.add('expired');
    for (const button of document.querySelectorAll('[data-copy]')) button.remove();
  };
  const interval = setInterval(tick, 1000);
  if (text !== null) tick();
}
`;

/** Runs while a page of sheets still comes, which the other script waits for. */
export const SHEET_SCRIPT = `'use strict';
const bar = document.querySelector('progress[data-piece]');
const come = document.getElementsByClassName(bar.dataset.piece);
const timer = setInterval(() => (bar.value = come.length), 250);
window.addEventListener('load', () => {
  clearInterval(timer);
  if (document.getElementById('sheets-end') !== null) return;
  document.querySelector('.broken').hidden = false;
  document.querySelector('.until-whole').hidden = true;
});
`;
