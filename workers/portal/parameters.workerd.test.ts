/** @module The page of parameters: what waits for a second person, what it would change, who may agree. */
import { describe, it } from 'vitest';
import { Browser, ENV } from './test-rig.ts';

let people = 0;
const browserOf = (): Browser =>
  new Browser({ subject: `parameters-${++people}@example.org`, roles: ['health-authority'] });
const room = ENV.STAFF_ROOM.getByName('room');

/** Sends a command as that person's explorer does. */
async function publish(browser: Browser, document: object, expectedVersion: number): Promise<Record<string, unknown>> {
  const body = JSON.stringify({ document: JSON.stringify(document), expectedVersion });
  const headers = { 'content-type': 'application/json' };
  return (await browser.send('/operator/config/publish', { method: 'POST', headers, body })).json();
}

const version = async (): Promise<number> => (await ENV.ORIGIN.parameterStatus()).version;

describe('the page of parameters', () => {
  it('shows what a proposal changes; its own author can only take it back, another agrees', async ({ expect }) => {
    const [first, second] = [browserOf(), browserOf()];
    expect(await publish(first, { a: 1, kept: true }, await version())).toMatchObject({ kind: 'published' });
    const base = await version();
    const proposed = await publish(first, { a: 2, kept: true }, base);
    expect(proposed).toMatchObject({ kind: 'proposed', abovePercentage: 10 });
    const proposal = String(proposed['id']);
    const own = await (await first.send('/staff/parameters')).text();
    expect(own).toMatch(new RegExp(`Version ${base} is in force[\\s\\S]*Proposed by ${first.subject}`));
    expect(own).toContain('somebody else must agree');
    expect(own).not.toContain('Agree and publish');
    expect((await first.submit('/staff/parameters/agree', { proposal })).headers.get('location')).toBe(
      '/staff/parameters?notice=parametersOwn',
    );
    const other = await (await second.send('/staff/parameters')).text();
    expect(other).toMatch(/>a<[\s\S]*>1<[\s\S]*>2<[\s\S]*Agree and publish/);
    expect(other).not.toContain('kept');
    expect(await version()).toBe(base);
    const agreed = await (await second.post('/staff/parameters/agree', { proposal })).text();
    expect(agreed).toContain('The new version is published.');
    expect(agreed).toContain('Nothing waits.');
    expect(await version()).toBe(base + 1);
    expect(await ENV.ORIGIN.parameterDocument(String(base + 1))).toBe('{"a":2,"kept":true}');
    const log = await room.search({ text: 'parameters.agree', from: null, to: null, before: null });
    expect(log.entries[0]).toMatchObject({
      who: second.subject,
      detail: `publish of ${first.subject} on version ${base}`,
    });
  });

  it('says when what was proposed is no longer of the newest version, and lets nobody agree', async ({ expect }) => {
    const [first, second, third] = [browserOf(), browserOf(), browserOf()];
    const base = await version();
    const stale = String((await publish(first, { a: 3 }, base))['id']);
    const newer = String((await publish(second, { a: 4 }, base))['id']);
    await third.submit('/staff/parameters/agree', { proposal: newer });
    const page = await (await third.send('/staff/parameters')).text();
    expect(page).toContain(`It was made of version ${base}, which is no longer the newest.`);
    expect(page).not.toContain('Agree and publish');
    // A page of before still has the button.
    expect((await third.submit('/staff/parameters/agree', { proposal: stale })).headers.get('location')).toBe(
      '/staff/parameters?notice=parametersConflict',
    );
    expect(await version()).toBe(base + 1);
    expect(await room.proposals()).toEqual([]);
  });

  it('lets anybody decline', async ({ expect }) => {
    const [first, second] = [browserOf(), browserOf()];
    const proposal = String((await publish(first, { a: 5 }, await version()))['id']);
    const declined = await second.post('/staff/parameters/decline', { proposal });
    expect(await declined.text()).toContain('The proposal has ended. Nothing was published.');
    expect((await second.submit('/staff/parameters/decline', { proposal })).headers.get('location')).toBe(
      '/staff/parameters?notice=parametersGone',
    );
  });

  it('turns over what each proposal changes, 25 fields a page; the caption says how many there are', async ({
    expect,
  }) => {
    const [first, second] = [browserOf(), browserOf()];
    const base = await version();
    const fields = Array.from({ length: 60 }, (_, i) => `changed-${String(i).padStart(2, '0')}`);
    await publish(first, { a: 4, other: 1 }, base);
    await publish(second, { a: 4, ...Object.fromEntries(fields.map((field) => [field, 1])) }, base);
    const reader = browserOf();
    const seen: string[] = [];
    let next: string | undefined = '/staff/parameters';
    for (let page = 1; next !== undefined; page++) {
      const text = await (await reader.send(next)).text();
      expect(text).toContain('<p>Fields it changes: 1</p>');
      expect(text).toContain('<p>Fields it changes: 60</p>');
      expect(text).toContain(`Page ${page} of 3`);
      seen.push(...fields.filter((field) => text.includes(`>${field}<`)));
      next = /href="([^"]+)"[^>]*>Next page/.exec(text)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen).toEqual(fields);
  });
});
