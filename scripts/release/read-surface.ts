/**
 * @module Reads the {@link Surface} out of the entry files of all Workers, by the compiler: what is exported there is what others can call, and the checker knows the shapes however they are written down.
 */
import { type Node, SyntaxKind } from 'typescript/unstable/ast';
import {
  API,
  type Checker,
  SignatureKind,
  type Symbol as TsSymbol,
  SymbolFlags,
  type Type,
  TypeFlags,
} from 'typescript/unstable/sync';
import { readEnvironments } from '../../local-edge/workers.ts';
import type { Method, Shape, Surface } from './shapes.ts';

/** The platform calls them, not another Worker. */
const HANDLERS = new Set([
  'fetch',
  'alarm',
  'connect',
  'webSocketMessage',
  'webSocketClose',
  'webSocketError',
  'tail',
  'trace',
  'tailStream',
  'queue',
  'scheduled',
  'email',
  'test',
]);
const OBJECT_BRAND = '__DURABLE_OBJECT_BRAND';
const ENTRYPOINT_BRAND = '__WORKER_ENTRYPOINT_BRAND';

const has = (flags: number, some: number): boolean => (flags & some) !== 0;
const sorted = <T>(entries: Iterable<readonly [string, T]>): Record<string, T> =>
  Object.fromEntries([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** One reading of one program. */
class Reader {
  readonly types = new Map<string, Shape>();
  readonly #checker: Checker;
  readonly #root: string;
  /** A type by its name, so that two of one name are told apart. */
  readonly #named = new Map<string, number>();

  constructor(checker: Checker, root: string) {
    this.#checker = checker;
    this.#root = root;
  }

  /** @param instance of a class @returns its public methods */
  methods(instance: Type): Record<string, Method> {
    const found: [string, Method][] = [];
    for (const member of this.#checker.getPropertiesOfType(instance)) {
      if (member.name.startsWith('__') || HANDLERS.has(member.name) || isHidden(member)) continue;
      const type = this.#checker.getTypeOfSymbol(member);
      const signature = type && this.#checker.getSignaturesOfType(type, SignatureKind.Call)[0];
      if (signature === undefined) continue;
      const parameters = signature.getParameters().map((parameter) => {
        const declared = parameter.valueDeclaration?.resolve() as
          | { questionToken?: unknown; initializer?: unknown }
          | undefined;
        const optional = declared?.questionToken !== undefined || declared?.initializer !== undefined;
        return { name: parameter.name, shape: this.#shapeOf(parameter, optional), optional };
      });
      const returned = this.#checker.getReturnTypeOfSignature(signature);
      found.push([member.name, { parameters, returns: returned ? this.#promised(returned) : 'void' }]);
    }
    return sorted(found);
  }

  #promised(type: Type): Shape {
    const isPromise = type.getSymbol()?.name === 'Promise' && type.isTypeReference();
    const inner = isPromise ? this.#checker.getTypeArguments(type)[0] : type;
    return inner === undefined ? 'void' : this.shape(inner);
  }

  #shapeOf(symbol: TsSymbol, optional: boolean): Shape {
    const type = this.#checker.getTypeOfSymbol(symbol);
    if (type === undefined) throw new Error(`${symbol.name}: its type is not known`);
    const shape = this.shape(type);
    if (!optional || typeof shape === 'string' || !('union' in shape)) return shape;
    const left = shape.union.filter((member) => member !== 'undefined');
    return left.length === 1 ? left[0]! : { union: left };
  }

  shape(type: Type): Shape {
    const alias = type.getAliasSymbol();
    if (alias !== undefined && this.#isOurs(alias) && type.getAliasTypeArguments().length === 0) {
      return this.#byName(alias.name, type, () => this.#body(type));
    }
    return this.#body(type);
  }

  #body(type: Type): Shape {
    if (has(type.flags, TypeFlags.Boolean) || !type.isObjectType()) {
      if (type.isUnionType() && !has(type.flags, TypeFlags.Boolean)) return this.#union(type.getTypes());
      return type.isIntersectionType() ? this.#fields(type) : this.#checker.typeToString(type);
    }
    if (type.isTupleType() || (type.isTypeReference() && type.getTarget().isTupleType())) {
      return { tuple: this.#checker.getTypeArguments(type as never).map((member) => this.shape(member)) };
    }
    const symbol = type.getSymbol();
    const name = symbol?.name ?? '';
    const args = type.isTypeReference() ? this.#checker.getTypeArguments(type) : [];
    if (name === 'Array' || name === 'ReadonlyArray') return { list: args[0] ? this.shape(args[0]) : 'unknown' };
    if (symbol !== undefined && !this.#isOurs(symbol)) {
      // Which buffer bytes lie in is no matter of the wire.
      return args.length === 0 || name === 'Uint8Array'
        ? name
        : { of: name, with: args.map((member) => this.shape(member)) };
    }
    if (type.isClassOrInterface()) return this.#byName(name, type, () => this.#fields(type));
    return this.#fields(type);
  }

  /** `true` and `false` are one member, as a person writes them. */
  #union(types: readonly Type[]): Shape {
    const literals = types.filter((member) => has(member.flags, TypeFlags.BooleanLiteral));
    const rest = literals.length === 2 ? types.filter((member) => !literals.includes(member)) : types;
    const members = rest.map((member) => this.shape(member));
    if (literals.length === 2) members.push('boolean');
    const only = members.length === 1 ? members[0] : undefined;
    return only ?? { union: members.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) };
  }

  #fields(type: Type): Shape {
    const indexes = this.#checker.getIndexInfosOfType(type);
    const fields = this.#checker.getPropertiesOfType(type).map((field): readonly [string, Shape] => {
      const optional = has(field.flags, SymbolFlags.Optional);
      return [optional ? `${field.name}?` : field.name, this.#shapeOf(field, optional)];
    });
    const keyed = indexes.map(({ keyType, valueType }): readonly [string, Shape] => [
      `[${this.#checker.typeToString(keyType)}]?`,
      this.shape(valueType),
    ]);
    return { fields: sorted([...fields, ...keyed]) };
  }

  #byName(name: string, type: Type, body: () => Shape): Shape {
    let free = name;
    for (let n = 2; this.#named.has(free) && this.#named.get(free) !== type.id; n += 1) free = `${name}~${n}`;
    if (!this.#named.has(free)) {
      this.#named.set(free, type.id);
      this.types.set(free, body());
    }
    return { name: free };
  }

  #isOurs(symbol: TsSymbol): boolean {
    const path = String(symbol.declarations[0]?.path ?? '');
    return path.toLowerCase().startsWith(`${this.#root.toLowerCase()}/`) && !path.includes('/node_modules/');
  }
}

function isHidden(member: TsSymbol): boolean {
  const declared: (Node & { readonly modifiers?: readonly Node[] }) | undefined = member.valueDeclaration?.resolve();
  return (declared?.modifiers ?? []).some(
    ({ kind }) => kind === SyntaxKind.ProtectedKeyword || kind === SyntaxKind.PrivateKeyword,
  );
}

/**
 * @param root of a checkout, absolute, with its node_modules
 * @returns what its Workers and objects can be called with
 * @throws Error when an entry file isn't part of the program
 */
export function readSurface(root: string): Surface {
  const api = new API({ cwd: root });
  try {
    const config = `${root}/tsconfig.workers.json`;
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (project === undefined) throw new Error(`${config} can't be opened`);
    const { program, checker } = project;
    const reader = new Reader(checker, root);
    const methods: [string, Record<string, Method>][] = [];
    for (const { environment, main } of readEnvironments()) {
      const file = program.getSourceFile(`${root}/${main}`);
      const module = file && checker.getSymbolAtLocation(file);
      if (module === undefined) throw new Error(`${main} is not part of ${config}`);
      const exported = checker.getExportsOfModule(module).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      for (const symbol of exported) {
        const target = has(symbol.flags, SymbolFlags.Alias) ? checker.getAliasedSymbol(symbol) : symbol;
        const type = checker.getTypeOfSymbol(target);
        const made = type && checker.getSignaturesOfType(type, SignatureKind.Construct)[0];
        const instance = made && checker.getReturnTypeOfSignature(made);
        if (instance === undefined) continue;
        const brands = new Set(checker.getPropertiesOfType(instance).map(({ name }) => name));
        const between = brands.has(OBJECT_BRAND) ? ':' : brands.has(ENTRYPOINT_BRAND) ? '#' : null;
        if (between !== null) methods.push([`${environment}${between}${symbol.name}`, reader.methods(instance)]);
      }
    }
    return { methods: sorted(methods), types: sorted(reader.types) };
  } finally {
    api.close();
  }
}
