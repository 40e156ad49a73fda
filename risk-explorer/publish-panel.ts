/**
 * @module The operator's part of the page: only where the portal serves it. It shows the published version and publishes
 * the document that is on the screen, for everyone or for a share of the phones.
 */
import { html } from './dom.ts';

const CONFIG_PATH = '/operator/config';

interface Reply {
  readonly kind?: string;
  readonly version?: number;
  readonly detail?: string;
}

function describe(reply: Reply): string {
  switch (reply.kind) {
    case 'published':
      return `Version ${reply.version} is published.`;
    case 'accepted':
      return `Version ${reply.version} is decided; the origin goes on writing it.`;
    case 'unchanged':
      return `Version ${reply.version} has just this already.`;
    case 'would-publish':
      return `It would become version ${reply.version}.`;
    case 'conflict':
      return `Somebody published version ${reply.version} meanwhile. Reload and look at it first.`;
    case 'invalid':
      return 'The origin finds it invalid; nothing changed.';
    default:
      return reply.detail ?? 'The portal refused.';
  }
}

/** @returns true if the portal serves this page */
export function isServedByPortal(location: Location): boolean {
  return location.pathname.startsWith('/operator/');
}

/**
 * @param documentText the document on the screen
 * @returns the panel; it asks the portal for the published version at once
 */
export function publishPanel(documentText: () => string): HTMLElement {
  const message = html('p', { role: 'status' }, 'Asking for the published version…');
  const percentage = html('input', {
    type: 'number',
    min: 1,
    max: 100,
    value: 100,
    'aria-label': 'Share of phones, %',
  });
  let version = 0;

  async function send(dryRun: boolean): Promise<void> {
    const share = Number(percentage.value);
    const body = JSON.stringify({
      document: documentText(),
      expectedVersion: version,
      audience: share === 100 ? null : { percentage: share, android: 'all', ios: 'all' },
      dryRun,
    });
    const response = await fetch(`${CONFIG_PATH}/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const reply = (await response.json()) as Reply;
    if (!dryRun && reply.version !== undefined && reply.kind !== 'conflict') version = reply.version;
    message.textContent = describe(reply);
  }
  const act = (dryRun: boolean) => () => {
    send(dryRun).catch(() => {
      message.textContent = 'The portal was not reached.';
    });
  };
  const tryIt = html('button', { type: 'button' }, 'Dry run');
  const publish = html('button', { type: 'button', class: 'primary' }, 'Publish');
  tryIt.addEventListener('click', act(true));
  publish.addEventListener('click', act(false));

  async function ask(): Promise<void> {
    const status = (await (await fetch(CONFIG_PATH)).json()) as { version: number };
    version = status.version;
    message.textContent = version === 0 ? 'Nothing is published yet.' : `Version ${version} is published.`;
  }
  ask().catch(() => {
    message.textContent = 'The portal was not reached.';
  });
  return html(
    'section',
    { class: 'publish' },
    html('h2', {}, 'Publish'),
    html('label', {}, 'Share of phones, % ', percentage),
    tryIt,
    publish,
    message,
  );
}
