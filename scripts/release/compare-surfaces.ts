/**
 * @module Whether two releases understand each other: a Worker of one calls Workers and objects of the other, either way, for as long as a deployment or its rollback takes.
 */
import type { Method, Shape, Surface } from './shapes.ts';

/** What can't be as it was at once. */
export interface Break {
  /** Method, and the place in what it takes or gives: `origin#Intake.accept(upload).keys[]`. */
  readonly at: string;
  readonly what: string;
}

/** What to do about one. */
export const TWO_RELEASES =
  'A method, a field or a kind changes over two releases: the first understands the new beside the old and still gives the old, the next gives the new, the one after forgets the old (docs/releasing.md).';

type Types = Surface['types'];

const OPTIONAL = /\?$/;
const text = (shape: Shape): string => (typeof shape === 'string' ? shape : JSON.stringify(shape));

/** Compares shapes of two versions; names lead each into its own types. */
class Comparison {
  readonly breaks: Break[] = [];
  readonly #before: Types;
  readonly #now: Types;
  /** Pairs under comparison: a type may hold itself. */
  readonly #open: Set<string>;

  constructor(before: Types, now: Types, open: Iterable<string> = []) {
    this.#before = before;
    this.#now = now;
    this.#open = new Set(open);
  }

  shapes(before: Shape, now: Shape, at: string): void {
    const pair = `${text(before)} ${text(now)}`;
    if (this.#open.has(pair)) return;
    this.#open.add(pair);
    this.#resolved(resolve(before, this.#before), resolve(now, this.#now), at);
    this.#open.delete(pair);
  }

  #resolved(before: Shape, now: Shape, at: string): void {
    if (typeof before === 'string' || typeof now === 'string') {
      if (before !== now) this.#differ(at, before, now);
    } else if ('list' in before && 'list' in now) this.shapes(before.list, now.list, `${at}[]`);
    else if ('union' in before && 'union' in now) this.#unions(before.union, now.union, at);
    else if ('fields' in before && 'fields' in now) this.#fields(before.fields, now.fields, at);
    else if ('tuple' in before && 'tuple' in now) this.#all(before.tuple, now.tuple, at, before, now);
    else if ('of' in before && 'of' in now && before.of === now.of) {
      this.#all(before.with, now.with, `${at}<>`, before, now);
    } else this.#differ(at, before, now);
  }

  #all(before: readonly Shape[], now: readonly Shape[], at: string, whole: Shape, wholeNow: Shape): void {
    if (before.length !== now.length) this.#differ(at, whole, wholeNow);
    else for (const [n, shape] of before.entries()) this.shapes(shape, now[n]!, `${at}.${n}`);
  }

  /** Whether nothing differs. */
  #equal(before: Shape, now: Shape): boolean {
    const trial = new Comparison(this.#before, this.#now, this.#open);
    trial.shapes(before, now, '');
    return trial.breaks.length === 0;
  }

  #unions(before: readonly Shape[], now: readonly Shape[], at: string): void {
    const gone = before.filter((member) => !now.some((other) => this.#equal(member, other)));
    const come = now.filter((member) => !before.some((other) => this.#equal(other, member)));
    for (const member of gone) {
      const kind = kindOf(member, this.#before);
      const same = come.find((other) => kind !== null && kindOf(other, this.#now) === kind);
      if (same === undefined) this.#break(at, `${kind ?? text(member)} is gone`);
      else {
        come.splice(come.indexOf(same), 1);
        this.shapes(member, same, `${at}{${kind}}`);
      }
    }
    for (const member of come) this.#break(at, `${kindOf(member, this.#now) ?? text(member)} is new`);
  }

  #fields(before: Readonly<Record<string, Shape>>, now: Readonly<Record<string, Shape>>, at: string): void {
    const names = new Set([...Object.keys(before), ...Object.keys(now)].map((name) => name.replace(OPTIONAL, '')));
    for (const name of names) {
      const [was, is] = [before[name] ?? before[`${name}?`], now[name] ?? now[`${name}?`]];
      const [wasNeeded, isNeeded] = [name in before, name in now];
      const place = `${at}.${name}`;
      if (is === undefined || was === undefined) {
        if (is === undefined && wasNeeded) this.#break(place, 'is gone');
        if (was === undefined && isNeeded) this.#break(place, 'is new, and may not be left out');
      } else {
        if (wasNeeded !== isNeeded)
          this.#break(place, isNeeded ? 'may not be left out any more' : 'may be left out now');
        this.shapes(was, is, place);
      }
    }
  }

  method(before: Method, now: Method, at: string): void {
    for (let n = 0; n < Math.max(before.parameters.length, now.parameters.length); n += 1) {
      const [was, is] = [before.parameters[n], now.parameters[n]];
      const place = `${at}(${(is ?? was)?.name ?? n})`;
      if (is === undefined || was === undefined) {
        if (was?.optional === false) this.#break(place, 'is gone');
        if (is?.optional === false) this.#break(place, 'is new, and may not be left out');
      } else {
        if (was.optional && !is.optional) this.#break(place, 'may not be left out any more');
        if (!was.optional && is.optional) this.#break(place, 'may be left out now');
        this.shapes(was.shape, is.shape, place);
      }
    }
    this.shapes(before.returns, now.returns, `${at}()`);
  }

  #differ(at: string, before: Shape, now: Shape): void {
    this.#break(at, `was ${text(before)}, is ${text(now)}`);
  }

  #break(at: string, what: string): void {
    if (!this.breaks.some((known) => known.at === at && known.what === what)) this.breaks.push({ at, what });
  }
}

function resolve(shape: Shape, types: Types): Shape {
  if (typeof shape === 'string' || !('name' in shape)) return shape;
  const named = types[shape.name];
  if (named === undefined) throw new Error(`${shape.name} is no type of the surface`);
  return resolve(named, types);
}

/** What tells the members of a union apart. @returns the literals of a member's `kind`, or of `ok`; null where it has none */
function kindOf(shape: Shape, types: Types): string | null {
  const whole = resolve(shape, types);
  if (typeof whole === 'string' || !('fields' in whole)) return null;
  const told = whole.fields['kind'] ?? whole.fields['ok'];
  return told === undefined ? null : text(resolve(told, types));
}

/**
 * @param before of the release before
 * @param now of this one
 * @returns what they don't agree on: none where each may call the other; what is new and may be left out is no break
 */
export function breaksBetween(before: Surface, now: Surface): readonly Break[] {
  const comparison = new Comparison(before.types, now.types);
  for (const [target, methods] of Object.entries(before.methods)) {
    for (const [name, method] of Object.entries(methods)) {
      const is = now.methods[target]?.[name];
      if (is === undefined) comparison.breaks.push({ at: `${target}.${name}`, what: 'is gone' });
      else comparison.method(method, is, `${target}.${name}`);
    }
  }
  return comparison.breaks;
}
