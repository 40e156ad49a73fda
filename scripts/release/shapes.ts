/**
 * @module What crosses a call between Workers, as data: the methods of every entrypoint and every Durable Object, and the shapes of what they take and give. Kept of each release, since a Worker of this one calls a Worker, or an
 * object, of the one before it while a deployment is under way (docs/releasing.md, "Two releases").
 */

/** A type, resolved so far that two versions of it can be compared: a literal or a primitive by its text, a name of {@link Surface.types}, or what it is made of. */
export type Shape =
  | string
  | { readonly name: string }
  | { readonly list: Shape }
  | { readonly tuple: readonly Shape[] }
  | { readonly union: readonly Shape[] }
  /** A field by its name, with `?` at its end where it may be left out. */
  | { readonly fields: Readonly<Record<string, Shape>> }
  /** A type of the language, of others: `Map`, `Record`. */
  | { readonly of: string; readonly with: readonly Shape[] };

interface Parameter {
  readonly name: string;
  readonly shape: Shape;
  /** Whether it may be left out. */
  readonly optional: boolean;
}

export interface Method {
  readonly parameters: readonly Parameter[];
  /** What the promise is of. */
  readonly returns: Shape;
}

/** All that Workers and objects answer to. */
export interface Surface {
  /** `origin#Intake` an entrypoint, `origin:Publisher` an object → method → what it takes and gives. */
  readonly methods: Readonly<Record<string, Readonly<Record<string, Method>>>>;
  readonly types: Readonly<Record<string, Shape>>;
}
