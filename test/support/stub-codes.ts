/** @module What `verificationStub` (stub-workers.ts) says of verification codes and API keys: members of its BackOffice, as text. */

/** BackOffice's verification codes: eight digits that count up, three a day unless a quota says otherwise; a number that ends with 0 never gets its SMS, a uuid that begins with ffff was claimed. API keys are `kind.name`. */
export const CODES = `  static codes = new Map();
  static quotas = new Map();
  static keys = [];
  deliverCodes(issuer, requests) {
    const { codes } = BackOffice;
    return requests.map((request) => {
      const uuid = request.uuid?.toLowerCase() ?? crypto.randomUUID();
      const before = codes.get(uuid);
      const same = (one) => one.issuer + JSON.stringify({ ...one.request, uuid });
      if (before) return same(before) === same({ issuer, request }) ? before.reply : { error: 'uuid_already_exists' };
      if (request.symptomDate === null && request.testDate === null && request.testType !== 'negative') return { error: 'missing_date' };
      if ((request.testDate ?? '') > '2026-09-22') return { error: 'invalid_date' };
      const { used, limit } = this.codeBook(issuer);
      if (used >= limit) return { error: 'quota_exceeded' };
      if (request.phone?.endsWith('0')) return { error: 'sms_failure' };
      const n = codes.size + 1;
      const generatedSms = request.onlyGenerateSms ? 'Your code ' + n : null;
      const long = request.long ? { longCode: String(n).padStart(16, 'a'), longExpiresAt: 1790086400 } : { longCode: null, longExpiresAt: null };
      const reply = { uuid, code: String(n).padStart(8, '0'), expiresAt: 1790000900, ...long, generatedSms, sent: request.phone !== null && generatedSms === null };
      codes.set(uuid, { issuer, request, reply, claimed: uuid.startsWith('ffff'), expiresAt: reply.expiresAt });
      return reply;
    });
  }
  messageSettings() { return { sends: true, templates: ['Default', 'Other'], region: 'DE', linkDomain: 'en.example' }; }
  codeStatus(issuer, uuid) {
    const row = this.ownCode(issuer, uuid);
    return row && { uuid, testType: row.request.testType, createdAt: 1790000000, expiresAt: row.expiresAt, longExpiresAt: row.reply.longExpiresAt, claimed: row.claimed };
  }
  ownCode(issuer, uuid) { const row = BackOffice.codes.get(uuid); return row?.issuer === issuer ? row : null; }
  expireCode(issuer, uuid) {
    const row = this.ownCode(issuer, uuid);
    if (row?.claimed) return 'claimed';
    if (row) row.expiresAt = Math.min(row.expiresAt, 1790000060);
    return this.codeStatus(issuer, uuid);
  }
  codeBook(issuer) {
    const own = [...BackOffice.codes].filter(([, row]) => row.issuer === issuer).reverse();
    return { codes: own.map(([uuid]) => this.codeStatus(issuer, uuid)), used: own.length, limit: BackOffice.quotas.get(issuer) ?? 3 };
  }
  setCodeQuota(issuer, perDay) { BackOffice.quotas.set(issuer, perDay); }
  codeQuotas() { return [...BackOffice.quotas].map(([issuer, codesPerDay]) => ({ issuer, codesPerDay })); }
  createApiKey(kind, name, request) {
    const { keys } = BackOffice;
    let row = keys.find((one) => request !== undefined && one.request === request);
    if (!row) keys.unshift((row = { request, apiKey: { id: crypto.randomUUID().replaceAll('-', ''), kind, name, createdAt: 1790000000, revokedAt: null } }));
    return { apiKey: row.apiKey, text: kind + '.' + name };
  }
  apiKeys() { return BackOffice.keys.map(({ apiKey }) => apiKey); }
  revokeApiKey(id) {
    const row = BackOffice.keys.find(({ apiKey }) => apiKey.id === id);
    if (row) row.apiKey = { ...row.apiKey, revokedAt: 1790000060 };
    return row !== undefined;
  }
  checkApiKey(kind, key) {
    const row = BackOffice.keys.find(({ apiKey }) => apiKey.kind + '.' + apiKey.name === key);
    return row && row.apiKey.kind === kind && row.apiKey.revokedAt === null ? { id: row.apiKey.id, name: row.apiKey.name } : null;
  }
`;
