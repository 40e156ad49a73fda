/** @module How a peer's address is asked: by the binding that shows our client certificate, and no longer than a while. */

/**
 * @param variables bindings by their names
 * @param name of the certificate's binding
 * @param answerMs for a question and all of its answer
 * @returns asks; an Error where nothing is bound by that name, or the time is over
 */
export function boundFetch(
  variables: Readonly<Record<string, unknown>>,
  name: string,
  answerMs: number,
): (asked: Request) => Promise<Response> {
  const binding = variables[name] as Fetcher | undefined;
  return async (asked) => {
    if (binding === undefined) throw new Error(`${name} isn't bound`);
    const signal = AbortSignal.timeout(answerMs);
    const came = await binding.fetch(new Request(asked, { signal }));
    // A byte now and then must not keep an answer open, whatever a binding makes of the signal once there are headers.
    return came.body === null ? came : new Response(came.body.pipeThrough(new TransformStream(), { signal }), came);
  };
}
